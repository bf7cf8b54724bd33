"""`/api/v1/providers/{id}/…`: the hours and free times of one provider."""

from datetime import date
from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Provider
from booking.api.fields import (
    ClockField,
    EndClockField,
    InstantField,
    OffsetsField,
    get_or_404,
    validate_year,
    zone_or_none,
)
from booking.availability import operations as availability
from booking.availability.api.changes import ChangeSerializer, change_of
from booking.availability.api.slots import FreeTimesMixin, SlotQuerySerializer, SlotSerializer, with_instants
from booking.availability.api.windows import AGAIN, OpeningViewSet, WindowChangeSerializer, WindowSerializer
from booking.availability.enums import Weekday
from booking.availability.models import SETTINGS
from booking.models import DateOverride, Schedule
from scheduler_project.common.api.fields import DateField, TimezoneField
from scheduler_project.common.api.schema import PAGES, PREVIEW, refusals
from scheduler_project.common.api.serializers import ModelSerializer, Serializer
from scheduler_project.common.errors import NotFound
from scheduler_project.common.time.zones import day_interval


class AvailabilityQuerySerializer(SlotQuerySerializer):
    provider = None  # type: ignore[assignment]
    date = DateField(
        required=False,
        validators=[validate_year],
        help_text=_("A local date, in `timezone` or else the provider's time zone."),
    )


class ScheduleSerializer(ModelSerializer[Schedule]):
    changed_by = {"hours": "PUT /api/v1/providers/{id}/working-hours"}

    slots_until = InstantField(read_only=True)
    reminder_offsets = OffsetsField()

    class Meta:
        model = Schedule
        fields = ["id", "provider", *SETTINGS, "slots_until"]
        read_only_fields = ["provider"]


class HoursSerializer(Serializer[Any]):
    start_time = ClockField()
    end_time = EndClockField(help_text=_("An end at or before the start is on the next day. 24:00 is midnight."))


class WeekdayHoursSerializer(HoursSerializer):
    weekday = serializers.ChoiceField(choices=Weekday.choices, help_text=_("0 is Monday, 6 is Sunday."))


class WorkingHoursSerializer(Serializer[Any]):
    timezone = TimezoneField(read_only=True)
    hours = WeekdayHoursSerializer(many=True, max_length=100)  # type: ignore[call-arg]


class DateOverrideSerializer(ModelSerializer[DateOverride]):
    hours = HoursSerializer(many=True, max_length=20, help_text=_("None: closed."))  # type: ignore[call-arg]

    class Meta:
        model = DateOverride
        fields = ["id", "date", "hours"]
        extra_kwargs = {"date": {"validators": [validate_year]}}

    def to_representation(self, instance: DateOverride) -> dict[str, Any]:
        hours = [{"start_time": start, "end_time": end} for start, end in instance.hours]
        return {
            "id": instance.pk,
            "date": instance.date.isoformat(),
            "hours": HoursSerializer(hours, many=True).data,
        }


WorkingHoursChangeSerializer = change_of(WorkingHoursSerializer)
DateOverrideChangeSerializer = change_of(DateOverrideSerializer)
ScheduleChangeSerializer = change_of(ScheduleSerializer)


