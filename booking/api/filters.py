"""What lists can be narrowed and ordered by."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from booking.api.fields import BIGGEST_ID, PLUS_LOST
from booking.enums import AppointmentStatus, ReservationStatus
from booking.models import Appointment, AvailabilityWindow, Closure, Reservation, Service, TimeOff


class IdFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BIGGEST_ID, **kwargs)


class InstantFormField(forms.Field):
    """An RFC 3339 instant with an offset, or a date, which means its first moment in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            instant = datetime.fromisoformat(PLUS_LOST.sub(r"\1+\2", value))
            return instant if instant.tzinfo else timezone.make_aware(instant)
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError(
                _("Write a date, or a time with an offset: 2027-03-04T13:30:00Z."), code="invalid"
            ) from error


class InstantFilter(django_filters.Filter):
    field_class = InstantFormField


class ServiceFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="providers")
    search = django_filters.CharFilter(method="find", max_length=100)
    ordering = django_filters.OrderingFilter(fields=["name", "duration_minutes", "id"])

    class Meta:
        model = Service
        fields = ["needs_approval", "is_active"]

    def find(self, queryset: QuerySet[Service], name: str, value: str) -> QuerySet[Service]:
        return queryset.filter(Q(name__icontains=value) | Q(description__icontains=value))


class WindowFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="schedule__provider")
    start = InstantFilter(field_name="ends_at", lookup_expr="gt", label=_("Ending after this."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starting before this."))
    ordering = django_filters.OrderingFilter(fields=[("starts_at", "start_time"), ("id", "id")])

    class Meta:
        model = AvailabilityWindow
        fields: list[str] = []


class TimeOffFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="schedule__provider")
    ordering = django_filters.OrderingFilter(
        fields=[("starts_at", "start_time"), ("start_date", "start_date"), ("id", "id")]
    )

    class Meta:
        model = TimeOff
        fields: list[str] = []


class ClosureFilter(django_filters.FilterSet):
    ordering = django_filters.OrderingFilter(
        fields=[("starts_at", "start_time"), ("start_date", "start_date"), ("id", "id")]
    )

    class Meta:
        model = Closure
        fields: list[str] = []


class ReservationFilter(django_filters.FilterSet):
    provider = IdFilter()
    client = IdFilter()
    service = IdFilter()
    status = django_filters.ChoiceFilter(choices=ReservationStatus.choices, method="in_status")
    start = InstantFilter(field_name="starts_at", lookup_expr="gte", label=_("Starting at or after this."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starting before this."))
    ordering = django_filters.OrderingFilter(
        fields=[("starts_at", "start_time"), ("created_at", "created_at"), ("expires_at", "expires_at"), ("id", "id")]
    )

    class Meta:
        model = Reservation
        fields: list[str] = []

    def in_status(self, queryset: Any, name: str, value: str) -> Any:
        now = timezone.now()
        if value == ReservationStatus.HELD:
            return queryset.held(now=now)
        if value == ReservationStatus.EXPIRED:
            return queryset.filter(Q(status=value) | Q(pk__in=queryset.stale(now=now).values("pk")))
        return queryset.filter(status=value)


class AppointmentFilter(django_filters.FilterSet):
    provider = IdFilter(field_name="reservation__provider")
    client = IdFilter(field_name="reservation__client")
    service = IdFilter(field_name="reservation__service")
    status = django_filters.ChoiceFilter(
        choices=[("upcoming", _("upcoming")), ("past", _("past")), *AppointmentStatus.choices], method="in_status"
    )
    start = InstantFilter(field_name="reservation__starts_at", lookup_expr="gte", label=_("Starting at or after this."))
    end = InstantFilter(field_name="reservation__starts_at", lookup_expr="lt", label=_("Starting before this."))
    search = django_filters.CharFilter(method="find", max_length=100)
    ordering = django_filters.OrderingFilter(
        fields=[("reservation__starts_at", "start_time"), ("created_at", "created_at"), ("id", "id")]
    )

    class Meta:
        model = Appointment
        fields: list[str] = []

    def in_status(self, queryset: Any, name: str, value: str) -> Any:
        if value == "upcoming":
            return queryset.coming(now=timezone.now())
        if value == "past":
            return queryset.past(now=timezone.now())
        return queryset.filter(status=value)

    def find(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(Q(title__icontains=value) | Q(reservation__client__name__icontains=value))
