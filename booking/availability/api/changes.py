"""The answer to every change of availability (R6)."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from booking.api.base import BookingViewSet
from booking.appointments.serializers import AppointmentSerializer
from booking.availability.operations import Change
from booking.reservations.serializers import ReservationSerializer
from scheduler_project.common.api.serializers import Serializer

PREVIEW = OpenApiParameter("preview", bool, description="Answer what would happen, and change nothing.")


class ChangeSerializer(Serializer[Change]):
    """R6: what happened to the free slots, and which coming appointments now lie outside the hours.

    In a preview: what would happen, and which would. Of a calendar with more than 20,000 slots those far ahead are laid
    out within seconds of the answer, which counts them already.
    """

    preview = serializers.SerializerMethodField(help_text=_("Whether nothing was changed."))
    slots_added = serializers.IntegerField()
    slots_removed = serializers.IntegerField()
    conflicts = AppointmentSerializer(many=True)
    holds = ReservationSerializer(many=True, help_text=_("Unconfirmed holds that lie outside the hours then."))

    @extend_schema_field(serializers.BooleanField())
    def get_preview(self, change: Change) -> bool:
        return bool(self.context["preview"])


class ChangingViewSet(BookingViewSet):
    """For views that change when somebody can be booked. What they take away, they tell of too."""

    timeless_actions = frozenset()

    def changed(self, change: Change, row: Any = None, code: int = 200) -> Response:
        """Return the answer to a change of availability, with the row it made."""
        body = dict(ChangeSerializer(change, context=self.get_serializer_context()).data)
        if row is not None:
            body = {**row, **body}
        return Response(body, 200 if self.preview else code)
