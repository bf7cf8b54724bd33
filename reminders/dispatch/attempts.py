"""The outcome of each attempt to send a message, and the time of the next one (R16)."""

import logging
import random
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from reminders.channels.base import DeliveryError, RefusedForGood, Unreachable, shortened
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus
from reminders.models import Message

logger = logging.getLogger(__name__)


LONGEST_RETRY_AFTER = 3600
"""Maximum in seconds of a Retry-After that is respected; after it the message is retried anyway."""


class AttemptResult(NamedTuple):
    """One attempt to send a message: address, time and duration; `error` is None if it succeeded."""

    message: Message
    address: str
    at: datetime
    milliseconds: int
    reference: str = ""
    error: Exception | None = None


# Two statements in one, for each message: `make bench` (dispatch).
RECORD_ATTEMPT = """
WITH tried AS (
    INSERT INTO reminders_deliveryattempt (message_id, at, milliseconds, address, outcome, reference, error)
    VALUES (%(message)s, %(at)s, %(milliseconds)s, %(address)s, %(outcome)s, %(reference)s, %(error)s)
)
UPDATE reminders_message SET status = %(status)s, next_at = %(next_at)s, failures = %(failures)s, error = %(error)s,
       sent_at = %(sent_at)s::timestamptz
WHERE id = %(message)s AND claim = %(claim)s AND status IN ('pending', %(takes)s)
"""


def record_attempt(tried: AttemptResult, *, now: datetime) -> MessageStatus | None:
    """Record the outcome of an attempt and update the message: sent, due again after a backoff, or failed.

    Returns None without a change of the message if another worker has leased it since, or if it failed after it was
    withdrawn.

    A message has failed if it was rejected for good, if the next attempt would come too late, or after SEND_TRIES
    errors of our own. Attempts without an answer do not count. The backoff is SEND_BACKOFF_SECONDS, doubled each time
    up to SEND_BACKOFF_MAX_SECONDS, with up to a quarter of jitter; longer if the other side asks for it. A message
    withdrawn while it was being sent becomes `sent` if it was sent.
    """
    message, error = tried.message, tried.error
    sent = error is None
    answered = not sent and not isinstance(error, Unreachable)
    failures = message.failures + answered
    next_at = now if sent else now + _backoff(max(failures, 1), error)
    status = MessageStatus.SENT if sent else MessageStatus.PENDING
    if answered and _is_final(error, failures, useful=next_at < message.useful_until):
        status = MessageStatus.FAILED
    if message.kind == MessageKind.ACCOUNT and status != MessageStatus.PENDING:
        return status if _end(message, status, shortened(error)) else None
    outcome = (
        AttemptOutcome.SENT
        if sent
        else AttemptOutcome.REFUSED
        if isinstance(error, RefusedForGood)
        else AttemptOutcome.FAILED
    )
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_ATTEMPT,
            {
                "message": message.pk,
                "claim": message.claim,
                "at": tried.at,
                "milliseconds": tried.milliseconds,
                "address": tried.address[:500],
                "outcome": outcome.value,  # psycopg is quicker with plain strings.
                "reference": shortened(tried.reference)[:200] if tried.reference else "",
                "error": "" if sent else shortened(error),
                "status": status.value,
                "takes": (MessageStatus.CANCELLED if sent else MessageStatus.PENDING).value,
                "next_at": next_at,
                "failures": failures,
                "sent_at": now if sent else None,
            },
        )
        return status if cursor.rowcount else None


def _is_final(error: Exception | None, failures: int, *, useful: bool) -> bool:
    """Return whether a further attempt is pointless; `useful`: it would come in time."""
    if isinstance(error, DeliveryError):
        return isinstance(error, RefusedForGood) or not useful
    return failures >= settings.SEND_TRIES


def _backoff(failures: int, error: Exception | None) -> timedelta:
    doubled = settings.SEND_BACKOFF_SECONDS * 2 ** min(failures - 1, 30)
    seconds = min(doubled, settings.SEND_BACKOFF_MAX_SECONDS) * random.uniform(1, 1.25)  # noqa: S311
    delay = error.retry_after if isinstance(error, DeliveryError) and error.retry_after else 0
    return timedelta(seconds=max(seconds, min(delay, LONGEST_RETRY_AFTER)))


def close(message: Message, status: MessageStatus, reason: str) -> None:
    """Close a leased message that must not be sent."""
    if message.kind == MessageKind.ACCOUNT:
        _end(message, status, reason)
        return
    Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING).update(
        status=status, error=reason[:500]
    )


def _end(message: Message, status: MessageStatus, reason: str) -> bool:
    """Delete a leased mail about an account: it is sent, or cannot be, and its owner may ask for it again.

    Returns whether this worker still had it.
    """
    mine = Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING)
    ended = bool(mine.delete()[0])
    if ended and status in (MessageStatus.FAILED, MessageStatus.EXPIRED):
        logger.error("The mail %s is given up: %s", message.key, reason)
    return ended
