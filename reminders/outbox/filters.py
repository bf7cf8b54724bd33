"""Filters and orderings of the API's lists of messages."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.filters import InstantFilter
from reminders.channels.registry import channel_choices
from reminders.enums import PUBLIC_STATUS, PUBLIC_STATUSES, MessageKind, MessageStatus
from reminders.models import Message
from scheduler_project.common.api.fields import IdFilter, OrderingFilter

STORED = {name: status for status, name in PUBLIC_STATUS.items()}
"""The stored status for each of the API's words."""


PENDING_DEPRECATED_SINCE = datetime(2026, 11, 29, tzinfo=UTC)


class StatusFilter(django_filters.ChoiceFilter):
    """The status of a message. `pending`, the word for `scheduled` until 0.2.0, works for one more release."""

    def __init__(self, **kwargs: Any) -> None:
        deprecated = (MessageStatus.PENDING.value, "Deprecated: use `scheduled`.")
        super().__init__(choices=[*PUBLIC_STATUSES, deprecated], **kwargs)

    def filter(self, qs: Any, value: str) -> Any:
        return super().filter(qs, STORED.get(value, value))


class WarnsOfPending:
    """View mixin that answers `?status=pending` with a `Deprecation` header (RFC 9745)."""

    def finalize_response(self: Any, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self.request.GET.get("status") == MessageStatus.PENDING:
            answer.headers["Deprecation"] = f"@{PENDING_DEPRECATED_SINCE.timestamp():.0f}"
        return answer


class MessageFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(
        choices=[("any", _("any")), *MessageKind.choices],
        method="of_kind",
        label=_("Defaults to reminders. Use `any` to include notices."),
    )
    status = StatusFilter()
    channel = django_filters.ChoiceFilter(choices=channel_choices)
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
        cleaned = self.form.cleaned_data
        cleaned["kind"] = cleaned["kind"] or MessageKind.REMINDER
        return super().filter_queryset(queryset)

    def of_kind(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return queryset if value == "any" else queryset.filter(kind=value)
