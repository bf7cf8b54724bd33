"""Leases and outcomes of the outbox's messages (R16). The dispatcher does the sending."""

import logging
import random
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Prefetch, Q, QuerySet, Value, prefetch_related_objects
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.mails.emails import mail_text_of
from booking.appointments.transitions import CALLED_OFF, ENDS, REMINDED, UPCOMING, AppointmentStatus
from booking.models import Reservation
from booking.reservations.enums import ReservationStatus
from reminders.channels.base import DeliveryError, PersonalChannel, RefusedForGood, Unreachable, shortened
from reminders.channels.registry import CHANNELS, personal_channels
from reminders.enums import NOTICES, AttemptOutcome, MessageKind, MessageStatus
from reminders.models import Message, OptOut
from reminders.outbox.errors import NotRetryable, TooLate
from reminders.reach import refusal
from reminders.skip_reasons import NO_ADDRESS, OPTED_OUT, PLANNING
from reminders.templates.composer import recipient_of
from scheduler_project.common import outages
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

logger = logging.getLogger(__name__)


LONGEST_RETRY_AFTER = 3600
"""Maximum in seconds of a Retry-After that is respected; after it the message is retried anyway."""


UNSENT: dict[str, Any] = {"status": MessageStatus.PENDING, "failures": 0, "error": ""}
"""Values that reset a message as if it had never been sent."""


# A part of CLAIM and DUE: `make bench` (dispatch).
OPEN = """
      AND NOT EXISTS (SELECT FROM common_outage WHERE key = %(channel)s)
      AND (endpoint_id IS NULL OR NOT EXISTS (SELECT FROM common_outage WHERE key = 'webhook:' || endpoint_id))
"""
"""Condition that skips closed routes. The channel's outage is checked once per statement, however many messages
wait."""


# A part of PROBE: `make bench` (dispatch).
PROBED = """
      AND coalesce(endpoint_id, 0) = %(endpoint)s
"""


IS_URGENT, IS_NOT_URGENT = "kind = 'account'", "kind <> 'account'"
"""Conditions of the two queues of a channel. Urgent messages are few, so they are found by their kind."""


# The ORM has no UPDATE that returns rows: `make bench` (dispatch).
CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM reminders_message
    WHERE status = 'pending' AND channel = %(channel)s AND next_at <= %(now)s AND {IS_NOT_URGENT}{OPEN}
    ORDER BY next_at LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE reminders_message message SET next_at = %(until)s, claim = claim + 1
FROM due WHERE message.id = due.id
RETURNING message.id
"""
"""The rows are chosen once, in a CTE: PostgreSQL may run a subquery again for each row, and then take other rows."""


CLAIM_URGENT = CLAIM.replace(IS_NOT_URGENT, IS_URGENT)


PROBE = CLAIM.replace(f" AND {IS_NOT_URGENT}{OPEN}", PROBED)


# One statement for all channels: `make bench` (dispatch).
DUE = f"""
SELECT way.channel,
       (SELECT count(*) FROM (
            SELECT FROM reminders_message
            WHERE status = 'pending' AND channel = way.channel AND next_at <= %(now)s
            {OPEN.replace("%(channel)s", "way.channel")} LIMIT %(most)s) few),
       EXISTS (SELECT FROM common_outage WHERE next_probe_at <= %(now)s AND split_part(key, ':', 1) = way.channel)
       AND EXISTS (SELECT FROM reminders_message
                   WHERE status = 'pending' AND channel = way.channel AND next_at <= %(now)s)
FROM unnest(%(channels)s::varchar[]) way(channel)
"""


def due(*, now: datetime, most: int = 1000) -> dict[str, int]:
    """Return the number of messages that can be claimed on each channel that has any, counted up to `most`.

    A probe of a closed route counts as one message.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now, "most": most, "channels": list(CHANNELS)})
        found = {channel: max(count, int(probe)) for channel, count, probe in cursor.fetchall()}
    return {channel: count for channel, count in found.items() if count}


def claim(*, channel: str, now: datetime, limit: int, urgent: bool = False) -> list[Message]:
    """Lease up to `limit` due messages of a channel, the longest due first: no other worker gets them until the lease
    ends. Those about accounts are in a queue of their own, the `urgent` one.

    If a worker dies, its messages are due again after the lease. Messages on a closed route keep waiting.
    """
    statement = CLAIM_URGENT if urgent else CLAIM
    return _claimed(statement, {"channel": channel, "now": now, "limit": limit})


def claim_probe(*, channel: str, now: datetime, limit: int) -> tuple[str | None, list[Message]]:
    """Take a closed route of a channel that may be probed, with up to `limit` of its messages.

    The first answer decides about the others. Without an answer, another worker may probe later.
    """
    probe = outages.take_probe(channel=channel, now=now)
    if probe is None:
        return None, []
    expire_waiting(probe.key, error=probe.error, now=now)
    endpoint = int(probe.key.partition(":")[2] or 0)
    found = _claimed(PROBE, {"channel": channel, "now": now, "limit": limit, "endpoint": endpoint})
    if not found:
        outages.return_probe(probe.key, now=now)
    return probe.key, found


def _claimed(statement: str, parameters: dict[str, Any]) -> list[Message]:
    until = parameters["now"] + timedelta(seconds=settings.SEND_LEASE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "until": until})
        claimed = [pk for (pk,) in cursor.fetchall()]
    return reload(claimed) if claimed else []


