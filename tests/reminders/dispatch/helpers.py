"""Messages that are due, and workers that claim them."""

from datetime import timedelta

from reminders.dispatch.leases import claim
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


def claimed(now=NOON, channel="email", limit=20) -> list[Message]:
    return claim(channel=channel, now=now, limit=limit)


def the_one() -> Message:
    [message] = claimed()
    return message


def state(message) -> tuple:
    message.refresh_from_db()
    return message.status, message.failures, message.error, message.next_at
