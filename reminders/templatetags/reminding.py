"""Template tags about reminders."""

from django import template
from django.conf import settings
from django.utils import timezone

from booking.models import Appointment
from reminders.channels.email.channel import EmailChannel
from reminders.enums import MessageStatus
from reminders.plan.queries import NotPlanned, not_planned
from reminders.preferences.links import opt_out_link
from scheduler_project.common.time.offsets import offsets_in_words

register = template.Library()

BADGES = {MessageStatus.SENT: "good", MessageStatus.PENDING: "pending", MessageStatus.FAILED: "failed"}
"""The classes of badges of a message's status; the other statuses are plain."""


@register.simple_tag(takes_context=True)
def not_planned_reminders(context: template.Context, appointment: Appointment) -> dict[str, list[NotPlanned]]:
    """Return why reminders of the appointment were not planned, for the logged-in reader: all, and the notable ones."""
    rows = not_planned(appointment, reader=context["request"].user, now=timezone.now())
    return {"all": rows, "notable": [row for row in rows if row.is_notable]}


register.filter("offsets_in_words", offsets_in_words)


@register.simple_tag
def opt_out_path(address: str) -> str:
    """Return the path to end reminders to an email address. Only for pages reached by a mail to that address."""
    return opt_out_link(EmailChannel.name, address).removeprefix(settings.SITE_URL)


@register.filter
def message_badge(status: str) -> str:
    """Return the class of the badge of a message's status."""
    return BADGES.get(MessageStatus(status), "")


@register.filter
def since(words: str, day: str) -> str:
    """Return an opt-out in words, with the day it began."""
    return str(words) % {"since": day}
