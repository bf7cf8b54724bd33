"""Filters and orders of the list of reservations."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from booking.api.filters import AtOneMoment, InstantFilter
from booking.models import (
    Reservation,
)
from booking.reservations.enums import ReservationStatus
from scheduler_project.common.api.fields import IdFilter, OrderingFilter


class ReservationFilter(AtOneMoment, django_filters.FilterSet):
    provider = IdFilter()
    client = IdFilter()
    service = IdFilter()
    status = django_filters.ChoiceFilter(choices=ReservationStatus.choices, method="in_status")
    start = InstantFilter(field_name="starts_at", lookup_expr="gte", label=_("Starts at or after this time."))
    end = InstantFilter(field_name="starts_at", lookup_expr="lt", label=_("Starts before this time."))
    ordering = OrderingFilter(
        fields=[("starts_at", "start_time"), ("created_at", "created_at"), ("expires_at", "expires_at"), ("id", "id")]
    )

    class Meta:
        model = Reservation
        fields: list[str] = []

    def in_status(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.in_state(value, now=self.now)
