"""Kinds, recipients and states of messages."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from booking.appointments.transitions import AppointmentStatus, Event


class MessageKind(models.TextChoices):
    """Kinds of messages. All but reminders are due as soon as their event has happened.

    `account`: a mail about a login, or to ADMINS. It is about no reservation, goes ahead of all others, and its row is
    deleted once it is sent.
    """

    REMINDER = "reminder", _("reminder")
    HOLD = "hold", _("request to confirm")
    HOLD_EXPIRED = "hold_expired", _("hold expired")
    BOOKED = "booked", _("booked")
    PENDING = "pending", _("waiting for approval")
    APPROVED = "approved", _("approved")
    DECLINED = "declined", _("declined")
    MOVED = "moved", _("rescheduled")
    CANCELLED = "cancelled", _("cancelled")
    EVENT = "event", _("webhook event")
    ACCOUNT = "account", _("account message")


NOTICES: dict[Event, MessageKind] = {
    Event.APPROVED: MessageKind.APPROVED,
    Event.DECLINED: MessageKind.DECLINED,
    Event.RESCHEDULED: MessageKind.MOVED,
    Event.CANCELLED: MessageKind.CANCELLED,
}
"""Events that notify both sides, beside those of `notice_of`. Other events notify only webhooks."""


def notice_of(event: str, status: str) -> MessageKind | None:
    """Return the kind of notice for an event of an appointment and the status after it; None if there is none.

    For another client an appointment is as if it were just booked.
    """
    if event in (Event.BOOKED, Event.REASSIGNED):
        return MessageKind.PENDING if status == AppointmentStatus.PENDING else MessageKind.BOOKED
    return NOTICES.get(Event(event))


class Recipient(models.TextChoices):
    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")
    MAILBOX = "mailbox", _("mailbox")


OF_BOOKINGS = [(recipient.value, recipient.label) for recipient in (Recipient.CLIENT, Recipient.PROVIDER)]
"""The recipients of messages about bookings, as choices. A mailbox gets mails about an account."""


class MessageStatus(models.TextChoices):
    """The status of a message.

    A message is `pending` until it is sent. All other states are final, but `failed` can be retried and `cancelled`
    planned again.
    """

    PENDING = "pending", pgettext_lazy("message", "pending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", pgettext_lazy("message", "expired")
    CANCELLED = "cancelled", pgettext_lazy("message", "cancelled")


PUBLIC_STATUS = {status: str(status) for status in MessageStatus} | {MessageStatus.PENDING: "scheduled"}
"""The API's word for each status."""


PUBLIC_STATUSES = [(PUBLIC_STATUS[status], status.label) for status in MessageStatus]
"""The statuses as choices, by their names in the API."""


class AttemptOutcome(models.TextChoices):
    """Outcomes of one attempt to send."""

    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed, will retry")
    REFUSED = "refused", _("rejected permanently")


class OptOutSource(models.TextChoices):
    """Sources of opt-outs."""

    LINK = "link", _("link in a message")
    ONE_CLICK = "one_click", _("email program's unsubscribe button")
    SMS = "sms", _("STOP by SMS")
    PAGE = "page", _("page")
    API = "api", _("API")
    STAFF = "staff", _("staff")
