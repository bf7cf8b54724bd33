"""The booking API: each view reads the clock and the request, calls one operation, and writes down its answer."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db.models import Count, Min, Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts.actors import Actor, Face
from accounts.models import Client, Provider
from booking import queries
from booking.api import filters, serializers
from booking.api.fields import get_or_404, zone_or_none
from booking.calendars import to_ical
from booking.enums import COMING, Action, Scope
from booking.errors import BadHours, Missing
from booking.models import (
    Appointment,
    AppointmentSeries,
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Service,
    Slot,
    TimeOff,
)
from booking.operations import appointments, availability, reservations, series, services
from booking.queries import DAY
from scheduler_project.common.api import Pagination
from scheduler_project.common.api_fields import ID
from scheduler_project.common.api_schema import refusals
from scheduler_project.common.errors import NotFound
from scheduler_project.common.idempotency import IdempotentMixin
from scheduler_project.common.times import day_interval

LONGEST_RANGE = timedelta(days=92)
LONGEST_RANGE_OF_ANY = timedelta(days=7)
LONGEST_HORIZON = timedelta(days=366)

PREVIEW = OpenApiParameter("preview", bool, description="Answer what would happen, and change nothing.")
ZONE = OpenApiParameter("timezone", str, description="Write times with the offset of this IANA zone.")


class BookingViewSet(IdempotentMixin, viewsets.GenericViewSet[Any]):
    """What booking's views share: one reading of the clock, who acts, and the zone answers are written in."""

    lookup_value_regex = ID
    now: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.now = timezone.now()
        super().initial(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        return Actor.of(self.request.user, Face.API)

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """What the query says about the answer: `timezone`, `preview`."""
        query = serializers.AnswerQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return query.validated_data

    @property
    def preview(self) -> bool:
        return self.wanted["preview"]

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if getattr(self, "swagger_fake_view", False):
            return context
        return context | {"now": self.now, "zone": zone_or_none(self.wanted.get("timezone")), "preview": self.preview}

    def sent(self, serializer_class: type[BaseSerializer[Any]], **kwargs: Any) -> Any:
        """The request's body, validated."""
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def answer(self, serializer_class: type[BaseSerializer[Any]], row: Any, code: int = 200) -> Response:
        return Response(serializer_class(row, context=self.get_serializer_context()).data, code)

    def changed(self, change: availability.Change, row: Any = None, code: int = 200) -> Response:
        """What a change of availability did, with the row it made."""
        body = dict(serializers.ChangeSerializer(change, context=self.get_serializer_context()).data)
        if row is not None:
            body = {**row, **body}
        return Response(body, 200 if self.preview else code)

    def asked_provider(self, provider_id: int | None) -> int:
        """The provider named, or the one who asks. Raises NotFound for one the caller may not change."""
        mine = Provider.objects.editable_by(self.request.user)
        if provider_id is None:
            own = self.request.user.provider_or_none if self.request.user.is_authenticated else None
            if own is None:
                raise Missing(_("Say which provider."), field="provider")
            return own.pk
        return get_or_404(mine, pk=provider_id, field="provider").pk

    def asked_client(self, client_id: int | None) -> int:
        """The client named, or the one who asks. Raises NotFound for one the caller may not see."""
        if client_id is None:
            own = self.actor.client_id
            if own is None:
                raise Missing(_("Say for which client."), field="client")
            return own
        mine = Q(pk__in=Client.objects.visible_to(self.request.user))
        if provider := getattr(self.request.user, "provider_or_none", None):
            mine |= Q(reservations__provider=provider)
        return get_or_404(Client.objects.filter(mine), pk=client_id, field="client").pk

    def open_window(self, provider_id: int, asked: dict[str, Any]) -> Response:
        """Open the window asked for: of the two addresses that do, each finds the provider its own way."""
        change = availability.open_window(
            provider_id=provider_id,
            starts_at=asked["starts_at"],
            ends_at=asked["ends_at"],
            actor=self.actor,
            now=self.now,
            preview=self.preview,
        )
        window = serializers.WindowSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, window, status.HTTP_201_CREATED)


# --- Services ---------------------------------------------------------------------------------------------------------


