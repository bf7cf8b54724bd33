"""What lists can be narrowed and ordered by."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider

BIGGEST_ID = 2**63 - 1
NOT_IN_NUMBERS = str.maketrans("", "", " -()/.")


class IdFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BIGGEST_ID, **kwargs)


class ProviderFilter(django_filters.FilterSet):
    specialization = django_filters.CharFilter(lookup_expr="iexact", max_length=100)
    search = django_filters.CharFilter(
        method="find", max_length=100, label=_("A part of the name, specialization or bio.")
    )
    ordering = django_filters.OrderingFilter(fields=["name", "specialization", "created_at", "id"])

    class Meta:
        model = Provider
        fields: list[str] = []

    def find(self, queryset: QuerySet[Provider], name: str, value: str) -> QuerySet[Provider]:
        return queryset.filter(Q(name__icontains=value) | Q(specialization__icontains=value) | Q(bio__icontains=value))


class ClientFilter(django_filters.FilterSet):
    owner = IdFilter(label=_("The id of the provider whose address book it is."))
    search = django_filters.CharFilter(method="find", max_length=100, label=_("A part of the name, email or phone."))
    ordering = django_filters.OrderingFilter(fields=["name", "created_at", "id"])

    class Meta:
        model = Client
        fields: list[str] = []

    def find(self, queryset: QuerySet[Client], name: str, value: str) -> QuerySet[Client]:
        wanted = Q(name__icontains=value) | Q(email__icontains=value)
        digits = value.translate(NOT_IN_NUMBERS)
        if digits.removeprefix("+").isdecimal():
            wanted |= Q(phone__contains=digits)
        return queryset.filter(wanted)
