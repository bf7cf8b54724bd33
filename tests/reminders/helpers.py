"""Ways to look at the outbox."""

from typing import NamedTuple

from django.db.models import QuerySet

from booking.models import Appointment
from reminders.dispatch.dispatcher import URGENT, DispatchRound, dispatch
from reminders.enums import MessageKind
from reminders.models import Message
from tests.factories import at


def reminders(appointment: Appointment, *, status="pending"):
    """`(channel, offset, due)` of an appointment's reminders in one status, in order."""
    rows = Message.objects.filter(appointment=appointment, kind=MessageKind.REMINDER, status=status).order_by(
        "due_at", "channel"
    )
    return [(row.channel, row.offset, f"{row.due_at:%d %H:%M}") for row in rows]


def notices(appointment: Appointment, *, status="pending"):
    """`(kind, recipient, channel)` of an appointment's notices in one status."""
    rows = Message.objects.filter(appointment=appointment, status=status).exclude(
        kind__in=[MessageKind.REMINDER, MessageKind.EVENT]
    )
    return sorted((row.kind, row.recipient, row.channel) for row in rows)


def send(now) -> int:
    """One round of the dispatcher in the test's own transaction."""
    instant = at(now) if isinstance(now, str) else now
    return dispatch(clock=lambda: instant, parallel=False)


class AccountMail(NamedTuple):
    to: str
    subject: str
    text: str
    language: str


def account_messages() -> QuerySet[Message]:
    """The mails about accounts in the outbox."""
    return Message.objects.filter(kind=MessageKind.ACCOUNT)


def owed_mails() -> list[AccountMail]:
    """The contents of those mails, the first one first."""
    return [AccountMail(**message.mail) for message in account_messages().order_by("pk")]


def owed_mail() -> AccountMail:
    """The content of the only one."""
    [mail] = owed_mails()
    return mail


def send_account_mails(clock) -> int:
    """Send them, and nothing else."""
    round_ = DispatchRound(clock, 0, 1)
    round_.work(0, URGENT, leading=False)
    return round_.sent
