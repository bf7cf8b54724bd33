"""Sending failed messages again."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts.actors import Actor
from reminders.enums import MessageStatus
from reminders.models import Message
from reminders.outbox.errors import NotRetryable, TooLate
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

UNSENT: dict[str, Any] = {"status": MessageStatus.PENDING, "failures": 0, "error": ""}
"""Values that reset a message as if it had never been sent."""


@operation
def retry(*, message_id: int, actor: Actor, now: datetime) -> Message:
    """Retry a failed message as if for the first time, with the same key. For the provider and staff.

    Raises NotRetryable, TooLate for a message that is no longer useful, NotAllowed, and NotFound.
    """
    message = (
        Message.objects.select_for_update(of=("self",)).select_related("reservation").filter(pk=message_id).first()
    )
    if message is None:
        raise NotFound
    if not actor.runs(message.reservation.provider_id if message.reservation else None, "reminders.change_message"):
        raise NotAllowed
    if message.status != MessageStatus.FAILED:
        raise NotRetryable
    if message.useful_until <= now:
        raise TooLate
    requeue(message, now=now)
    return message


class Replay(NamedTuple):
    """Numbers of failed messages that are retried, and of those that are no longer useful."""

    replayed: int
    too_late: int


@operation
def retry_all(*, messages: QuerySet[Message], actor: Actor, now: datetime) -> Replay:
    """Retry the failed ones among some messages, as `retry` does, with one statement. For staff: else NotAllowed."""
    if not actor.may("reminders.change_message"):
        raise NotAllowed
    failed = messages.order_by().filter(status=MessageStatus.FAILED)
    too_late = failed.filter(useful_until__lte=now).count()
    replayed = failed.filter(useful_until__gt=now).update(**UNSENT, next_at=now)
    return Replay(replayed, too_late)


def requeue(message: Message, *, now: datetime) -> None:
    """Make a locked message due again, as if for the first time, until its `useful_until`."""
    for field, value in UNSENT.items():
        setattr(message, field, value)
    message.next_at = now
    message.save(update_fields=[*UNSENT, "next_at", "useful_until"])
