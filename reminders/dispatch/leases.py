"""Leases on the messages of the outbox: a worker that has taken one is alone with it until the lease ends (R16)."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Prefetch, Q, Value, prefetch_related_objects
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from booking.models import Reservation
from reminders.channels.registry import CHANNELS
from reminders.enums import MessageKind, MessageStatus
from reminders.models import Message
from scheduler_project.common import outages

# A part of TAKE_LEASES and DUE: `make bench` (dispatch).
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
TAKE_LEASES = f"""
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


TAKE_URGENT_LEASES = TAKE_LEASES.replace(IS_NOT_URGENT, IS_URGENT)


PROBE = TAKE_LEASES.replace(f" AND {IS_NOT_URGENT}{OPEN}", PROBED)


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
    """Return the number of messages that can be leased on each channel that has any, counted up to `most`.

    A probe of a closed route counts as one message.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now, "most": most, "channels": list(CHANNELS)})
        found = {channel: max(count, int(probe)) for channel, count, probe in cursor.fetchall()}
    return {channel: count for channel, count in found.items() if count}


def take_leases(*, channel: str, now: datetime, limit: int, urgent: bool = False) -> list[Message]:
    """Lease up to `limit` due messages of a channel, the longest due first: no other worker gets them until the lease
    ends. Those about accounts are in a queue of their own, the `urgent` one.

    If a worker dies, its messages are due again after the lease. Messages on a closed route keep waiting.
    """
    statement = TAKE_URGENT_LEASES if urgent else TAKE_LEASES
    return _leased(statement, {"channel": channel, "now": now, "limit": limit})


def take_probe_leases(*, channel: str, now: datetime, limit: int) -> tuple[str | None, list[Message]]:
    """Take a closed route of a channel that may be probed, with up to `limit` of its messages.

    The first answer decides about the others. Without an answer, another worker may probe later.
    """
    probe = outages.take_probe(channel=channel, now=now)
    if probe is None:
        return None, []
    expire_waiting(probe.key, error=probe.error, now=now)
    endpoint = int(probe.key.partition(":")[2] or 0)
    found = _leased(PROBE, {"channel": channel, "now": now, "limit": limit, "endpoint": endpoint})
    if not found:
        outages.return_probe(probe.key, now=now)
    return probe.key, found


def _leased(statement: str, parameters: dict[str, Any]) -> list[Message]:
    until = parameters["now"] + timedelta(seconds=settings.SEND_LEASE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "until": until})
        leased = [pk for (pk,) in cursor.fetchall()]
    return reload(leased) if leased else []


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

    Mails about an account are left to the worker that leases them, which deletes them.
    """
    channel, _colon, endpoint = key.partition(":")
    reason = f"{_('It was too late to be useful.')} {error}"[:500]
    pending = Message.objects.filter(
        status=MessageStatus.PENDING, channel=channel, endpoint=int(endpoint) if endpoint else None
    )
    late = pending.filter(next_at__lte=now, useful_until__lte=now).exclude(kind=MessageKind.ACCOUNT)
    return late.update(status=MessageStatus.EXPIRED, error=reason)