@extend_schema_view(
    create=extend_schema(
        summary="Add a service",
        examples=[
            OpenApiExample(
                "Half an hour with ten minutes to tidy up",
                {"name": "First visit", "duration_minutes": 30, "buffer_after_minutes": 10},
                request_only=True,
            )
        ],
    ),
    list=extend_schema(summary="What can be booked"),
    retrieve=extend_schema(summary="One service"),
    partial_update=extend_schema(summary="Change a service", responses={200: serializers.ServiceSerializer}),
    destroy=extend_schema(summary="Delete a service nobody booked", responses={204: None, **refusals(409)}),
)
class ServiceViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    BookingViewSet,
):
    """Services. Everybody reads; providers keep their own, staff the business's."""

    queryset = Service.objects.all()
    serializer_class = serializers.ServiceSerializer
    permission_classes = [IsAuthenticatedOrReadOnly]
    filterset_class = filters.ServiceFilter
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Service]:
        mine = Service.objects.visible_to(self.request.user)
        if self.request.method in ("PATCH", "DELETE"):
            mine = Service.objects.editable_by(self.request.user)
        visible = Prefetch("providers", Provider.objects.visible_to(self.request.user))
        return mine.prefetch_related(visible).order_by("name", "pk").distinct()

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        fields = dict(serializer.validated_data)
        providers = fields.pop("provider_ids", None)
        serializer.instance = services.add_service(fields=fields, providers=providers, actor=self.actor)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        fields = dict(serializer.validated_data)
        providers = fields.pop("provider_ids", None)
        serializer.instance = services.edit_service(
            service_id=self.get_object().pk, fields=fields, providers=providers, actor=self.actor, now=self.now
        )

    def perform_destroy(self, instance: Service) -> None:
        services.remove_service(service_id=instance.pk, actor=self.actor)


# --- Slots ------------------------------------------------------------------------------------------------------------


def written(times: Sequence[Sequence[Any]], zone: ZoneInfo | None) -> list[dict[str, Any]]:
    """Free times for orjson, in UTC or with the offsets of `zone`. No serializer: no answer is asked for more often."""
    if zone is not None:
        times = [(pk, provider, a.astimezone(zone), b.astimezone(zone)) for pk, provider, a, b, *_ in times]
    return [{"id": pk, "provider": provider, "start_time": a, "end_time": b} for pk, provider, a, b, *_ in times]


class FreeTimesMixin:
    """Answering with a page of free times."""

    def free_times(self: Any, asked: dict[str, Any], *, hidden: bool = False) -> HttpResponse:
        """A page of the free times asked for. Raises NotFound for a provider who is not there."""
        start = asked.get("start") or self.now
        longest = LONGEST_RANGE if "provider" in asked else LONGEST_RANGE_OF_ANY
        until = asked.get("end") or start + 7 * DAY
        if until <= start:
            raise BadHours(_("The end must come after the start."), field="end")
        if until - start > longest:
            raise BadHours(_("Ask for at most %d days at once.") % longest.days, field="end")
        page_size = self.paginator.get_page_size(self.request)
        page = self.page_number()
        count, times = queries.free_page(
            queries.Search(start, until, self.now, asked.get("provider"), asked.get("service"), hidden=hidden),
            limit=page_size,
            offset=(page - 1) * page_size,
        )
        if not times and not hidden:
            self.check_bookable(asked)
        if page > 1 and not times:
            raise NotFound(_("There is no such page."), field="page")
        body = {
            "count": count,
            "next": self.page_link(page + 1) if page * page_size < count else None,
            "previous": self.page_link(page - 1) if page > 1 else None,
            "results": written(times, zone_or_none(asked.get("timezone"))),
        }
        return HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), content_type="application/json")

    def page_number(self: Any) -> int:
        asked = self.request.query_params.get("page", "1")
        if not (asked.isascii() and asked.isdigit() and 1 <= len(asked) <= 6 and int(asked) > 0):
            raise NotFound(_("There is no such page."), field="page")
        return int(asked)

    def page_link(self: Any, page: int) -> str:
        return replace_query_param(self.request.build_absolute_uri(), "page", page)

    def check_bookable(self: Any, asked: dict[str, Any]) -> None:
        """Raise NotFound for a provider who is not published. Looked up only when nothing is free."""
        if "provider" in asked:
            get_or_404(Provider.objects.published(), pk=asked["provider"], field="provider")

    def offered_service(self: Any, asked: dict[str, Any]) -> Service | None:
        """The service asked for, which the provider asked for must offer."""
        if "service" not in asked:
            return None
        services = Service.objects.visible_to(self.request.user)
        if "provider" in asked:
            services = services.filter(providers=asked["provider"])
        return get_or_404(services, pk=asked["service"], field="service")


