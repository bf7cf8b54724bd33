"""A provider's message log: messages to their clients and themself, their outcomes, and retrying them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, F, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.availability import operations as availability
from booking.availability.forms import OffsetsForm
from booking.models import Schedule
from booking.views.access import actor_of, provider_page
from reminders.enums import MessageStatus, Recipient
from reminders.models import Message
from reminders.outbox import operations
from reminders.outbox.forms import MessagesForm
from reminders.outbox.models import MessageQuerySet
from reminders.templates.composer import recipient_of, text_if_sent_now
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse
from scheduler_project.common.time.offsets import offsets_in_words

PAGE = 25


NARROWED_BY = {"status": "status", "channel": "channel", "appointment": "reservation__appointment"}


@provider_page
def outbox(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List the provider's messages, the next first and then the latest, with the offsets of the reminders."""
    offsets = OffsetsForm(request.POST or None, row=schedule)
    if request.method == "POST" and offsets.is_valid():
        try:
            availability.set_policy(
                provider_id=schedule.provider_id,
                changes=offsets.cleaned_data,
                actor=actor_of(request),
                now=timezone.now(),
            )
        except DomainError as refusal:
            refuse(offsets, refusal)
        else:
            messages.success(request, _("Saved. Reminders for upcoming appointments have been updated."))
            return HttpResponseRedirect(request.path)
    form = MessagesForm(request.GET)
    meant = form.is_valid()
    wanted = {NARROWED_BY[name]: value for name, value in form.cleaned_data.items() if value}
    to_come = Case(When(due_at__gt=timezone.now(), then=F("due_at"))).asc(nulls_last=True)
    rows = messages_of(schedule).with_outages(now=timezone.now()).filter(**wanted).order_by(to_come, "-due_at", "-pk")
    page = Paginator(rows if meant else rows.none(), PAGE).get_page(request.GET.get("page"))
    context = {
        "schedule": schedule,
        "offsets": offsets,
        "usual": offsets_in_words(settings.REMINDER_OFFSETS),
        "form": form,
        "narrowed": bool(wanted) or not meant,
        "appointment": form.cleaned_data.get("appointment"),
        "page": page,
        "lines": [line(message) for message in page],
    }
    return render(request, "reminders/dashboard/messages.html", context)


@provider_page
def message(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Show one message with every attempt to send it; a failed one can be sent again."""
    row = messages_of(schedule).with_outages(now=timezone.now()).filter(pk=pk).first()
    if row is None:
        raise NotFound
    refusal = None
    if request.method == "POST":
        try:
            operations.retry(message_id=row.pk, actor=actor_of(request), now=timezone.now())
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("Queued to send again."))
            return HttpResponseRedirect(reverse("dashboard-message", args=[row.pk]))
    client = row.about.client
    context = {
        "schedule": schedule,
        **line(row),
        "attempts": row.attempts.all(),
        "refusal": refusal,
        "says": text_if_sent_now(row, now=timezone.now()),
        "corrects": row.recipient == Recipient.CLIENT and client.owner_id == schedule.provider_id,
    }
    status = refusal.kind.value if refusal else 200
    return render(request, "reminders/dashboard/message.html", context, status=status)


def messages_of(schedule: Schedule) -> MessageQuerySet:
    return Message.objects.detailed().filter(reservation__provider=schedule.provider)


def line(message: Message) -> dict[str, Any]:
    """Return a message for the list, with its recipient and whether it can be sent again."""
    return {
        "message": message,
        "to": recipient_of(message),
        "failed": message.status == MessageStatus.FAILED,
        "says_why": message.status not in (MessageStatus.SENT, MessageStatus.CANCELLED),
        "by_webhook": message.endpoint_id is not None,
    }
