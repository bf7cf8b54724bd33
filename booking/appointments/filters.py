"""Filters and orders of the list of appointments."""

from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import matching
from booking.api.filters import AtOneMoment, InstantFilter
from booking.appointments.enums import AppointmentStatus
from booking.models import (
    Appointment,
)
from scheduler_project.common.api.fields import IdFilter, OrderingFilter, TextFilter


class AppointmentFilter(AtOneMoment, django_filters.FilterSet):
    provider = IdFilter(field_name="reservation__provider")
    client = IdFilter(field_name="reservation__client")
    service = IdFilter(field_name="reservation__service")
    series = IdFilter()
    status = django_filters.ChoiceFilter(
        choices=[("upcoming", _("upcoming")), ("past", _("past")), *AppointmentStatus.choices], method="in_status"
    )
    start = InstantFilter(
        field_name="reservation__starts_at", lookup_expr="gte", label=_("Starts at or after this time.")
    )
    end = InstantFilter(field_name="reservation__starts_at", lookup_expr="lt", label=_("Starts before this time."))
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
        return queryset.filter(Q(title__icontains=value) | matching(value, "reservation__client__"))