PAGES = [OpenApiParameter("page", int), OpenApiParameter("page_size", int, description="At most 200.")]


class SlotViewSet(FreeTimesMixin, BookingViewSet):
    """Free times, and the quickest way to hold one."""

    queryset = Slot.objects.none()
    serializer_class = serializers.SlotSerializer
    pagination_class = Pagination
    filter_backends = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Free times",
        description="Of one provider, or of everybody who offers a service. Only times that can be booked now: after "
        "the provider's minimum notice, within the horizon, long enough for the service. Never says who booked.",
        parameters=[serializers.SlotQuerySerializer, *PAGES],
        responses={200: serializers.SlotSerializer(many=True), **refusals(400)},
    )
    def list(self, request: Request) -> HttpResponse:
        return self.free_times(self.asked())

    @extend_schema(
        summary="The next free time",
        parameters=[serializers.SlotQuerySerializer],
        responses={200: serializers.SlotSerializer, 204: None, **refusals(400)},
        filters=False,
    )
    @action(detail=False, pagination_class=None)
    def next(self, request: Request) -> Response:
        asked = self.asked()
        start, furthest = asked.get("start") or self.now, self.now + LONGEST_HORIZON
        until = min(asked.get("end") or furthest, furthest)
        found = queries.next_free(queries.Search(start, until, self.now, asked.get("provider"), asked.get("service")))
        if found is None:
            self.check_bookable(asked)
            return Response(status=status.HTTP_204_NO_CONTENT)
        [time] = written([found], zone_or_none(asked.get("timezone")))
        return Response(time)

    @extend_schema(
        summary="Hold the time that begins with this slot",
        request=serializers.ReserveSlotSerializer,
        responses={201: serializers.ReservationSerializer, **refusals(409)},
        examples=[OpenApiExample("For yourself", {}, request_only=True)],
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], pagination_class=None)
    def reserve(self, request: Request, pk: str) -> Response:
        asked = self.sent(serializers.ReserveSlotSerializer)
        slot = queries.slot_start(int(pk))
        if slot is None:
            raise NotFound
        provider_id, starts_at = slot
        reservation = reservations.reserve(
            provider_id=provider_id,
            starts_at=starts_at,
            client_id=self.asked_client(asked.get("client")),
            service_id=asked.get("service"),
            actor=self.actor,
            now=self.now,
        )
        return self.answer(serializers.ReservationSerializer, reservation, status.HTTP_201_CREATED)

    def asked(self) -> dict[str, Any]:
        query = serializers.SlotQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        if "provider" not in asked and "service" not in asked:
            raise Missing(_("Say of which provider or for which service."), field="provider")
        asked["service"] = self.offered_service(asked)
        return asked


# --- A provider's calendar --------------------------------------------------------------------------------------------


