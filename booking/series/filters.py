"""Filters and orders of the list of series."""

from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import matching
from booking.api.filters import AtOneMoment
from booking.models import (
    AppointmentSeries,
)
from scheduler_project.common.api.fields import IdFilter, OrderingFilter, TextFilter, YesNoFilter


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
            Q(title__icontains=value) | Q(service__name__icontains=value) | matching(value, "client__")
        )
