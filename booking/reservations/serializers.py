"""The representation of a reservation in the API."""

from datetime import UTC
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from booking.models import Reservation
from booking.reservations.enums import Override, ReservationStatus
from scheduler_project.common.api.serializers import Serializer


class ReservationSerializer(Serializer[Reservation]):
    id = serializers.IntegerField()
    provider = serializers.IntegerField()
    client = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    status = serializers.ChoiceField(
        choices=ReservationStatus.choices, help_text=_("A hold past its end reads `expired`, tidied up or not.")
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    appointment = serializers.IntegerField(allow_null=True)
    overrides = serializers.ListField(child=serializers.ChoiceField(choices=Override.choices))
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Reservation) -> dict[str, Any]:
        """Return the representation, written by hand: a serializer's fields take longer than reserving does."""
        zone = self.context["zone"] or UTC
        state = instance.state(self.context["now"])
        had_none = state in (ReservationStatus.HELD, ReservationStatus.EXPIRED)
        appointment = None if had_none else getattr(instance, "appointment", None)
        return {
            "id": instance.pk,
            "provider": instance.provider_id,
            "client": instance.client_id,
            "service": instance.service_id,
            "start_time": instance.starts_at.astimezone(zone),
            "end_time": instance.ends_at.astimezone(zone),
            "status": str(state),
            "expires_at": instance.expires_at and instance.expires_at.astimezone(zone),
            "appointment": appointment.pk if appointment else None,
            "overrides": instance.overrides,
            "created_at": instance.created_at.astimezone(zone),
        }
