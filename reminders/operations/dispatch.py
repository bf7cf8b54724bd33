"""The outbox's ledger: who is sending what, and what came of it (R16). Sending itself is the dispatcher's."""

import random
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.enums import AppointmentStatus, ReservationStatus
from booking.models import Reservation
from reminders.channels.base import DeliveryError, Refused, shortened
from reminders.enums import Channel, Kind, MessageStatus, Outcome
from reminders.errors import NotRetryable, TooLate
from reminders.letters import recipient_of
from reminders.models import Message, OptOut
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

LONGEST_RETRY_AFTER = 3600
"""Seconds. Who asks to be left alone for longer is asked again all the same."""

OWED_AGAIN: dict[str, Any] = {"status": MessageStatus.PENDING, "failures": 0, "error": ""}
"""What a message is set to that is sent as if for the first time."""

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM reminders_message
    WHERE status = 'pending' AND channel = %(channel)s AND next_at <= %(now)s
    ORDER BY next_at LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE reminders_message message SET next_at = %(until)s, claim = claim + 1
FROM due WHERE message.id = due.id
RETURNING message.id
"""
"""Looked up once, in a CTE: a subquery may be run again for each row it is compared to, and then takes others."""


def due(*, now: datetime) -> dict[Channel, int]:
    """How many messages can be claimed on each channel."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel, count(*) FROM reminders_message "
            "WHERE status = 'pending' AND next_at <= %s GROUP BY channel",
            [now],
        )
        return {Channel(channel): count for channel, count in cursor.fetchall()}


def claim(*, channel: Channel, now: datetime, limit: int) -> list[Message]:
    """Lease up to `limit` due messages of a channel, the longest due first: nobody else gets them until the lease ends.

    Whoever dies meanwhile loses nothing: they are due again then.
    """
    until = now + timedelta(seconds=settings.SEND_LEASE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"until": until, "channel": channel, "now": now, "limit": limit})
        claimed = [pk for (pk,) in cursor.fetchall()]
    return look(claimed) if claimed else []


def look(messages: Iterable[int]) -> list[Message]:
    """The messages as they are now, with all that telling them takes: one query, and one more if some were moved."""
    found = list(Message.objects.detailed().filter(pk__in=messages).order_by("next_at", "pk"))
    appointments = [message.appointment for message in found if message.appointment]
    for message in found:
        if message.appointment and message.appointment.reservation_id == message.reservation_id:
            message.appointment.reservation = message.reservation
    times = Reservation.objects.select_related("provider", "client", "service")
    prefetch_related_objects(appointments, Prefetch("reservation", times))  # of those that have another by now
    return found


def silenced(messages: Collection[Message]) -> set[tuple[str, str]]:
    """Which of their clients' addresses want no more: pairs of channel and address."""
    clients = [message.reservation.client for message in messages]
    mailboxes = Q(channel=Channel.EMAIL, address__in={client.email for client in clients})
    numbers = Q(channel=Channel.SMS, address__in={str(client.phone) for client in clients})
    return set(OptOut.objects.standing().filter(mailboxes | numbers).values_list("channel", "address"))


def why_not(message: Message, now: datetime, optouts: set[tuple[str, str]]) -> tuple[MessageStatus, str] | None:
    """Why a claimed message is not to be sent after all: what becomes of it, and the reason. None if it is."""
    address = recipient_of(message).address
    if message.status != MessageStatus.PENDING:
        return MessageStatus(message.status), message.error
    if message.useful_until <= now:
        return MessageStatus.EXPIRED, _("It came too late to help.")
    if not address or not stands(message):
        return MessageStatus.CANCELLED, _("It is no longer so.") if address else _("There is no address to send it to.")
    if message.endpoint is not None and message.endpoint.disabled_at is not None:
        return MessageStatus.FAILED, _("The webhook is disabled.")  # It can be replayed once it is enabled.
    unwanted = message.kind == Kind.REMINDER or message.channel == Channel.SMS
    if unwanted and (str(message.channel), address) in optouts:
        return MessageStatus.CANCELLED, _("The client opted out.")
    return None


def stands(message: Message) -> bool:
    """Whether what a message tells is still so."""
    appointment = message.appointment
    if message.details.get("others"):
        return True  # It tells of many at once; what became of one of them is told by itself.
    if message.kind == Kind.HOLD:
        return message.reservation.status == ReservationStatus.HELD
    if message.kind not in STANDING or appointment is None:
        return True
    return appointment.reservation_id == message.reservation_id and appointment.status in STANDING[Kind(message.kind)]


