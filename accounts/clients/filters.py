"""Filters and orders of the list of clients."""

import django_filters
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, ClientQuerySet
from scheduler_project.common.api.fields import IdFilter, OrderingFilter, TextFilter


class ClientFilter(django_filters.FilterSet):
    owner = IdFilter(label=_("ID of the provider whose address book to search."))
    search = TextFilter(method="find", max_length=100, label=_("Part of the name, email or phone number."))
    ordering = OrderingFilter(fields=["name", "created_at", "id"])

    class Meta:
        model = Client
        fields: list[str] = []

    def find(self, queryset: ClientQuerySet, name: str, value: str) -> ClientQuerySet:
        return queryset.matching(value)
