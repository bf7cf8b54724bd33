"""The outbox: what is owed, what went out, what failed. Only operations write it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.admin.shared import provider_filter, staff
from reminders.letters import recipient_of
from reminders.models import DeliveryAttempt, Message
from reminders.operations import dispatch
from scheduler_project.common.admin import OfficeAdmin, ReadOnly, do_to_each, told


class AttemptInline(ReadOnly, admin.TabularInline):
    model = DeliveryAttempt
    fields = ("at", "milliseconds", "address", "outcome", "reference", "error")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(Message)
class MessageAdmin(ReadOnly, OfficeAdmin):
    """Every message. What failed can be sent again."""

    list_display = ("id", "kind", "channel", "to", "about", "status", "due", "sent", "failures", "error")
    list_filter = ("status", "kind", "channel", "recipient", provider_filter("reservation__provider"))
    search_fields = (
        "reservation__client__name",
        "reservation__client__email",
        "reservation__provider__name",
        "appointment__title",
        "key",
    )
    date_hierarchy = "due_at"
    ordering = ("-pk",)
    fields = (
        "kind",
        "channel",
        "to",
        "about",
        "offset",
        "status",
        "due",
        "next_try",
        "useful",
        "sent",
        "failures",
        "error",
        "key",
        "details",
        "planned",
    )
    readonly_fields = fields
    inlines = (AttemptInline,)
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).detailed()  # type: ignore[attr-defined]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_message")

    @admin.action(description=gettext_lazy("Send selected failed messages again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        now = timezone.now()

        def deed(message: Message) -> None:
            dispatch.retry(message_id=message.pk, actor=staff(request), now=now)

        do_to_each(request, queryset, deed, _("Messages to be sent again: %d."))

    @admin.display(description=gettext_lazy("to"))
    def to(self, message: Message) -> str:
        person = recipient_of(message)
        return f"{person.name} <{person.address or '–'}>"

    @admin.display(description=gettext_lazy("about"))
    def about(self, message: Message) -> Any:
        name, row = (
            ("appointment", message.appointment) if message.appointment else ("reservation", message.reservation)
        )
        return format_html('<a href="{}">{}</a>', reverse(f"admin:booking_{name}_change", args=[row.pk]), row)

    @admin.display(description=gettext_lazy("due (UTC)"), ordering="due_at")
    def due(self, message: Message) -> str:
        return told(message.due_at)

    @admin.display(description=gettext_lazy("next try (UTC)"), ordering="next_at")
    def next_try(self, message: Message) -> str:
        return told(message.next_at)

    @admin.display(description=gettext_lazy("useful until (UTC)"))
    def useful(self, message: Message) -> str:
        return told(message.useful_until)

    @admin.display(description=gettext_lazy("sent (UTC)"), ordering="sent_at")
    def sent(self, message: Message) -> str:
        return told(message.sent_at)

    @admin.display(description=gettext_lazy("planned (UTC)"), ordering="created_at")
    def planned(self, message: Message) -> str:
        return told(message.created_at)
