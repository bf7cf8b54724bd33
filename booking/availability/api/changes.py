"""The answer to every change of availability (R6)."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from booking.api.base import BookingViewSet
from booking.appointments.serializers import AppointmentSerializer
from booking.availability.operations import AvailabilityChange
from booking.reservations.serializers import ReservationSerializer
from scheduler_project.common.api.serializers import Serializer


class ChangeSerializer(Serializer[AvailabilityChange]):
    """The effect of a change of availability (R6).

    It counts the free slots added and removed, and lists the coming appointments that now lie outside the hours. In a
    preview, the effect that the change would have. If a schedule has more than 20,000 slots, those far ahead are
    created within seconds of the answer, which already counts them.
    """

    preview = serializers.SerializerMethodField(help_text=_("True if nothing was changed."))
    slots_added = serializers.IntegerField()
    slots_removed = serializers.IntegerField()
    conflicts = AppointmentSerializer(many=True)
    holds = ReservationSerializer(many=True, help_text=_("Unconfirmed holds that would be outside the hours."))

    @extend_schema_field(serializers.BooleanField())
    def get_preview(self, change: AvailabilityChange) -> bool:
        return bool(self.context["preview"])


class ChangingViewSet(BookingViewSet):
    """A base of views that change availability. The answer to a deletion also reports its effect."""

    timeless_actions = frozenset()

    def changed(self, change: AvailabilityChange, row: Any = None, code: int = 200) -> Response:
        """Return the answer to a change of availability, with the row that was created or changed."""
        body = dict(ChangeSerializer(change, context=self.get_serializer_context()).data)
        if row is not None:
            body = {**row, **body}
        return Response(body, 200 if self.is_preview else code)
