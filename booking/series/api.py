"""`/api/v1/series`: preview, book, change and cancel series."""

from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.base import BookingViewSet
from booking.appointments.enums import UPCOMING
from booking.models import Appointment, AppointmentSeries
from booking.series import operations as series
from booking.series.enums import SeriesScope
from booking.series.filters import SeriesFilter
from booking.series.serializers import (
    CancelSeriesSerializer,
    CreateSeriesSerializer,
    EditSeriesSerializer,
    SeriesChangeSerializer,
    SeriesDetailSerializer,
    SeriesPreviewSerializer,
    SeriesSerializer,
)
from scheduler_project.common.api.schema import refusals

MONDAYS = {
    "provider": 1,
    "client": 1,
    "service": 1,
    "start_time": "2027-03-08T09:00:00",
    "timezone": "Europe/Berlin",
    "rrule": "FREQ=WEEKLY;COUNT=10",
}


@extend_schema_view(
    list=extend_schema(summary="List series"),
    retrieve=extend_schema(
        summary="Get a series",
        responses={200: SeriesDetailSerializer, **refusals(400)},
    ),
)
class SeriesViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BookingViewSet):
    """Series. Their occurrences are ordinary appointments: `/api/v1/appointments?series=`."""

    queryset = AppointmentSeries.objects.all()
    serializer_class = SeriesSerializer
    filterset_class = SeriesFilter

    def get_queryset(self) -> QuerySet[AppointmentSeries]:
        if getattr(self, "swagger_fake_view", False):
            return AppointmentSeries.objects.none()
        return self.counted(AppointmentSeries.objects.visible_to(self.request.user)).order_by("-pk")

    def counted(self, rows: QuerySet[AppointmentSeries]) -> QuerySet[AppointmentSeries]:
        to_come = Q(appointments__status__in=UPCOMING, appointments__reservation__starts_at__gt=self.now)
        return rows.select_related("provider", "client", "service").annotate(
            occurrences=Count("appointments"), next_time=Min("appointments__reservation__starts_at", filter=to_come)
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        coming = Appointment.objects.filter(series=found, status__in=UPCOMING, reservation__starts_at__gt=self.now)
        found.next = coming.select_related("reservation").order_by("reservation__starts_at")[:10]
        return self.answer(SeriesDetailSerializer, found)

    def series_spec(self, data: dict[str, Any]) -> series.SeriesSpec:
        return series.SeriesSpec(
            provider_id=data.get("provider") or self.provider_asked_for(None),
            client_id=self.client_asked_for(data["client"]),
            rrule=data["rrule"],
            starts=data["start_time"],
            timezone=data.get("timezone", ""),
            service_id=data.get("service"),
            duration_minutes=data.get("duration_minutes"),
            title=data.get("title", ""),
            description=data.get("description", ""),
            exdates=data.get("exdates", ()),
            reminder_offsets=data.get("reminder_offsets"),
            overrides=data.get("override", ()),
        )

    def done(self, change: series.SeriesChange, code: int = 200) -> Response:
        """Answer the series as it is now, with the effect of the change."""
        row = self.counted(AppointmentSeries.objects.filter(pk=change.series.pk)).get()
        vars(row).update(
            created=change.booked, moved=change.moved, cancelled=change.cancelled, skipped=change.conflicts
        )
        return self.answer(SeriesChangeSerializer, row, code)

    @extend_schema(
        summary="Preview a series",
        description=(
            "Lists each occurrence up to the provider's booking horizon as free, or as busy with the reason and "
            "the nearest available time, whatever the `policy`. Changes nothing. Takes the same fields as creating "
            "the series. For the provider and staff."
        ),
        request=CreateSeriesSerializer,
        responses={200: SeriesPreviewSerializer, **refusals(403, 404, 409)},
        examples=[OpenApiExample("Mondays at nine", MONDAYS, request_only=True)],
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="preview", pagination_class=None)
    def preview_series(self, request: Request) -> Response:
        wanted = self.series_spec(self.sent(CreateSeriesSerializer))
        change = series.preview_series(wanted=wanted, actor=self.actor, now=self.now)
        return self.answer(SeriesPreviewSerializer, change)

    @extend_schema(
        summary="Create a series",
        description=(
            "Books every occurrence up to the provider's booking horizon, in one transaction. Later ones are "
            "booked automatically. For the provider and staff."
        ),
        request=CreateSeriesSerializer,
        responses={201: SeriesChangeSerializer, **refusals(403, 404, 409)},
        examples=[OpenApiExample("Mondays at nine", {**MONDAYS, "policy": "skip_conflicts"}, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        data = self.sent(CreateSeriesSerializer)
        change = series.create_series(
            wanted=self.series_spec(data), policy=data["policy"], actor=self.actor, now=self.now
        )
        return self.done(change, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change one, following or all upcoming occurrences",
        description=(
            "`following` splits the series and returns the new one. Appointments are rescheduled, not recreated."
        ),
        request=EditSeriesSerializer,
        responses={200: SeriesChangeSerializer, **refusals(403, 409)},
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
        data = self.sent(EditSeriesSerializer, instance=found)
        named = {"start_time": "starts", "service": "service_id"}
        about = ("scope", "from", "policy", "override")
        change = series.edit_series(
            series_id=found.pk,
            scope=data["scope"],
            occurrence=data.get("from"),
            policy=data["policy"],
            overrides=data.get("override"),
            changes={named.get(name, name): value for name, value in data.items() if name not in about},
            actor=self.actor,
            now=self.now,
        )
        return self.done(change)

    @extend_schema(
        summary="Cancel one, following or all upcoming occurrences",
        description="For the provider, the client and staff.",
        request=CancelSeriesSerializer,
        responses={200: SeriesChangeSerializer, **refusals(403, 409)},
        examples=[
            OpenApiExample("All upcoming", {"reason": "Moved to another town"}, request_only=True),
            OpenApiExample("One", {"scope": "this", "from": "2027-03-15", "reason": "Holiday"}, request_only=True),
        ],
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        data = self.sent(CancelSeriesSerializer)
        change = series.cancel_series(
            series_id=found.pk,
            scope=data["scope"],
            occurrence=data.get("from"),
            reason=data["reason"],
            actor=self.actor,
            now=self.now,
        )
        return self.done(change)

    @extend_schema(summary="Cancel all upcoming occurrences", responses={204: None, **refusals(403, 409)})
    def destroy(self, request: Request, pk: str) -> Response:
        series.cancel_series(series_id=self.get_object().pk, scope=SeriesScope.ALL, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)
