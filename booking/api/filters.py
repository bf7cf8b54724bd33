"""Filters and orderings of the lists."""

from datetime import UTC, date, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from booking.enums import AppointmentStatus, ReservationStatus
from booking.models import (
    Appointment,
    AppointmentSeries,
    AvailabilityWindow,
    Closure,
    Reservation,
    Service,
    TimeOff,
)
from scheduler_project.common.api_fields import IdFilter, OrderingFilter, TextFilter, YesNoFilter
from scheduler_project.common.times import YEARS, read_date, read_time


class InstantFormField(forms.Field):
    """An RFC 3339 instant with an offset, or a date, which means its first moment in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            instant = read_time(value) if len(value) > len("2027-03-04") else _midnight(read_date(value))
        except ValueError:
            instant = None
        if instant is None or not instant.tzinfo or instant.year not in YEARS:
            raise forms.ValidationError(
                _("Write a date, or a time with an offset: 2027-03-04T13:30:00Z."), code="invalid"
            )
        return instant


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class InstantFilter(django_filters.Filter):
    field_class = InstantFormField


class AtOneMoment:
    """For filters that ask what is so now: at the moment the view was asked."""

    request: Any

    @property
    def now(self) -> datetime:
        return self.request.parser_context["view"].now


class ServiceFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="providers")
    needs_approval = YesNoFilter()
    is_active = YesNoFilter()
    search = TextFilter(method="find", max_length=100)
    ordering = OrderingFilter(fields=["name", "duration_minutes", "id"])

    class Meta:
        model = Service
        fields: list[str] = []

    def find(self, queryset: QuerySet[Service], name: str, value: str) -> QuerySet[Service]:
        return queryset.filter(Q(name__icontains=value) | Q(description__icontains=value))


class WindowFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="schedule__provider")
    start = InstantFilter(field_name="ends_at", lookup_expr="gt", label=_("Ending after this."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starting before this."))
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


class ReservationFilter(AtOneMoment, django_filters.FilterSet):
    provider = IdFilter()
    client = IdFilter()
    service = IdFilter()
    status = django_filters.ChoiceFilter(choices=ReservationStatus.choices, method="in_status")
    start = InstantFilter(field_name="starts_at", lookup_expr="gte", label=_("Starting at or after this."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starting before this."))
    ordering = OrderingFilter(
        fields=[("starts_at", "start_time"), ("created_at", "created_at"), ("expires_at", "expires_at"), ("id", "id")]
    )

    class Meta:
        model = Reservation
        fields: list[str] = []

    def in_status(self, queryset: Any, name: str, value: str) -> Any:
        if value == ReservationStatus.HELD:
            return queryset.held(now=self.now)
        if value == ReservationStatus.EXPIRED:
            return queryset.filter(Q(status=value) | Q(pk__in=queryset.stale(now=self.now).values("pk")))
        return queryset.filter(status=value)


class AppointmentFilter(AtOneMoment, django_filters.FilterSet):
    provider = IdFilter(field_name="reservation__provider")
    client = IdFilter(field_name="reservation__client")
    service = IdFilter(field_name="reservation__service")
    series = IdFilter()
    status = django_filters.ChoiceFilter(
        choices=[("upcoming", _("upcoming")), ("past", _("past")), *AppointmentStatus.choices], method="in_status"
    )
    start = InstantFilter(field_name="reservation__starts_at", lookup_expr="gte", label=_("Starting at or after this."))
    end = InstantFilter(field_name="reservation__starts_at", lookup_expr="lt", label=_("Starting before this."))
    search = TextFilter(method="find", max_length=100)
    ordering = OrderingFilter(
        fields=[("reservation__starts_at", "start_time"), ("created_at", "created_at"), ("id", "id")]
    )

    class Meta:
        model = Appointment
        fields: list[str] = []

    def in_status(self, queryset: Any, name: str, value: str) -> Any:
        if value == "upcoming":
            return queryset.coming(now=self.now)
        if value == "past":
            return queryset.past(now=self.now)
        return queryset.filter(status=value)

    def find(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(Q(title__icontains=value) | Q(reservation__client__name__icontains=value))


class SeriesFilter(AtOneMoment, django_filters.FilterSet):
    provider = IdFilter()
    client = IdFilter()
    service = IdFilter()
    active = YesNoFilter(method="in_force", label=_("Neither cancelled nor over."))
    search = TextFilter(method="find", max_length=100)
    ordering = OrderingFilter(
        fields=[
            ("start_date", "start_time"),
            ("next_time", "next_time"),
            ("created_at", "created_at"),
            ("ends_at", "ends_at"),
            ("id", "id"),
        ]
    )

    class Meta:
        model = AppointmentSeries
        fields: list[str] = []

    def in_force(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.active(now=self.now) if value else queryset.over(now=self.now)

    def find(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(
            Q(title__icontains=value) | Q(service__name__icontains=value) | Q(client__name__icontains=value)
        )
