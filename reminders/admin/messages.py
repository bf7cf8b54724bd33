"""The outbox: what is owed, what went out, what failed. Only operations write it."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.admin.appointments import AppointmentAdmin
from booking.admin.shared import provider_filter, staff
from reminders.enums import MessageStatus
from reminders.letters import recipient_of
from reminders.models import DeliveryAttempt, Message
from reminders.operations import dispatch
from scheduler_project.common.admin import OfficeAdmin, ReadOnly, told
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages import back
from scheduler_project.common.panels import Panel, panels

FAILED_SHOWN = 8
"""How many failed messages stand on the admin's first page."""


def failed(request: HttpRequest, now: datetime) -> Panel | None:
    """Messages that were given up, the latest first."""
    if not request.user.has_perm("reminders.view_message"):
        return None
    rows = Message.objects.detailed().filter(status=MessageStatus.FAILED).order_by("-due_at")
    found = list(rows[: FAILED_SHOWN + 1])
    context = {
        "failed": [(row, recipient_of(row).name, row.useful_until > now) for row in found[:FAILED_SHOWN]],
        "more": len(found) > FAILED_SHOWN,
        "sends": request.user.has_perm("reminders.change_message"),
    }
    return Panel("admin/panels/failed.html", context)


panels.append(failed)


class AttemptInline(ReadOnly, admin.TabularInline):
    model = DeliveryAttempt
    fields = ("at", "milliseconds", "address", "outcome", "reference", "error")
    readonly_fields = fields
    extra = 0
    can_delete = False


class MessageColumns:
    """What a message says of itself, on its own page and on that of its appointment."""

    @admin.display(description=gettext_lazy("to"))
    def to(self, message: Message) -> str:
        person = recipient_of(message)
        return f"{person.name} <{person.address or '–'}>"

    @admin.display(description=gettext_lazy("due (UTC)"), ordering="due_at")
    def due(self, message: Message) -> str:
        return told(message.due_at)

    @admin.display(description=gettext_lazy("sent (UTC)"), ordering="sent_at")
    def sent(self, message: Message) -> str:
        return told(message.sent_at)


class MessageInline(MessageColumns, ReadOnly, admin.TabularInline):
    """The messages of one appointment: what became of each, and why not."""

    model = Message
    fields = ("kind", "channel", "to", "status", "due", "sent", "failures", "error", "again")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True
    verbose_name_plural = gettext_lazy("messages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        self.sends = request.user.has_perm("reminders.change_message")
        return super().get_queryset(request).detailed().order_by("due_at", "pk")  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("send again"))
    def again(self, message: Message) -> str:
        if message.status != MessageStatus.FAILED or not self.sends:
            return "–"
        return format_html(
            '<button class="button" formaction="{}" name="next" value="{}">{}</button>',
            reverse("admin:reminders_message_again", args=[message.pk]),
            reverse("admin:booking_appointment_change", args=[message.appointment_id]),
            _("Send again"),
        )


AppointmentAdmin.inlines.insert(0, MessageInline)


@admin.register(Message)
class MessageAdmin(MessageColumns, ReadOnly, OfficeAdmin):
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
    change_form_template = "admin/tools_change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).detailed()  # type: ignore[attr-defined]

    def get_urls(self) -> list[Any]:
        again = self.admin_site.admin_view(self.again_view)
        return [path("<int:pk>/again/", again, name="reminders_message_again"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        message = self.get_object(request, object_id)
        tools = []
        if message and message.status == MessageStatus.FAILED and self.has_send_permission(request):
            tools = [(_("Send it again"), reverse("admin:reminders_message_again", args=[message.pk]))]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a failed message once more. For whoever came by a link, ask."""
        message = self.get_object(request, str(pk))
        if message is None:
            raise Http404
        if not self.has_send_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self.ask(
                request,
                title=_("Send it again"),
                submit=_("Send it again"),
                original=message,
                about=[str(message), self.to(message), message.error],
                back=self.change_url(pk),
            )
        try:
            dispatch.retry(message_id=pk, actor=staff(request), now=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
        else:
            messages.success(request, _("It is due again, and will be sent within seconds."))
        return HttpResponseRedirect(back(request, self.change_url(pk)))

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_message")

    @admin.action(description=gettext_lazy("Send selected failed messages again…"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        actor, now = staff(request), timezone.now()

        def deed(message: Message) -> None:
            dispatch.retry(message_id=message.pk, actor=actor, now=now)

        return self.after_preview(
            request,
            queryset.order_by("pk"),
            deed,
            title=_("Send messages again"),
            done=_("Messages to be sent again: %d."),
            describe=lambda row: f"{row}, {self.to(row)}",
        )

    @admin.display(description=gettext_lazy("about"))
    def about(self, message: Message) -> Any:
        name, row = (
            ("appointment", message.appointment) if message.appointment else ("reservation", message.reservation)
        )
        return format_html('<a href="{}">{}</a>', reverse(f"admin:booking_{name}_change", args=[row.pk]), row)

    @admin.display(description=gettext_lazy("next try (UTC)"), ordering="next_at")
    def next_try(self, message: Message) -> str:
        return told(message.next_at)

    @admin.display(description=gettext_lazy("useful until (UTC)"))
    def useful(self, message: Message) -> str:
        return told(message.useful_until)

    @admin.display(description=gettext_lazy("planned (UTC)"), ordering="created_at")
    def planned(self, message: Message) -> str:
        return told(message.created_at)