class CalendarViewSet(FreeTimesMixin, BookingViewSet):
    """When one provider can be booked: `/api/providers/{id}/…`."""

    queryset = Provider.objects.all()
    serializer_class = serializers.ScheduleSerializer
    filter_backends = []
    permission_classes = [IsAuthenticatedOrReadOnly]

    def schedule(self, *, write: bool) -> Schedule:
        providers = Provider.objects.editable_by(self.request.user)
        if not write:
            providers = Provider.objects.visible_to(self.request.user)
        return get_or_404(Schedule.objects.filter(provider__in=providers), provider=int(self.kwargs["pk"]))

    @extend_schema(
        methods=["get"],
        summary="Free times of one provider",
        parameters=[serializers.AvailabilityQuerySerializer, *PAGES],
        responses={200: serializers.SlotSerializer(many=True), **refusals(400)},
    )
    @extend_schema(
        methods=["post"],
        summary="Open a dated window of availability",
        request=serializers.WindowSerializer,
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, 201: serializers.ChangeSerializer},
        examples=[
            OpenApiExample(
                "A Saturday morning",
                {"start_time": "2027-03-06T09:00:00+01:00", "end_time": "2027-03-06T12:00:00+01:00"},
                request_only=True,
            )
        ],
    )
    @action(detail=True, methods=["get", "post"])
    def availability(self, request: Request, pk: str) -> HttpResponse:
        if request.method == "POST":
            self.schedule(write=True)
            return self.open_window(int(pk), self.sent(serializers.WindowSerializer))
        query = serializers.AvailabilityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        schedule = self.schedule(write=False)
        asked["provider"] = schedule.provider_id
        asked["service"] = self.offered_service(asked)
        if day := asked.get("date"):
            zone = zone_or_none(asked.get("timezone")) or schedule.zone
            asked["start"], asked["end"] = day_interval(day, zone)
        return self.free_times(asked, hidden=True)

    @extend_schema(methods=["get"], summary="Weekly hours", responses={200: serializers.WorkingHoursSerializer})
    @extend_schema(
        methods=["put"],
        summary="Replace the weekly hours",
        request=serializers.WorkingHoursSerializer,
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer},
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
            return Response(self.written(schedule, schedule.working_hours.all()))
        schedule = self.schedule(write=True)
        asked = self.sent(serializers.WorkingHoursSerializer)
        change = availability.set_working_hours(
            provider_id=int(pk),
            hours=[(int(row["weekday"]), row["start_time"], row["end_time"]) for row in asked["hours"]],
            actor=self.actor,
            now=self.now,
            preview=self.preview,
        )
        return self.changed(change, self.written(schedule, asked["hours"]))

    def written(self, schedule: Schedule, hours: Any) -> dict[str, Any]:
        return {"timezone": schedule.timezone, "hours": serializers.WeekdayHoursSerializer(hours, many=True).data}

    @extend_schema(
        methods=["get"],
        summary="Dates with hours of their own",
        responses=serializers.DateOverrideSerializer(many=True),
    )
    @extend_schema(
        methods=["post"],
        summary="Give one date hours of its own",
        description="Replaces what that date had before. No hours: closed that day.",
        request=serializers.DateOverrideSerializer,
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer},
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
            return self.get_paginated_response(serializers.DateOverrideSerializer(page, many=True).data)
        asked = self.sent(serializers.DateOverrideSerializer)
        change = availability.set_date_override(
            provider_id=int(pk),
            day=asked["date"],
            hours=[(row["start_time"], row["end_time"]) for row in asked["hours"]],
            actor=self.actor,
            now=self.now,
            preview=self.preview,
        )
        return self.changed(change, serializers.DateOverrideSerializer(change.made).data)

    @extend_schema(
        summary="Let the weekly hours rule a date again",
        parameters=[PREVIEW, OpenApiParameter("date", OpenApiTypes.DATE, OpenApiParameter.PATH)],
        responses={200: serializers.ChangeSerializer, **refusals(400)},
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
        change = availability.clear_date_override(
            override=override, actor=self.actor, now=self.now, preview=self.preview
        )
        return self.changed(change)

    @extend_schema(methods=["get"], summary="The calendar's policy", responses=serializers.ScheduleSerializer)
    @extend_schema(
        methods=["patch"],
        summary="Change the calendar's policy",
        request=serializers.ScheduleSerializer(partial=True),
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer},
        examples=[OpenApiExample("Half-hour slots", {"slot_minutes": 30}, request_only=True)],
    )
    @action(detail=True, methods=["get", "patch"], pagination_class=None, url_path="schedule", url_name="schedule")
    def policy(self, request: Request, pk: str) -> Response:
        if request.method != "PATCH":
            return self.answer(serializers.ScheduleSerializer, self.schedule(write=False))
        schedule = self.schedule(write=True)
        asked = self.sent(serializers.ScheduleSerializer, instance=schedule, partial=True)
        change = availability.set_policy(
            provider_id=int(pk), changes=asked, actor=self.actor, now=self.now, preview=self.preview
        )
        return self.changed(
            change, serializers.ScheduleSerializer(change.made, context=self.get_serializer_context()).data
        )


def parsed_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None


