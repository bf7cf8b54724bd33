"""The answer to every change of availability (R6)."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.response import Response

from booking.api.base import BookingViewSet
from booking.appointments.serializers import AppointmentSerializer
from booking.availability.operations import AvailabilityChange
from booking.reservations.serializers import ReservationSerializer
from scheduler_project.common.api.fields import IdField
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


def change_of(row: type[serializers.BaseSerializer[Any]], *, creates: bool = False) -> type[ChangeSerializer]:
    """Return the serializer of a change's answer that has the fields of a row as well: the one created or changed."""
    members: dict[str, Any] = {"__module__": row.__module__, "__doc__": ChangeSerializer.__doc__}
    if creates:
        members["id"] = IdField(allow_null=True, read_only=True, help_text="Null in a preview: nothing is created.")
    if meta := getattr(row, "Meta", None):
        members["Meta"] = type("Meta", (meta,), {"fields": [*meta.fields, *ChangeSerializer._declared_fields]})  # noqa: SLF001
    return type(row.__name__.replace("Serializer", "ChangeSerializer"), (ChangeSerializer, row), members)


class ChangingViewSet(BookingViewSet):
    """A base of views that change availability. The answer to a deletion also reports its effect."""

    timeless_actions = frozenset()

    def changed(self, change: AvailabilityChange, row: Any = None, code: int = 200) -> Response:
        """Return the answer to a change of availability, with the row that was created or changed."""
        body = dict(ChangeSerializer(change, context=self.get_serializer_context()).data)
        if row is not None:
            body = {**row, **body}
        if self.is_preview and code == status.HTTP_201_CREATED:
            body["id"] = None
        return Response(body, status.HTTP_200_OK if self.is_preview else code)
