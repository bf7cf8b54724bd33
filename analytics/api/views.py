"""`/api/v1/analytics` and `/api/v1/admin/statistics`, which read the clock and the query, and answer the counts."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import ForStaff
from accounts.models import Provider, User
from analytics import queries
from analytics.api import serializers
from analytics.periods import Span, chosen_span, span_of
from booking.models import Schedule
from scheduler_project.common.api.schema import refusals
from scheduler_project.common.api.views import StrictView


class AnalyticsView(StrictView, APIView):
    """Counts of bookings, cancellations, missed appointments, utilisation and reminders.

    Staff may see all, a provider their own.
    """

    @extend_schema(
        summary="Statistics",
        description=(
            "Counts by local day in `timezone`, also across clock changes. Appointments count by their start, "
            "with their outcome so far; bookings, cancellations and holds by when they were made; reminders by "
            "when they were due; minutes on the day they fall on. Providers see their own statistics, staff "
            "see all."
        ),
        parameters=[serializers.AnalyticsQuerySerializer],
        responses={200: serializers.AnalyticsSerializer, **refusals(400, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        now, wanted = timezone.now(), sent(request, serializers.AnalyticsQuerySerializer)
        assert isinstance(request.user, User)
        scope = queries.scope_of(request.user, wanted.get("provider"), wanted.get("service"))
        zone = ZoneInfo(wanted.get("timezone") or zone_of(scope.provider) or request.user.timezone)
        span = span_asked(wanted, zone, now)
        return Response(serializers.serialized_report(queries.build_report(span=span, scope=scope, now=now)))


class StatisticsView(StrictView, APIView):
    """The numbers of user accounts, providers and clients. Staff only."""

    permission_classes = [IsAdminUser, ForStaff]
    permissions = {"GET": "accounts.view_user"}

    @extend_schema(
        summary="Count users and providers",
        parameters=[serializers.SpanQuerySerializer],
        responses={200: serializers.StatisticsSerializer, **refusals(400)},
    )
    def get(self, request: Request) -> Response:
        now, wanted = timezone.now(), sent(request, serializers.SpanQuerySerializer)
        assert isinstance(request.user, User)
        zone = ZoneInfo(wanted.get("timezone") or request.user.timezone)
        span = span_asked(wanted, zone, now)
        days = {"from": span.first, "to": span.last, "timezone": zone.key}
        return Response({**days, **queries.people(span=span, now=now)})


def sent(request: Request, serializer_class: type[serializers.SpanQuerySerializer]) -> dict[str, Any]:
    query = serializer_class(data=request.query_params)
    query.is_valid(raise_exception=True)
    return query.validated_data


def span_asked(wanted: dict[str, Any], zone: ZoneInfo, now: datetime) -> Span:
    return chosen_span(wanted.get("from"), wanted.get("to"), zone) or span_of(wanted["period"], zone, now)


def zone_of(provider: Provider | None) -> str | None:
    """Return the timezone of a provider's schedule."""
    return Schedule.objects.filter(provider=provider).values_list("timezone", flat=True).first() if provider else None
