"""`/api/v1/slots`: free times, and the quickest way to hold one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.models import Provider
from booking.api.base import BookingViewSet
from booking.api.fields import InstantOrDateField, get_or_404, zone_or_none
from booking.availability import search
from booking.availability.errors import BadHours
from booking.models import Schedule, Service, Slot
from booking.reservations.api import WITHOUT_LOGIN, HoldMixin, ReserveSlotSerializer
from booking.reservations.serializers import HeldSerializer
from scheduler_project.common.api.conditional import asks_for_changes, not_modified, tag_for, with_tag
from scheduler_project.common.api.content import Pagination
from scheduler_project.common.api.fields import IdField, TimezoneField
from scheduler_project.common.api.schema import PAGES, PREVIEW, refusals
from scheduler_project.common.api.serializers import QuerySerializer, Serializer
from scheduler_project.common.api.versions import documented
from scheduler_project.common.errors import Missing, NotFound
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.time.zones import day_interval

LONGEST_RANGE = timedelta(days=92)


LONGEST_RANGE_OF_ANY = timedelta(days=7)


LONGEST_HORIZON = timedelta(days=366)


class SlotSerializer(Serializer[Any]):
    id = serializers.IntegerField(help_text=gettext_lazy("The first slot of the time. Send it to `reserve`."))
    provider = serializers.IntegerField()
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()


class SlotQuerySerializer(QuerySerializer):
    provider = IdField(required=False)
    service = IdField(
        required=False, help_text=gettext_lazy("Only times long enough for this service and its buffers.")
    )
    start = InstantOrDateField(
        required=False,
        help_text=gettext_lazy(
            "Start of the search. Default: now. A date such as 2027-03-04 means its first moment, in `timezone` "
            "or else the provider's time zone, and in UTC without a provider."
        ),
    )
    end = InstantOrDateField(
        required=False,
        help_text=gettext_lazy(
            "End of the search. Default: seven days after the start, or the end of the day if the start is a "
            "date. A date means its first moment, so that day is not included."
        ),
    )
    timezone = TimezoneField(
        required=False, help_text=gettext_lazy("Return times with the offset of this time zone instead of in UTC.")
    )


def serialized_times(times: Sequence[Sequence[Any]], zone: ZoneInfo | None) -> list[dict[str, Any]]:
    """Return free times for orjson, in UTC or with the offsets of `zone`.

    A serializer would be too slow: this is the most frequent answer.
    """
    if zone is not None:
        times = [(pk, provider, a.astimezone(zone), b.astimezone(zone)) for pk, provider, a, b, *_ in times]
    return [{"id": pk, "provider": provider, "start_time": a, "end_time": b} for pk, provider, a, b, *_ in times]


def with_instants(params: dict[str, Any], zone: tzinfo | None = None, *, whole_day: bool = True) -> dict[str, Any]:
    """Return the parameters with an instant for each date, in the zone asked for, else in `zone`, else the provider's.

    Without any of them a date is one in UTC. A date as the start alone ends that day too, if a `whole_day` is wanted.
    """
    dates = {name: value for name, value in params.items() if name in ("start", "end") and not hasattr(value, "hour")}
    if not dates:
        return params
    zone = zone_or_none(params.get("timezone")) or zone
    if zone is None:
        schedule = Schedule.objects.filter(provider=params.get("provider")).first()
        zone = schedule.zone if schedule else UTC
    instants = {name: day_interval(day, zone)[0] for name, day in dates.items()}
    if whole_day and "start" in dates and "end" not in params:
        instants["end"] = day_interval(dates["start"], zone)[1]
    return {**params, **instants}


def check_order(start: datetime, end: datetime) -> None:
    if end <= start:
        raise BadHours(_("The end must come after the start."), field="end")


class FreeTimesMixin:
    """Answers with a page of free times."""

    tagged_actions = frozenset({"list", "next", "availability"})

    def free_times(self: Any, params: dict[str, Any], *, hidden: bool = False) -> HttpResponseBase:
        """Answer a page of the free times that the query asks for.

        Raises NotFound for a provider who does not exist.
        """
        start = params.get("start") or self.now
        longest = LONGEST_RANGE if "provider" in params else LONGEST_RANGE_OF_ANY
        until = params.get("end") or start + 7 * DAY
        check_order(start, until)
        if until - start > longest:
            raise BadHours(_("Ask for at most %d days at once.") % longest.days, field="end")
        page_size = self.paginator.get_page_size(self.request)
        page = self.page_number()
        query = search.SlotQuery(start, until, self.now, params.get("provider"), params.get("service"), hidden=hidden)
        if answer := self.unchanged(query):
            return answer
        count, times, digest = search.free_page(query, limit=page_size, offset=(page - 1) * page_size)
        if not times and not hidden:
            self.check_bookable(params)
        if page > 1 and not times:
            raise NotFound(_("Page not found."), field="page")
        body = {
            "count": count,
            "next": self.page_link(page + 1) if page * page_size < count else None,
            "previous": self.page_link(page - 1) if page > 1 else None,
            "results": serialized_times(times, zone_or_none(params.get("timezone"))),
        }
        answer = HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), content_type="application/json")
        return with_tag(self.request, answer, self.tag(query, digest))

    def unchanged(self: Any, query: search.SlotQuery) -> HttpResponseBase | None:
        """Return a 304 if the caller has the present answer to a search, else None."""
        if not asks_for_changes(self.request):
            return None
        return not_modified(self.request, self.tag(query, search.digest_of(query)))

    def tag(self: Any, query: search.SlotQuery, digest: int | None) -> str | None:
        """Return the tag of the answer to a search; None if there is no schedule, or its digest is not known."""
        service = query.service
        length = service and (service.duration_minutes, service.buffer_before_minutes, service.buffer_after_minutes)
        return None if digest is None else tag_for(self.request, digest, length)

    def page_number(self: Any) -> int:
        page = self.request.query_params.get("page", "1")
        if not (page.isascii() and page.isdigit() and 1 <= len(page) <= 6 and int(page) > 0):
            raise NotFound(_("Page not found."), field="page")
        return int(page)

    def page_link(self: Any, page: int) -> str:
        return documented(replace_query_param(self.request.build_absolute_uri(), "page", page))

    def check_bookable(self: Any, params: dict[str, Any]) -> None:
        """Raise NotFound for a provider who is not published. Called only if no time is free."""
        if "provider" in params:
            get_or_404(Provider.objects.published(), pk=params["provider"], field="provider")

    def offered_service(self: Any, params: dict[str, Any]) -> Service | None:
        """Return the service in the query, if any; the provider in the query must offer it. Raises NotFound."""
        if "service" not in params:
            return None
        services = Service.objects.visible_to(self.request.user)
        if "provider" in params:
            services = services.filter(providers=params["provider"])
        return get_or_404(services, pk=params["service"], field="service")


class SlotViewSet(FreeTimesMixin, HoldMixin, BookingViewSet):
    """Available times, and the quickest way to hold one."""

    queryset = Slot.objects.none()
    serializer_class = SlotSerializer
    pagination_class = Pagination
    filter_backends = []
    sparse_actions = frozenset()  # Rows are small, written by hand, and cached by their tag.
    permission_classes = [AllowAny]
    open_actions = limited_actions = frozenset({"reserve"})

    @property
    def throttle_scope(self) -> str | None:
        """The scope of searches through all schedules; for other requests, that of every view."""
        anybody = self.action in {"list", "next"} and "provider" not in self.request.query_params
        return "search" if anybody else super().throttle_scope

    @extend_schema(
        summary="List available times",
        description=(
            "For one provider, or everyone who offers a service. Lists only times that can be booked now: after "
            "the minimum notice, within the booking horizon, and long enough for the service. Never shows who "
            "booked."
        ),
        parameters=[SlotQuerySerializer, *PAGES],
        responses={200: SlotSerializer(many=True), **refusals(400)},
    )
    def list(self, request: Request) -> HttpResponseBase:
        return self.free_times(self.search_params())

    @extend_schema(
        summary="Get the next available time",
        parameters=[SlotQuerySerializer],
        responses={200: SlotSerializer, 204: None, **refusals(400)},
        filters=False,
    )
    @action(detail=False, pagination_class=None)
    def next(self, request: Request) -> HttpResponseBase:
        params = self.search_params()
        start, furthest = params.get("start") or self.now, self.now + LONGEST_HORIZON
        if "end" in params:
            check_order(start, params["end"])
        until = min(params.get("end") or furthest, furthest)
        query = search.SlotQuery(start, until, self.now, params.get("provider"), params.get("service"))
        if answer := self.unchanged(query):
            return answer
        found, digest = search.next_with_digest(query)
        if found is None:
            self.check_bookable(params)
            return Response(status=status.HTTP_204_NO_CONTENT)
        [time] = serialized_times([found], zone_or_none(params.get("timezone")))
        return with_tag(self.request, Response(time), self.tag(query, digest))

    @extend_schema(
        summary="Hold the time that starts with this slot",
        description=WITHOUT_LOGIN,
        parameters=[PREVIEW],
        request=ReserveSlotSerializer,
        responses={200: HeldSerializer, 201: HeldSerializer, **refusals(403, 409)},
        examples=[OpenApiExample("For yourself", {}, request_only=True)],
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def reserve(self, request: Request, pk: str) -> Response:
        params = self.sent(ReserveSlotSerializer)
        slot = search.slot_start(int(pk))
        if slot is None:
            raise NotFound
        provider_id, starts_at = slot
        return self.hold(provider_id, starts_at, params)

    def search_params(self) -> dict[str, Any]:
        query = SlotQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        params = with_instants(query.validated_data, whole_day=self.action == "list")
        if "provider" not in params and "service" not in params:
            raise Missing(_("Specify a provider or a service."), field="provider")
        self.restrict(params)
        params["service"] = self.offered_service(params)
        return params

    def restrict(self, params: dict[str, Any]) -> None:
        """Search the calendar of the provider only to whom the request's API key is restricted, if it is.

        Raises NotFound for another provider.
        """
        user = self.request.user
        only = user.only_provider_id if user.is_authenticated else None
        if only is not None and params.setdefault("provider", only) != only:
            raise NotFound(field="provider")