class ScheduleViewSet(FreeTimesMixin, OpeningViewSet):
    """The hours, dates and available times of a provider."""

    queryset = Provider.objects.all()
    serializer_class = ScheduleSerializer
    filter_backends = []
    permission_classes = [IsAuthenticatedOrReadOnly]

    def query_parameters(self) -> list[Any]:
        """Return no `timezone` parameter: hours are always in the schedule's own zone."""
        hours = self.action in ("working_hours", "date_overrides") and self.request.method in ("GET", "HEAD")
        return [] if hours else super().query_parameters()

    def schedule(self, *, write: bool) -> Schedule:
        providers = Provider.objects.editable_by(self.request.user)
        if not write:
            providers = Provider.objects.visible_to(self.request.user)
        return get_or_404(Schedule.objects.filter(provider__in=providers), provider=int(self.kwargs["pk"]))

    @extend_schema(
        methods=["get"],
        summary="List a provider's available times",
        parameters=[AvailabilityQuerySerializer, *PAGES],
        responses={200: SlotSerializer(many=True), **refusals(400)},
    )
    @extend_schema(
        methods=["post"],
        summary="Add an availability window",
        description=AGAIN,
        request=WindowSerializer,
        parameters=[PREVIEW],
        responses={200: WindowChangeSerializer, 201: WindowChangeSerializer},
        examples=[
            OpenApiExample(
                "A Saturday morning",
                {"start_time": "2027-03-06T09:00:00+01:00", "end_time": "2027-03-06T12:00:00+01:00"},
                request_only=True,
            )
        ],
    )
    @action(detail=True, methods=["get", "post"])
    def availability(self, request: Request, pk: str) -> HttpResponseBase:
        if request.method == "POST":
            self.schedule(write=True)
            return self.open_window(int(pk), self.sent(WindowSerializer))
        query = AvailabilityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        schedule = self.schedule(write=False)
        data = with_instants(query.validated_data, schedule.zone)
        data["provider"] = schedule.provider_id
        data["service"] = self.offered_service(data)
        if day := data.get("date"):
            zone = zone_or_none(data.get("timezone")) or schedule.zone
            data["start"], data["end"] = day_interval(day, zone)
        return self.free_times(data, hidden=True)

    @extend_schema(methods=["get"], summary="Get the weekly hours", responses={200: WorkingHoursSerializer})
    @extend_schema(
        methods=["put"],
        summary="Replace the weekly hours",
        request=WorkingHoursSerializer,
        parameters=[PREVIEW],
        responses={200: WorkingHoursChangeSerializer},
        examples=[
            OpenApiExample(
                "Mondays with a lunch break",
                {
                    "hours": [
                        {"weekday": 0, "start_time": "09:00", "end_time": "12:00"},
                        {"weekday": 0, "start_time": "13:00", "end_time": "17:00"},
                    ]
                },
                request_only=True,
            )
        ],
    )
    @action(detail=True, methods=["get", "put"], url_path="working-hours", pagination_class=None)
    def working_hours(self, request: Request, pk: str) -> Response:
        if request.method != "PUT":
            schedule = self.schedule(write=False)
            return Response(self.serialized_hours(schedule, schedule.working_hours.all()))
        schedule = self.schedule(write=True)
        now = self.serialized_hours(schedule, schedule.working_hours.all())
        data = self.sent(WorkingHoursSerializer, instance=now)
        change = self.perform(
            lambda: availability.set_working_hours(
                provider_id=int(pk),
                hours=[(int(row["weekday"]), row["start_time"], row["end_time"]) for row in data["hours"]],
                actor=self.actor,
                now=self.now,
            )
        )
        return self.changed(change, self.serialized_hours(schedule, data["hours"]))

    def serialized_hours(self, schedule: Schedule, hours: Any) -> dict[str, Any]:
        return {"timezone": schedule.timezone, "hours": WeekdayHoursSerializer(hours, many=True).data}

    @extend_schema(
        methods=["get"],
        summary="List date overrides",
        parameters=PAGES,
        responses=DateOverrideSerializer(many=True),
    )
    @extend_schema(
        methods=["post"],
        summary="Add a date override",
        description="Replaces any earlier hours of that date. No hours means closed that day.",
        request=DateOverrideSerializer,
        parameters=[PREVIEW],
        responses={200: DateOverrideChangeSerializer},
        examples=[
            OpenApiExample(
                "Only the morning",
                {"date": "2027-03-04", "hours": [{"start_time": "09:00", "end_time": "12:00"}]},
                request_only=True,
            )
        ],
    )
    @action(detail=True, methods=["get", "post"], url_path="date-overrides")
    def date_overrides(self, request: Request, pk: str) -> Response:
        schedule = self.schedule(write=True)
        if request.method != "POST":
            page = self.paginate_queryset(schedule.date_overrides.all())
            return self.get_paginated_response(DateOverrideSerializer(page, many=True).data)
        data = self.sent(DateOverrideSerializer)
        change = self.perform(
            lambda: availability.set_date_override(
                provider_id=int(pk),
                day=data["date"],
                hours=[(row["start_time"], row["end_time"]) for row in data["hours"]],
                actor=self.actor,
                now=self.now,
            )
        )
        return self.changed(change, DateOverrideSerializer(change.made).data)

    @extend_schema(
        summary="Delete a date override",
        parameters=[PREVIEW, OpenApiParameter("date", OpenApiTypes.DATE, OpenApiParameter.PATH)],
        responses={200: ChangeSerializer, **refusals(400)},
    )
    @action(
        detail=True,
        methods=["delete"],
        url_path=r"date-overrides/(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})",
        pagination_class=None,
    )
    def date_override(self, request: Request, pk: str, date: str) -> Response:
        overrides = DateOverride.objects.filter(schedule=self.schedule(write=True)).select_related("schedule")
        override = get_or_404(overrides, date=parsed_date(date))
        change = self.perform(
            lambda: availability.clear_date_override(override=override, actor=self.actor, now=self.now)
        )
        return self.changed(change)

    @extend_schema(methods=["get"], summary="Get the schedule's settings", responses=ScheduleSerializer)
    @extend_schema(
        methods=["patch"],
        summary="Change the schedule's settings",
        request=ScheduleSerializer(partial=True),
        parameters=[PREVIEW],
        responses={200: ScheduleChangeSerializer},
        examples=[OpenApiExample("Half-hour slots", {"slot_minutes": 30}, request_only=True)],
    )
    @action(detail=True, methods=["get", "patch"], pagination_class=None, url_path="schedule", url_name="schedule")
    def policy(self, request: Request, pk: str) -> Response:
        if request.method != "PATCH":
            return self.answer(ScheduleSerializer, self.schedule(write=False))
        schedule = self.schedule(write=True)
        data = self.sent(ScheduleSerializer, instance=schedule, partial=True)
        change = self.perform(
            lambda: availability.set_policy(provider_id=int(pk), changes=data, actor=self.actor, now=self.now)
        )
        return self.changed(change, ScheduleSerializer(change.made, context=self.get_serializer_context()).data)


def parsed_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None
