"""Representations of reservations and appointments, shared by several views."""

from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from accounts.actors import Actor, Source
from accounts.clients.fields import field_names
from booking.api.fields import InstantField, OffsetsField
from booking.appointments.enums import Action
from booking.appointments.permissions import allowed_actions
from booking.appointments.representation import PLACES, describe
from booking.links import appointment_token
from booking.models import Appointment
from scheduler_project.common.api.serializers import ModelSerializer, Serializer


class PersonSerializer(Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class ContactSerializer(PersonSerializer):
    email = serializers.EmailField()

    def get_fields(self) -> dict[str, Any]:
        known = super().get_fields()
        return {name: known.get(name) or serializers.CharField() for name in ("id", *field_names(in_summary=True))}


class GuestContactSerializer(Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()


class AppointmentSerializer(ModelSerializer[Appointment]):
    provider = PersonSerializer()
    client = ContactSerializer()
    service = PersonSerializer(allow_null=True)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    created_at = InstantField()
    updated_at = InstantField()
    reminder_offsets = OffsetsField()
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(choices=Action.choices))

    class Meta:
        model = Appointment
        fields = [*PLACES, "allowed_actions"]
        read_only_fields = fields

    def to_representation(self, instance: Appointment) -> dict[str, Any]:
        zone = self.context["zone"] or UTC
        actor = Actor.of(self.context["request"].user, Source.API)
        return {
            **describe(instance, instant=lambda at: at.astimezone(zone)),
            "allowed_actions": [str(action) for action in allowed_actions(instance, actor, self.context["now"])],
        }


GUESTS_READ = (
    "id",
    "uid",
    "provider",
    "client",
    "service",
    "title",
    "description",
    "status",
    "start_time",
    "end_time",
    "timezone",
    "cancellation_reason",
    "sequence",
    "created_at",
    "updated_at",
)
"""The fields of an appointment that its guest reads on their page, or in its calendar file."""


class GuestAppointmentSerializer(ModelSerializer[Appointment]):
    """An appointment for the guest who booked it, or anyone with the link we emailed them."""

    provider = PersonSerializer()
    client = GuestContactSerializer()
    service = PersonSerializer(allow_null=True)
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    created_at = InstantField()
    updated_at = InstantField()
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(choices=Action.choices))
    guest_token = serializers.CharField(
        help_text=_("Send it as `Authorization: Guest …` to reschedule or cancel the appointment.")
    )

    class Meta:
        model = Appointment
        fields = [*GUESTS_READ, "allowed_actions", "guest_token"]
        read_only_fields = fields

    def to_representation(self, instance: Appointment) -> dict[str, Any]:
        zone = self.context["zone"] or UTC
        guest = Actor(None, Source.API, guest=instance.client)
        return {
            **describe(instance, GUESTS_READ, instant=lambda at: at.astimezone(zone)),
            "client": {"id": instance.client.pk, "email": instance.client.email},
            "allowed_actions": [str(action) for action in allowed_actions(instance, guest, self.context["now"])],
            "guest_token": appointment_token(instance),
        }


USERS_OR_GUESTS = PolymorphicProxySerializer(
    component_name="AppointmentOrGuests",
    serializers=[AppointmentSerializer, GuestAppointmentSerializer],
    resource_type_field_name=None,
)
"""The answer about an appointment: for guests, with less in it."""
