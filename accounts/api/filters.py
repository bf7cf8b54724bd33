"""Filters and orderings of the accounts API's lists."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, ClientQuerySet, Provider
from scheduler_project.common.api_fields import IdFilter, OrderingFilter, TextFilter


class ProviderFilter(django_filters.FilterSet):
    specialization = TextFilter(lookup_expr="iexact", max_length=100)
    search = TextFilter(method="find", max_length=100, label=_("A part of the name, specialization or bio."))
    ordering = OrderingFilter(fields=["name", "specialization", "created_at", "id"])

    class Meta:
        model = Provider
        fields: list[str] = []

    def find(self, queryset: QuerySet[Provider], name: str, value: str) -> QuerySet[Provider]:
        return queryset.filter(Q(name__icontains=value) | Q(specialization__icontains=value) | Q(bio__icontains=value))


class ClientFilter(django_filters.FilterSet):
    owner = IdFilter(label=_("The id of the provider whose address book it is."))
    search = TextFilter(method="find", max_length=100, label=_("A part of the name, email or phone."))
    ordering = OrderingFilter(fields=["name", "created_at", "id"])

    class Meta:
        model = Client
        fields: list[str] = []

    def find(self, queryset: ClientQuerySet, name: str, value: str) -> ClientQuerySet:
        return queryset.matching(value)
