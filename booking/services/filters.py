"""Filters and orders of the list of services."""

import django_filters
from django.db.models import Q, QuerySet

from booking.models import (
    Service,
)
from scheduler_project.common.api.fields import IdFilter, OrderingFilter, TextFilter, YesNoFilter


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
