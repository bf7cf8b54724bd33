"""Filters and orderings of the API's lists of messages."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from booking.api.filters import InstantFilter
from reminders.enums import Channel, Kind, MessageStatus
from reminders.models import Message
from scheduler_project.common.api.fields import IdFilter, OrderingFilter


class MessageFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(
        choices=[("any", _("any")), *Kind.choices],
        method="of_kind",
        label=_("Reminders, if left out; `any` for notices too."),
    )
    status = django_filters.ChoiceFilter(choices=MessageStatus.choices)
    channel = django_filters.ChoiceFilter(choices=Channel.choices)
    appointment = IdFilter()
    provider = IdFilter(field_name="reservation__provider")
    client = IdFilter(field_name="reservation__client")
    due_after = InstantFilter(field_name="due_at", lookup_expr="gte", label=_("Due at or after this."))
    due_before = InstantFilter(field_name="due_at", lookup_expr="lt", label=_("Due before this."))
    ordering = OrderingFilter(fields=["due_at", "sent_at", "id"])

    class Meta:
        model = Message
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Message]) -> Any:
        asked = self.form.cleaned_data
        asked["kind"] = asked["kind"] or Kind.REMINDER
        return super().filter_queryset(queryset)

    def of_kind(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return queryset if value == "any" else queryset.filter(kind=value)
