"""Representations of reservations and appointments, shared by several views."""

from datetime import UTC
from typing import Any

from rest_framework import serializers

from accounts.actors import Actor, Source
from accounts.clients.fields import field_names
from booking.api.fields import InstantField, OffsetsField
from booking.appointments.enums import Action
from booking.appointments.permissions import allowed_actions
from booking.appointments.representation import PLACES, describe
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
