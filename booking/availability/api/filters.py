"""Filters of the lists of windows, time off and closures."""

import django_filters
from django.utils.translation import gettext_lazy as _

from booking.api.filters import InstantFilter
from booking.models import (
    AvailabilityWindow,
    Closure,
    TimeOff,
)
from scheduler_project.common.api.fields import IdFilter, OrderingFilter


class WindowFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="schedule__provider")
    start = InstantFilter(field_name="ends_at", lookup_expr="gt", label=_("Ends after this time."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starts before this time."))
    ordering = OrderingFilter(fields=[("starts_at", "start_time"), ("id", "id")])

    class Meta:
        model = AvailabilityWindow
        fields: list[str] = []


class TimeOffFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="schedule__provider")
    ordering = OrderingFilter(fields=[("starts_at", "start_time"), ("start_date", "start_date"), ("id", "id")])

    class Meta:
        model = TimeOff
        fields: list[str] = []


class ClosureFilter(django_filters.FilterSet):
    ordering = OrderingFilter(fields=[("starts_at", "start_time"), ("start_date", "start_date"), ("id", "id")])

    class Meta:
        model = Closure
        fields: list[str] = []
