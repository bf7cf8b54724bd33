"""Filters and orders of the list of logins."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.users.roles import ROLES
from scheduler_project.common.api.fields import OrderingFilter, TextFilter, YesNoFilter


class UserFilter(django_filters.FilterSet):
    role = django_filters.ChoiceFilter(choices=[(role, role) for role in ROLES], method="with_role")
    is_active = YesNoFilter()
    search = TextFilter(method="find", max_length=100, label=_("Part of the email or name."))
    ordering = OrderingFilter(fields=["email", "name", "date_joined", "last_login", "id"])

    class Meta:
        model = User
        fields: list[str] = []

    def with_role(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(ROLES[value])

    def find(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(Q(email__icontains=value) | Q(name__icontains=value))