def reload(messages: Iterable[int]) -> list[Message]:
    """Return the current messages with all data needed to send them: one query, and one more if some were
    rescheduled."""
    found = list(Message.objects.detailed().filter(pk__in=messages).order_by("next_at", "pk"))
    appointments = [message.appointment for message in found if message.appointment]
    for message in found:
        if message.appointment and message.appointment.reservation_id == message.reservation_id:
            message.appointment.reservation = message.about
    times = Reservation.objects.select_related("provider", "client", "service")
    prefetch_related_objects(appointments, Prefetch("reservation", times))  # of those that have another by now
    return found


def silenced(messages: Collection[Message]) -> set[tuple[str, str]]:
    """Return the addresses of the messages' clients that opted out, as pairs of channel and address."""
    clients = [message.reservation.client for message in messages if message.reservation]
    theirs = Q()
    for name, channel in personal_channels().items():
        theirs |= Q(channel=name, address__in={channel.address_of(client) for client in clients})
    return set(OptOut.objects.standing().filter(theirs).values_list("channel", "address"))


def skip_reason(message: Message, now: datetime, optouts: set[tuple[str, str]]) -> tuple[MessageStatus, str] | None:
    """Return the new status and the reason if a claimed message must not be sent, else None."""
    address = recipient_of(message).address
    if message.status != MessageStatus.PENDING:
        return MessageStatus(message.status), message.error
    if message.useful_until <= now:
        return MessageStatus.EXPIRED, f"{_('It came too late to help.')} {message.error}".strip()
    if not address or not is_still_true(message):
        return MessageStatus.CANCELLED, _("It is no longer so.") if address else str(PLANNING[NO_ADDRESS])
    if message.endpoint is not None and message.endpoint.disabled_at is not None:
        return MessageStatus.FAILED, _("The webhook is disabled.")  # It can be replayed once it is enabled.
    reason = refusal(message)
    channel = CHANNELS[message.channel]
    stops_all = isinstance(channel, PersonalChannel) and channel.opt_out_stops_notices
    unwanted = message.kind == MessageKind.REMINDER or stops_all
    if unwanted and (str(message.channel), address) in optouts:
        reason = reason or OPTED_OUT
    return (MessageStatus.CANCELLED, reason) if reason else None


def is_still_true(message: Message) -> bool:
    """Return whether the content of a message is still true."""
    if message.mail is not None:
        return mail_text_of(message.mail) is not None
    appointment = message.appointment
    if message.details.get("others"):
        return True  # A notice about many: a change of one of them sends its own notice.
    if message.kind == MessageKind.HOLD:
        return message.about.status == ReservationStatus.HELD
    if message.kind not in STANDING or appointment is None:
        return True
    return (
        appointment.reservation_id == message.reservation_id
        and appointment.status in STANDING[MessageKind(message.kind)]
    )


SETTLED = tuple(status for status in UPCOMING if status != AppointmentStatus.PENDING)
"""Upcoming, and no approval is missing."""

STANDING: dict[MessageKind, tuple[AppointmentStatus, ...]] = {
    MessageKind.REMINDER: REMINDED,
    MessageKind.BOOKED: SETTLED,
    MessageKind.PENDING: (AppointmentStatus.PENDING,),
    **{kind: (ENDS[event],) if event in CALLED_OFF else SETTLED for event, kind in NOTICES.items() if event in ENDS},
    MessageKind.MOVED: UPCOMING,
}
"""Statuses of an appointment in which a message about it is still true."""


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

    Returns None without a change of the message if another worker has claimed it since, or if it failed after it was
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
    """Close a claimed message that must not be sent."""
    if message.kind == MessageKind.ACCOUNT:
        _end(message, status, reason)
        return
    Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING).update(
        status=status, error=reason[:500]
    )


def _end(message: Message, status: MessageStatus, reason: str) -> bool:
    """Delete a claimed mail about an account: it is sent, or cannot be, and its owner may ask for it again.

    Returns whether this worker still had it.
    """
    mine = Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING)
    ended = bool(mine.delete()[0])
    if ended and status in (MessageStatus.FAILED, MessageStatus.EXPIRED):
        logger.error("The mail %s is given up: %s", message.key, reason)
    return ended


def release_leases(messages: Collection[Message], *, now: datetime) -> None:
    """Release the lease on messages that were not tried: they are due again at once, at their old place in the
    queue."""
    if messages:
        leased = reduce(or_, (Q(pk=message.pk, claim=message.claim) for message in messages))
        pending = Message.objects.filter(leased, status=MessageStatus.PENDING)
        pending.update(next_at=Least("due_at", Value(now)))


def waiting(*, channel: str, now: datetime) -> int:
    """Return the number of overdue messages of a channel."""
    return Message.objects.filter(status=MessageStatus.PENDING, channel=channel, next_at__lte=now).count()


def expire_waiting(key: str, *, error: str, now: datetime) -> int:
    """Expire the messages on a closed route that are no longer useful. Returns how many.

    Mails about an account are left to the worker that claims them, which deletes them.
    """
    channel, _colon, endpoint = key.partition(":")
    said = f"{_('It came too late to help.')} {error}"[:500]
    pending = Message.objects.filter(
        status=MessageStatus.PENDING, channel=channel, endpoint=int(endpoint) if endpoint else None
    )
    late = pending.filter(next_at__lte=now, useful_until__lte=now).exclude(kind=MessageKind.ACCOUNT)
    return late.update(status=MessageStatus.EXPIRED, error=said)


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