STANDING: dict[Kind, tuple[AppointmentStatus, ...]] = {
    Kind.REMINDER: (AppointmentStatus.SCHEDULED,),
    Kind.BOOKED: (AppointmentStatus.SCHEDULED,),
    Kind.PENDING: (AppointmentStatus.PENDING,),
    Kind.APPROVED: (AppointmentStatus.SCHEDULED,),
    Kind.MOVED: (AppointmentStatus.SCHEDULED, AppointmentStatus.PENDING),
    Kind.DECLINED: (AppointmentStatus.DECLINED,),
    Kind.CANCELLED: (AppointmentStatus.CANCELLED,),
}
"""The states in which a message about an appointment still tells the truth."""


class Try(NamedTuple):
    """One try at sending a message: to whom, when and for how long; `error` None if it worked."""

    message: Message
    address: str
    at: datetime
    milliseconds: int
    reference: str = ""
    error: Exception | None = None


SETTLE = """
WITH tried AS (
    INSERT INTO reminders_deliveryattempt (message_id, at, milliseconds, address, outcome, reference, error)
    VALUES (%(message)s, %(at)s, %(milliseconds)s, %(address)s, %(outcome)s, %(reference)s, %(error)s)
)
UPDATE reminders_message SET status = %(status)s, next_at = %(next_at)s, failures = %(failures)s, error = %(error)s,
       sent_at = %(sent_at)s::timestamptz
WHERE id = %(message)s AND claim = %(claim)s AND status IN ('pending', %(takes)s)
"""


def settle(tried: Try, *, now: datetime) -> MessageStatus | None:
    """Write down how a try ended, and what comes of the message: sent, due again after the backoff, or failed.

    None if that is no longer ours to say: somebody else has claimed it since, or it failed when it was withdrawn.

    The backoff is SEND_BACKOFF_SECONDS, doubled each time, with up to a quarter of jitter; longer where the other side
    asks for it. A message that somebody withdrew while it was going out is `sent` if it went out.
    """
    message, error = tried.message, tried.error
    sent = error is None
    failures = message.failures + (not sent)
    final = isinstance(error, Refused) or failures >= settings.SEND_TRIES
    status = MessageStatus.SENT if sent else MessageStatus.FAILED if final else MessageStatus.PENDING
    outcome = Outcome.SENT if sent else Outcome.REFUSED if isinstance(error, Refused) else Outcome.FAILED
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE,
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
                "next_at": now if sent else now + _backoff(failures, error),
                "failures": failures,
                "sent_at": now if sent else None,
            },
        )
        return status if cursor.rowcount else None


def _backoff(failures: int, error: Exception | None) -> timedelta:
    seconds = settings.SEND_BACKOFF_SECONDS * 2 ** (failures - 1) * random.uniform(1, 1.25)  # noqa: S311
    asked = error.retry_after if isinstance(error, DeliveryError) and error.retry_after else 0
    return timedelta(seconds=max(seconds, min(asked, LONGEST_RETRY_AFTER)))


def close(message: Message, status: MessageStatus, reason: str) -> None:
    """End a claimed message that is not to be sent."""
    Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING).update(
        status=status, error=reason[:500]
    )


def hand_back(messages: Iterable[Message], *, now: datetime) -> None:
    """Give up the lease on messages there was no time for: they are due at once again."""
    for message in messages:
        Message.objects.filter(pk=message.pk, claim=message.claim, status=MessageStatus.PENDING).update(next_at=now)


@operation
def retry(*, message_id: int, actor: Actor, now: datetime) -> Message:
    """Send a failed message again, as if for the first time, with the same key. For the provider and staff.

    Raises NotRetryable, TooLate for one that would help nobody any more, NotAllowed; NotFound.
    """
    message = (
        Message.objects.select_for_update(of=("self",)).select_related("reservation").filter(pk=message_id).first()
    )
    if message is None:
        raise NotFound
    if not actor.runs(message.reservation.provider_id):
        raise NotAllowed
    if message.status != MessageStatus.FAILED:
        raise NotRetryable
    if message.useful_until <= now:
        raise TooLate
    owe_again(message, now=now)
    return message


class Replay(NamedTuple):
    """How many failed messages are owed again, and how many were not, for they would help nobody any more."""

    replayed: int
    too_late: int


@operation
def retry_all(*, messages: QuerySet[Message], actor: Actor, now: datetime, preview: bool = False) -> Replay:
    """Send the failed ones of some messages again, as `retry` does, in one statement. For staff: else NotAllowed."""
    if not actor.is_staff:
        raise NotAllowed
    failed = messages.order_by().filter(status=MessageStatus.FAILED)
    too_late = failed.filter(useful_until__lte=now).count()
    replayed = failed.filter(useful_until__gt=now).update(**OWED_AGAIN, next_at=now)
    transaction.set_rollback(preview)
    return Replay(replayed, too_late)


def owe_again(message: Message, *, now: datetime) -> None:
    """Let a locked message be due, as if for the first time, for as long as its `useful_until` says."""
    for field, value in OWED_AGAIN.items():
        setattr(message, field, value)
    message.next_at = now
    message.save(update_fields=[*OWED_AGAIN, "next_at", "useful_until"])
