"""Filters and orders of the list of providers."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Provider
from scheduler_project.common.api.fields import OrderingFilter, TextFilter


class ProviderFilter(django_filters.FilterSet):
    specialization = TextFilter(lookup_expr="iexact", max_length=100)
    search = TextFilter(method="find", max_length=100, label=_("Part of the name, specialisation or bio."))
    ordering = OrderingFilter(fields=["name", "specialization", "created_at", "id"])

    class Meta:
        model = Provider
        fields: list[str] = []

    def find(self, queryset: QuerySet[Provider], name: str, value: str) -> QuerySet[Provider]:
        return queryset.filter(Q(name__icontains=value) | Q(specialization__icontains=value) | Q(bio__icontains=value))
