"""Messages that are due, and workers that lease them."""

from datetime import timedelta

from reminders.dispatch.leases import take_leases
from reminders.enums import MessageKind, MessageStatus
from reminders.models import Message
from tests.factories import NOON, MessageFactory

INSTANT = timedelta(microseconds=1)
LEASE = timedelta(seconds=60)


def owed(**fields) -> Message:
    """A message that is due at NOON."""
    return MessageFactory(status=MessageStatus.PENDING, **fields)


def a_reminder(**fields) -> Message:
    return owed(kind=MessageKind.REMINDER, offset="1 day", **fields)


def leased(now=NOON, channel="email", limit=20) -> list[Message]:
    return take_leases(channel=channel, now=now, limit=limit)


def the_one() -> Message:
    [message] = leased()
    return message


def state(message) -> tuple:
    message.refresh_from_db()
    return message.status, message.failures, message.error, message.next_at
