"""Kinds, recipients and states of messages."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from booking.appointments.transitions import AppointmentStatus, Event


class Channel(StrEnum):
    """Names of the channels that code turns to by itself. All channels are in `channels/registry.py`."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


class Kind(models.TextChoices):
    """Kinds of messages. All but reminders are notices, due as soon as their event has happened."""

    REMINDER = "reminder", _("reminder")
    HOLD = "hold", _("confirm your reservation")
    HOLD_EXPIRED = "hold_expired", _("reservation expired")
    BOOKED = "booked", _("booked")
    PENDING = "pending", _("awaiting approval")
    APPROVED = "approved", _("approved")
    DECLINED = "declined", _("declined")
    MOVED = "moved", _("moved")
    CANCELLED = "cancelled", _("cancelled")
    EVENT = "event", _("event for a webhook")


NOTICES: dict[Event, Kind] = {
    Event.APPROVED: Kind.APPROVED,
    Event.DECLINED: Kind.DECLINED,
    Event.RESCHEDULED: Kind.MOVED,
    Event.CANCELLED: Kind.CANCELLED,
}
"""Events that notify both sides. Of events that are not here nobody is notified, except webhooks."""


def notice_of(event: str, status: str) -> Kind | None:
    """Return the kind of notice about an event of an appointment, which has this status after it; None without one."""
    if event == Event.BOOKED:
        return Kind.PENDING if status == AppointmentStatus.PENDING else Kind.BOOKED
    return NOTICES.get(Event(event))


class Recipient(models.TextChoices):
    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")


class MessageStatus(models.TextChoices):
    """`pending` until sent. All other states are final, but `failed` can be retried and `cancelled` planned again."""

    PENDING = "pending", _("pending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", pgettext_lazy("message", "expired")
    CANCELLED = "cancelled", pgettext_lazy("message", "cancelled")


PUBLIC_STATUS = {status: str(status) for status in MessageStatus} | {MessageStatus.PENDING: "scheduled"}
"""The API's word for each status."""


PUBLIC_STATUSES = [(PUBLIC_STATUS[status], status.label) for status in MessageStatus]
"""The statuses as the API names them, as choices."""


class Outcome(models.TextChoices):
    """Outcomes of one attempt to send."""

    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed, to be tried again")
    REFUSED = "refused", _("refused for good")


class OptOutSource(models.TextChoices):
    """Sources of opt-outs."""

    LINK = "link", _("link in a message")
    ONE_CLICK = "one_click", _("mail program's unsubscribe button")
    SMS = "sms", _("STOP by SMS")
    PAGE = "page", _("page")
    API = "api", _("API")
    STAFF = "staff", _("staff")