@extend_schema_view(
    list=extend_schema(summary="Dated windows of availability"),
    retrieve=extend_schema(summary="One window"),
)
class WindowViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Dated windows added to the weekly hours: `/api/schedules`."""

    queryset = AvailabilityWindow.objects.all()
    serializer_class = serializers.WindowSerializer
    filterset_class = filters.WindowFilter

    def get_queryset(self) -> QuerySet[AvailabilityWindow]:
        mine = AvailabilityWindow.objects.visible_to(self.request.user).select_related("schedule")
        return mine.order_by("starts_at", "pk")

    @extend_schema(
        summary="Open a window",
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, 201: serializers.ChangeSerializer},
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
        asked = self.sent(serializers.WindowSerializer)
        provider_id = self.asked_provider(asked.get("schedule", {}).get("provider_id"))
        return self.open_window(provider_id, asked)

    @extend_schema(
        summary="Close a window", parameters=[PREVIEW], responses={200: serializers.ChangeSerializer, **refusals(400)}
    )
    def destroy(self, request: Request, pk: str) -> Response:
        return self.changed(
            availability.close_window(window=self.get_object(), actor=self.actor, now=self.now, preview=self.preview)
        )


@extend_schema_view(
    list=extend_schema(summary="Time off"),
    retrieve=extend_schema(summary="One absence"),
)
class TimeOffViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """When a provider is away."""

    queryset = TimeOff.objects.all()
    serializer_class = serializers.TimeOffSerializer
    filterset_class = filters.TimeOffFilter

    def get_queryset(self) -> QuerySet[TimeOff]:
        return TimeOff.objects.visible_to(self.request.user).select_related("schedule")

    @extend_schema(
        summary="Take time off",
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, 201: serializers.ChangeSerializer},
        examples=[
            OpenApiExample(
                "A week", {"start_date": "2027-08-02", "end_date": "2027-08-08", "reason": "Holiday"}, request_only=True
            )
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.sent(serializers.TimeOffSerializer)
        provider_id = self.asked_provider(asked.pop("schedule", {}).get("provider_id"))
        change = availability.take_time_off(
            provider_id=provider_id, fields=asked, actor=self.actor, now=self.now, preview=self.preview
        )
        return self.made(change, status.HTTP_201_CREATED)

    @extend_schema(summary="Change time off", parameters=[PREVIEW], responses={200: serializers.ChangeSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        time_off = self.get_object()
        asked = self.sent(serializers.TimeOffSerializer, instance=time_off, partial=True)
        asked.pop("schedule", None)
        change = availability.change_time_off(
            time_off=time_off, fields=asked, actor=self.actor, now=self.now, preview=self.preview
        )
        return self.made(change)

    def made(self, change: availability.Change, code: int = 200) -> Response:
        row = serializers.TimeOffSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, row, code)

    @extend_schema(
        summary="Take time off back",
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, **refusals(400)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        return self.changed(
            availability.end_time_off(time_off=self.get_object(), actor=self.actor, now=self.now, preview=self.preview)
        )


@extend_schema_view(
    list=extend_schema(summary="When the business is closed"),
    retrieve=extend_schema(summary="One closure"),
)
class ClosureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """When the whole business is closed. Staff only."""

    queryset = Closure.objects.order_by("start_date", "starts_at", "pk")
    serializer_class = serializers.ClosureSerializer
    filterset_class = filters.ClosureFilter
    permission_classes = [IsAdminUser]

    @extend_schema(
        summary="Close for everybody",
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, 201: serializers.ChangeSerializer},
        examples=[
            OpenApiExample(
                "Christmas",
                {"start_date": "2027-12-24", "end_date": "2027-12-26", "reason": "Christmas"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.sent(serializers.ClosureSerializer)
        change = availability.close_business(fields=asked, actor=self.actor, now=self.now, preview=self.preview)
        row = serializers.ClosureSerializer(change.made, context=self.get_serializer_context()).data
        return self.changed(change, row, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Take a closure back",
        parameters=[PREVIEW],
        responses={200: serializers.ChangeSerializer, **refusals(400)},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        return self.changed(
            availability.reopen_business(
                closure=self.get_object(), actor=self.actor, now=self.now, preview=self.preview
            )
        )


# --- Reservations -----------------------------------------------------------------------------------------------------


@extend_schema_view(
    list=extend_schema(summary="Reservations you may see", parameters=[ZONE]),
    retrieve=extend_schema(
        summary="One reservation",
        parameters=[ZONE],
        responses={200: serializers.ReservationSerializer, **refusals(400)},
    ),
)
class ReservationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Holds, and what became of them."""

    queryset = Reservation.objects.all()
    serializer_class = serializers.ReservationSerializer
    filterset_class = filters.ReservationFilter

    def get_queryset(self) -> QuerySet[Reservation]:
        return (
            Reservation.objects.visible_to(self.request.user)
            .select_related("appointment")
            .order_by("-starts_at", "-pk")
        )

    @extend_schema(
        summary="Hold a time",
        request=serializers.ReserveSerializer,
        responses={201: serializers.ReservationSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "Half past one in Berlin",
                {"provider": 1, "service": 1, "start_time": "2027-03-04T13:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.sent(serializers.ReserveSerializer)
        reservation = reservations.reserve(
            provider_id=asked["provider"],
            client_id=self.asked_client(asked.get("client")),
            service_id=asked.get("service"),
            starts_at=asked["start_time"],
            ends_at=asked.get("end_time"),
            overrides=asked.get("override", ()),
            actor=self.actor,
            now=self.now,
        )
        return self.answer(serializers.ReservationSerializer, reservation, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Confirm a hold, or give it back",
        request=serializers.ConfirmSerializer,
        responses={200: serializers.AppointmentSerializer, **refusals(409, 410)},
        examples=[OpenApiExample("Confirm", {"confirmed": True}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        asked = self.sent(serializers.ConfirmSerializer)
        if not asked["confirmed"]:
            released = reservations.release(reservation_id=self.get_object().pk, actor=self.actor, now=self.now)
            return self.answer(serializers.ReservationSerializer, released)
        appointment = appointments.confirm(reservation_id=int(pk), actor=self.actor, now=self.now)
        return self.answer(serializers.AppointmentSerializer, appointment)

    @extend_schema(summary="Release a hold", responses={204: None, **refusals(409)})
    def destroy(self, request: Request, pk: str) -> Response:
        reservations.release(reservation_id=self.get_object().pk, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExpireReservationsView(APIView):
    """What the sweeper does every few seconds, by hand. Staff only."""

    permission_classes = [IsAdminUser]

    @extend_schema(
        summary="Expire the holds that are past their end", request=None, responses=serializers.ExpiredSerializer
    )
    def post(self, request: Request) -> Response:
        return Response({"expired": reservations.expire_due(now=timezone.now())})


# --- Appointments -----------------------------------------------------------------------------------------------------


@extend_schema_view(
    list=extend_schema(summary="Appointments you may see", parameters=[ZONE]),
    retrieve=extend_schema(
        summary="One appointment",
        parameters=[ZONE],
        responses={200: serializers.AppointmentSerializer, **refusals(400)},
    ),
)
class AppointmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Meetings. `allowed_actions` says what the asker may do with each at this moment."""

    queryset = Appointment.objects.all()
    serializer_class = serializers.AppointmentSerializer
    filterset_class = filters.AppointmentFilter

    def get_queryset(self) -> QuerySet[Appointment]:
        mine = Appointment.objects.visible_to(self.request.user).detailed()
        return mine.order_by("-reservation__starts_at", "-pk")

    def pk_of(self) -> int:
        return self.get_object().pk

    def acted(self, which: Action, reason: str = "") -> Response:
        appointment = appointments.act(
            appointment_id=self.pk_of(), action=which, actor=self.actor, now=self.now, reason=reason
        )
        return self.answer(serializers.AppointmentSerializer, appointment)

    @extend_schema(
        summary="Book in one step",
        description="By a client for themself, or by the provider or staff for a client.",
        request=serializers.BookSerializer,
        responses={201: serializers.AppointmentSerializer, **refusals(403, 404, 409)},
        examples=[
            OpenApiExample(
                "For one's own client",
                {"provider": 1, "client": 1, "service": 1, "start_time": "2027-03-04T13:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.sent(serializers.BookSerializer)
        appointment = appointments.book(
            provider_id=asked["provider"],
            client_id=self.asked_client(asked.get("client")),
            service_id=asked.get("service"),
            starts_at=asked["start_time"],
            ends_at=asked.get("end_time"),
            title=asked.get("title", ""),
            description=asked.get("description", ""),
            timezone=asked.get("timezone", ""),
            reminder_offsets=asked.get("reminder_offsets"),
            overrides=asked.get("override", ()),
            actor=self.actor,
            now=self.now,
        )
        return self.answer(serializers.AppointmentSerializer, appointment, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Edit what it says",
        request=serializers.EditSerializer(partial=True),
        responses={200: serializers.AppointmentSerializer, **refusals(403)},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        changes = self.sent(serializers.EditSerializer, partial=True)
        appointment = appointments.edit(appointment_id=self.pk_of(), changes=changes, actor=self.actor, now=self.now)
        return self.answer(serializers.AppointmentSerializer, appointment)

    @extend_schema(summary="Cancel", responses={204: None, **refusals(403, 409)})
    def destroy(self, request: Request, pk: str) -> Response:
        self.acted(Action.CANCEL)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Move to another status",
        request=serializers.StatusSerializer,
        responses={200: serializers.AppointmentSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("It took place", {"status": "completed"}, request_only=True)],
    )
    @action(detail=True, methods=["patch"], url_path="status")
    def set_status(self, request: Request, pk: str) -> Response:
        asked = self.sent(serializers.StatusSerializer)
        appointment = appointments.set_status(appointment_id=self.pk_of(), actor=self.actor, now=self.now, **asked)
        return self.answer(serializers.AppointmentSerializer, appointment)

    @extend_schema(
        summary="Move to another time",
        request=serializers.RescheduleSerializer,
        responses={200: serializers.AppointmentSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("An hour later", {"start_time": "2027-03-04T14:30:00+01:00"}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        asked = self.sent(serializers.RescheduleSerializer)
        appointment = appointments.reschedule(
            appointment_id=self.pk_of(),
            starts_at=asked["start_time"],
            ends_at=asked.get("end_time"),
            overrides=asked.get("override", ()),
            actor=self.actor,
            now=self.now,
        )
        return self.answer(serializers.AppointmentSerializer, appointment)

    @extend_schema(
        summary="Cancel, with a reason",
        request=serializers.ReasonSerializer,
        responses={200: serializers.AppointmentSerializer, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.acted(Action.CANCEL, self.sent(serializers.ReasonSerializer)["reason"])

    @extend_schema(
        summary="Approve a pending appointment",
        request=None,
        responses={200: serializers.AppointmentSerializer, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        return self.acted(Action.APPROVE)

    @extend_schema(
        summary="Decline a pending appointment",
        request=serializers.ReasonSerializer,
        responses={200: serializers.AppointmentSerializer, **refusals(403, 409)},
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        return self.acted(Action.DECLINE, self.sent(serializers.ReasonSerializer)["reason"])

    @extend_schema(summary="What happened to it", responses=serializers.EventSerializer(many=True), filters=False)
    @action(detail=True)
    def history(self, request: Request, pk: str) -> Response:
        events = self.get_object().events.select_related("user")
        page = self.paginate_queryset(events)
        rows = serializers.EventSerializer(page, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(rows)

    @extend_schema(
        summary="As a calendar file",
        description="iCalendar (RFC 5545), with a stable UID and a rising SEQUENCE.",
        responses={(200, "text/calendar"): OpenApiTypes.STR},
    )
    def ics(self, request: Request, pk: str) -> HttpResponse:
        appointment = self.get_object()
        return HttpResponse(
            to_ical(appointment),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="appointment-{appointment.pk}.ics"'},
        )


# --- Series -----------------------------------------------------------------------------------------------------------

MONDAYS = {
    "provider": 1,
    "client": 1,
    "service": 1,
    "start_time": "2027-03-08T09:00:00",
    "timezone": "Europe/Berlin",
    "rrule": "FREQ=WEEKLY;COUNT=10",
}


@extend_schema_view(
    list=extend_schema(summary="Series you may see", parameters=[ZONE]),
    retrieve=extend_schema(
        summary="One series",
        parameters=[ZONE],
        responses={200: serializers.SeriesDetailSerializer, **refusals(400)},
    ),
)
class SeriesViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Recurring appointments. Their occurrences are ordinary appointments: `/api/appointments?series=`."""

    queryset = AppointmentSeries.objects.all()
    serializer_class = serializers.SeriesSerializer
    filterset_class = filters.SeriesFilter

    def get_queryset(self) -> QuerySet[AppointmentSeries]:
        if getattr(self, "swagger_fake_view", False):
            return AppointmentSeries.objects.none()
        return self.counted(AppointmentSeries.objects.visible_to(self.request.user)).order_by("-pk")

    def counted(self, rows: QuerySet[AppointmentSeries]) -> QuerySet[AppointmentSeries]:
        to_come = Q(appointments__status__in=COMING, appointments__reservation__starts_at__gt=self.now)
        return rows.select_related("provider", "client", "service").annotate(
            occurrences=Count("appointments"), next_time=Min("appointments__reservation__starts_at", filter=to_come)
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        coming = Appointment.objects.filter(series=found, status__in=COMING, reservation__starts_at__gt=self.now)
        found.next = coming.select_related("reservation").order_by("reservation__starts_at")[:10]
        return self.answer(serializers.SeriesDetailSerializer, found)

    def wanted_series(self, asked: dict[str, Any]) -> series.Wanted:
        return series.Wanted(
            provider_id=asked.get("provider") or self.asked_provider(None),
            client_id=self.asked_client(asked["client"]),
            rrule=asked["rrule"],
            starts=asked["start_time"],
            timezone=asked.get("timezone", ""),
            service_id=asked.get("service"),
            duration_minutes=asked.get("duration_minutes"),
            title=asked.get("title", ""),
            description=asked.get("description", ""),
            exdates=asked.get("exdates", ()),
            reminder_offsets=asked.get("reminder_offsets"),
            overrides=asked.get("override", ()),
        )

    def done(self, change: series.SeriesChange, code: int = 200) -> Response:
        """The series as it is now, with what was done."""
        row = self.counted(AppointmentSeries.objects.filter(pk=change.series.pk)).get()
        vars(row).update(
            created=change.booked, moved=change.moved, cancelled=change.cancelled, skipped=change.conflicts
        )
        return self.answer(serializers.SeriesChangeSerializer, row, code)

    @extend_schema(
        summary="What a series would book",
        description="Each occurrence up to the provider's booking horizon: free, or busy with why and the nearest free "
        "time. Nothing is changed. For the provider and staff.",
        request=serializers.NewSeriesSerializer,
        responses={200: serializers.SeriesPreviewSerializer, **refusals(403, 404, 409)},
        examples=[OpenApiExample("Mondays at nine", MONDAYS, request_only=True)],
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="preview", pagination_class=None)
    def preview_series(self, request: Request) -> Response:
        wanted = self.wanted_series(self.sent(serializers.NewSeriesSerializer))
        change = series.preview_series(wanted=wanted, actor=self.actor, now=self.now)
        return self.answer(serializers.SeriesPreviewSerializer, change)

    @extend_schema(
        summary="Begin a series",
        description="Books every occurrence up to the provider's booking horizon, in one transaction; later ones "
        "follow by themselves. For the provider and staff.",
        request=serializers.CreateSeriesSerializer,
        responses={201: serializers.SeriesChangeSerializer, **refusals(403, 404, 409)},
        examples=[OpenApiExample("Mondays at nine", {**MONDAYS, "policy": "skip_conflicts"}, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        asked = self.sent(serializers.CreateSeriesSerializer)
        change = series.create_series(
            wanted=self.wanted_series(asked), policy=asked["policy"], actor=self.actor, now=self.now
        )
        return self.done(change, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change this occurrence, it and those after it, or all to come",
        description="With `following` the series is split, and the answer is the new one. Appointments are moved, not "
        "made anew.",
        request=serializers.EditSeriesSerializer,
        responses={200: serializers.SeriesChangeSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample("Another title", {"scope": "all", "title": "Coaching"}, request_only=True),
            OpenApiExample(
                "An hour later from then on",
                {"scope": "following", "from": "2027-03-15", "start_time": "2027-03-15T10:00:00"},
                request_only=True,
            ),
        ],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        asked = self.sent(serializers.EditSeriesSerializer)
        named = {"start_time": "starts", "service": "service_id"}
        about = ("scope", "from", "policy", "override")
        change = series.edit_series(
            series_id=found.pk,
            scope=asked["scope"],
            occurrence=asked.get("from"),
            policy=asked["policy"],
            overrides=asked.get("override"),
            changes={named.get(name, name): value for name, value in asked.items() if name not in about},
            actor=self.actor,
            now=self.now,
        )
        return self.done(change)

    @extend_schema(
        summary="Cancel this occurrence, it and those after it, or all to come",
        request=serializers.CancelSeriesSerializer,
        responses={200: serializers.SeriesChangeSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample("All to come", {"reason": "Moved to another town"}, request_only=True),
            OpenApiExample("One", {"scope": "this", "from": "2027-03-15", "reason": "Holiday"}, request_only=True),
        ],
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        asked = self.sent(serializers.CancelSeriesSerializer)
        change = series.cancel_series(
            series_id=found.pk,
            scope=asked["scope"],
            occurrence=asked.get("from"),
            reason=asked["reason"],
            actor=self.actor,
            now=self.now,
        )
        return self.done(change)

    @extend_schema(summary="Cancel all that are to come", responses={204: None, **refusals(403, 409)})
    def destroy(self, request: Request, pk: str) -> Response:
        series.cancel_series(series_id=self.get_object().pk, scope=Scope.ALL, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(list=extend_schema(summary="Everybody's appointments", parameters=[ZONE]))
class AdminAppointmentViewSet(mixins.ListModelMixin, BookingViewSet):
    """Every appointment there is. Staff only."""

    queryset = Appointment.objects.detailed().order_by("-reservation__starts_at", "-pk")
    serializer_class = serializers.AppointmentSerializer
    filterset_class = filters.AppointmentFilter
    permission_classes = [IsAdminUser]
