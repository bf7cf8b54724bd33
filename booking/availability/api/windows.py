"""`/api/v1/schedules`: dated windows of availability."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.fields import InstantField
from booking.availability import operations as availability
from booking.availability.api.changes import ChangeSerializer, ChangingViewSet, change_of
from booking.availability.api.filters import WindowFilter
from booking.models import AvailabilityWindow
from scheduler_project.common.api.fields import IdField, TimezoneField
from scheduler_project.common.api.schema import PREVIEW, refusals
from scheduler_project.common.api.serializers import ModelSerializer


class WindowSerializer(ModelSerializer[AvailabilityWindow]):
    provider = IdField(source="schedule.provider_id", required=False, help_text=_("Default: yourself."))
    start_time = InstantField(source="starts_at")
    end_time = InstantField(source="ends_at")
    timezone = TimezoneField(required=False, write_only=True, help_text=_("Time zone of times sent without an offset."))

    class Meta:
        model = AvailabilityWindow
        fields = ["id", "provider", "start_time", "end_time", "timezone"]


WindowChangeSerializer = change_of(WindowSerializer, creates=True)

AGAIN = "Repeating it with the same start and end changes nothing: it returns 200 and the first window."


class OpeningViewSet(ChangingViewSet):
    """A base of the two addresses that open a window. Each finds the provider in its own way."""

    def open_window(self, provider_id: int, data: dict[str, Any]) -> Response:
        change = self.perform(
            lambda: availability.open_window(
                provider_id=provider_id,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                actor=self.actor,
                now=self.now,
            )
        )
        window = WindowSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, window, status.HTTP_201_CREATED if change.is_new else status.HTTP_200_OK)


@extend_schema_view(
    list=extend_schema(summary="List availability windows"),
    retrieve=extend_schema(summary="Get an availability window"),
)
class WindowViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OpeningViewSet):
    """Availability windows: dated times added to the weekly hours."""

    queryset = AvailabilityWindow.objects.all()
    serializer_class = WindowSerializer
    filterset_class = WindowFilter

    def get_queryset(self) -> QuerySet[AvailabilityWindow]:
        mine = AvailabilityWindow.objects.visible_to(self.request.user).select_related("schedule")
        return mine.order_by("starts_at", "pk")

    @extend_schema(
        summary="Add an availability window",
        description=AGAIN,
        parameters=[PREVIEW],
        responses={200: WindowChangeSerializer, 201: WindowChangeSerializer},
        examples=[
            OpenApiExample(
                "A Saturday morning in local time",
                {
                    "start_time": "2027-03-06T09:00:00",
                    "end_time": "2027-03-06T12:00:00",
                    "timezone": "Europe/Berlin",
                },
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(WindowSerializer)
        provider_id = self.provider_asked_for(data.get("schedule", {}).get("provider_id"))
        return self.open_window(provider_id, data)

    @extend_schema(
        summary="Delete an availability window",
        parameters=[PREVIEW],
        responses={200: ChangeSerializer, **refusals(400)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        return self.changed(
            self.perform(lambda: availability.close_window(window=self.get_object(), actor=self.actor, now=self.now))
        )
