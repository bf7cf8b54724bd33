"""The outbox in the admin: pending, sent and failed messages. Only operations write it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import contact_search
from booking.admin.base import local_time_with_zone, provider_filter, staff
from booking.appointments.admin.appointments import AppointmentAdmin
from reminders.dispatch import limits
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message, Reminder
from reminders.outbox import operations as outbox
from reminders.skip_reasons import reason_in_words
from reminders.templates.composer import recipient_of, text_if_sent_now
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.panels import Panel, panels
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.base import back
from scheduler_project.common.validators import isolated

FAILED_SHOWN = 8
"""Number of failed messages shown on the admin's first page."""


def failed(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the panel of failed messages, the latest first."""
    if not request.user.has_perm("reminders.view_message"):
        return None
    rows = Message.objects.detailed().with_causes(request.user).filter(status=MessageStatus.FAILED).order_by("-due_at")
    found = list(rows[: FAILED_SHOWN + 1])
    context = {
        "failed": [(row, recipient_of(row).name, row.useful_until > now) for row in found[:FAILED_SHOWN]],
        "more": len(found) > FAILED_SHOWN,
        "sends": request.user.has_perm("reminders.change_message"),
    }
    return Panel("admin/panels/failed.html", context)


panels.append(failed)


def _when(message: Message) -> str:
    """Return the start of the appointment or hold a message is about, in the provider's timezone."""
    if message.reservation is None:
        return local_time_with_zone(None, "UTC")
    return local_time_with_zone(message.about.starts_at, message.about.provider.schedule.timezone)


class AttemptInline(ReadOnly, admin.TabularInline):
    model = DeliveryAttempt
    fields = readonly_fields = ("tried", "address", "outcome", "answer", "milliseconds", "reference")
    extra = 0
    can_delete = False

    @admin.display(description=here(gettext_lazy("at")))
    def tried(self, attempt: DeliveryAttempt) -> str:
        return local_time(attempt.at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeliveryAttempt]:
        self.says_causes = request.user.may("reminders.view_optout")  # type: ignore[union-attr]
        return super().get_queryset(request)

    @admin.display(description=gettext_lazy("error"))
    def answer(self, attempt: DeliveryAttempt) -> str:
        return reason_in_words(attempt.error) if self.says_causes else attempt.reason


class MessageColumns:
    """Columns about a message, for its own page and for that of its appointment."""

    @admin.display(description=gettext_lazy("message"), ordering="kind")
    def what(self, message: Message) -> str:
        url = reverse("admin:reminders_message_change", args=[message.pk])
        return format_html('<a href="{}">{}</a>', url, message)

    @admin.display(description=gettext_lazy("recipient"))
    def to(self, message: Message) -> str:
        person = recipient_of(message)
        if message.kind == MessageKind.ACCOUNT:
            return person.address
        return f"{isolated(person.name)} <{person.address or '–'}>"

    @admin.display(description=here(gettext_lazy("due")), ordering="due_at")
    def due(self, message: Message) -> str:
        return local_time(message.due_at)

    @admin.display(description=here(gettext_lazy("sent")), ordering="sent_at")
    def sent(self, message: Message) -> str:
        return local_time(message.sent_at)


class MessageInline(MessageColumns, ReadOnly, admin.TabularInline):
    """The messages of one appointment, each with its outcome and the reason, and why reminders are missing."""

    model = Message
    template = "admin/reminders/message/inline.html"
    fields = ("what", "to", "status", "due", "sent", "why", "again")
    readonly_fields = fields
    extra = 0
    can_delete = False
    verbose_name_plural = gettext_lazy("messages")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        self.sends = request.user.has_perm("reminders.change_message")
        rows = super().get_queryset(request).detailed()  # type: ignore[attr-defined]
        return rows.with_causes(request.user).order_by("due_at", "pk")

    @admin.display(description=gettext_lazy("error"))
    def why(self, message: Message) -> str:
        return message.reason

    @admin.display(description=gettext_lazy("send again"))
    def again(self, message: Message) -> str:
        if message.status != MessageStatus.FAILED or not self.sends:
            return ""
        return format_html(
            '<button class="button" formaction="{}" name="next" value="{}">{}</button>',
            reverse("admin:reminders_message_again", args=[message.pk]),
            reverse("admin:booking_appointment_change", args=[message.appointment_id]),
            _("Send again"),
        )


AppointmentAdmin.inlines.insert(0, MessageInline)


@admin.register(Message)
class MessageAdmin(MessageColumns, ReadOnly, StaffModelAdmin):
    """All messages. Failed ones can be sent again. Of mails about an account the text is not shown."""

    list_display = ("__str__", "to", "about", "state", "due")
    list_per_page = 50
    list_filter = ("status", "kind", "channel", "recipient", provider_filter("reservation__provider"))
    search_fields = (
        *contact_search("reservation__client__"),
        "reservation__provider__name",
        "appointment__title",
        "mail__to",
        "key",
    )
    date_hierarchy = "due_at"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("whom", "about", "status", "due", "sent", "why", "says")}),
        (
            gettext_lazy("Record"),
            {
                "classes": ("collapse",),
                "fields": ("kind", "channel", "offset", "next_try", "useful", "failures", "key", "details", "planned"),
            },
        ),
    )
    inlines = (AttemptInline,)
    actions = ("send_again",)
    change_form_template = "admin/tools_change_form.html"
    change_list_template = "admin/reminders/message/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = super().get_queryset(request).detailed()  # type: ignore[attr-defined]
        return rows.with_outages(now=timezone.now()).with_causes(request.user)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, message: Message) -> str:
        """Return the status, with the reason if the message failed or waits."""
        return format_html('{}<br><span class="quiet">{}</span>', message.get_status_display(), message.reason)

    @admin.display(description=gettext_lazy("text"))
    def says(self, message: Message) -> str:
        """Return the text as it would be sent now."""
        return text_if_sent_now(message, now=timezone.now()) or "–"

    @admin.display(description=gettext_lazy("reason"))
    def why(self, message: Message) -> str:
        return message.reason or "–"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {"counts": limits.counts(now=timezone.now()), "reserve": settings.SEND_RESERVE_PERCENT}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        again = self.admin_site.admin_view(self.again_view)
        return [path("<int:pk>/again/", again, name="reminders_message_again"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        message = self.get_object(request, object_id)
        tools = []
        if message and message.status == MessageStatus.FAILED and self.has_send_permission(request):
            tools = [(_("Send again"), reverse("admin:reminders_message_again", args=[message.pk]))]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a failed message again, after a confirmation page if the request is a GET."""
        message = self.get_object(request, str(pk))
        if message is None:
            raise Http404
        if not self.has_send_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self.ask(
                request,
                title=_("Send again"),
                submit=_("Send again"),
                original=message,
                about=[str(message), self.to(message), message.reason],
                back=self.change_url(pk),
            )
        try:
            outbox.retry(message_id=pk, actor=staff(request), now=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
        else:
            messages.success(request, _("Queued. We'll send it within seconds."))
        return HttpResponseRedirect(back(request, self.change_url(pk)))

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_message")

    @admin.action(description=gettext_lazy("Send selected failed messages again…"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> Any:
        actor, now = staff(request), timezone.now()

        def apply(message: Message) -> None:
            outbox.retry(message_id=message.pk, actor=actor, now=now)

        return self.after_preview(
            request,
            queryset.order_by("pk"),
            apply,
            title=_("Send messages again"),
            done=_("Messages queued to send again: %d."),
            describe=lambda row: f"{row}, {self.to(row)}, {_when(row)}",
        )

    @admin.display(description=gettext_lazy("recipient"))
    def whom(self, message: Message) -> str:
        """Return the recipient, linked to the client if their address may need a correction."""
        if message.recipient != Recipient.CLIENT:
            return self.to(message)
        url = reverse("admin:accounts_client_change", args=[message.about.client_id])
        return format_html('<a href="{}">{}</a>', url, self.to(message))

    @admin.display(description=gettext_lazy("about"))
    def about(self, message: Message) -> Any:
        held = message.reservation
        if held is None:
            return "–"
        name, row = ("appointment", message.appointment) if message.appointment else ("reservation", held)
        url = reverse(f"admin:booking_{name}_change", args=[row.pk])
        called = message.appointment or held.service or _("held time")
        return format_html('<a href="{}">{}</a><br><span class="quiet">{}</span>', url, called, _when(message))

    @admin.display(description=here(gettext_lazy("next attempt")), ordering="next_at")
    def next_try(self, message: Message) -> str:
        return local_time(message.next_at)

    @admin.display(description=here(gettext_lazy("useful until")))
    def useful(self, message: Message) -> str:
        return local_time(message.useful_until)

    @admin.display(description=here(gettext_lazy("planned")), ordering="created_at")
    def planned(self, message: Message) -> str:
        return local_time(message.created_at)


@admin.register(Reminder)
class ReminderAdmin(MessageAdmin):
    """The reminders among the messages, for whoever may see messages."""

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [each for each in super().get_list_filter(request) if each != "kind"]

    def get_urls(self) -> list[Any]:
        return super(MessageAdmin, self).get_urls()  # Without `again`, which is a message's.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("reminders.view_message")
