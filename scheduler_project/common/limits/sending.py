"""Limits on sending: per sender, per address and for the whole site, per hour and day, on each channel.

Every message is counted just before it is sent, whatever its kind, so there is no way around. Messages beyond a limit
wait for the next hour or day. A share of each limit (SEND_RESERVE_PERCENT) is reserved for messages that people asked
for themselves: links to confirm, to verify, to set a password. Another share is kept from notices, which anybody can
cause at will: a person who keeps booking and cancelling must leave some for the reminders of others.

One row counts both windows of one sender, address or site. Windows are whole hours and days of UTC. Like all limits
these are off if THROTTLE is off.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from scheduler_project.common import sending_capacity
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.models import SendCount

HOUR, DAY = 3600, 86400


# The ORM has no ON CONFLICT that adds up, and no RETURNING for one.
COUNT = """
INSERT INTO common_sendcount AS counted (channel, scope, subject, hour, hour_count, day, day_count)
SELECT %(channel)s, scope, subject, %(hour)s, number, %(day)s, number
FROM unnest(%(scopes)s::varchar[], %(subjects)s::varchar[], %(numbers)s::int[]) AS asked(scope, subject, number)
ORDER BY scope, subject
ON CONFLICT (channel, scope, subject) DO UPDATE SET
    hour_count = excluded.hour_count + CASE WHEN counted.hour = excluded.hour THEN counted.hour_count ELSE 0 END,
    day_count = excluded.day_count + CASE WHEN counted.day = excluded.day THEN counted.day_count ELSE 0 END,
    hour = excluded.hour, day = excluded.day
RETURNING scope, subject, hour_count, day_count
"""
"""Rows are updated in a fixed order, so that parallel counts wait for each other instead of deadlocking."""


# The ORM has no UPDATE from rows made of arrays.
UNCOUNT = """
UPDATE common_sendcount AS counted
SET hour_count = CASE WHEN hour = %(hour)s THEN greatest(hour_count - number, 0) ELSE hour_count END,
    day_count = CASE WHEN day = %(day)s THEN greatest(day_count - number, 0) ELSE day_count END
FROM unnest(%(scopes)s::varchar[], %(subjects)s::varchar[], %(numbers)s::int[]) AS asked(scope, subject, number)
WHERE counted.channel = %(channel)s AND counted.scope = asked.scope AND counted.subject = asked.subject
"""


Key = tuple[str, str]
"""Scope and subject, for example `("sender", "12")`."""


class Sending(NamedTuple):
    """A message about to be sent on a channel.

    `sender`: for example `provider:12`; empty for messages about a login. `recipient`: an email address, a number in
    E.164, a host; empty for messages of a known sender to themself. `trusted`: the larger limits apply, because the
    sender is known. `asked_for`: the recipient requested it. `notice`: it reports a recent event.
    """

    channel: str
    sender: str
    recipient: str
    trusted: bool
    asked_for: bool = False
    notice: bool = False

    @property
    def leaves(self) -> int:
        """The number of reserves it must leave: none for requested messages, two for notices."""
        return 0 if self.asked_for else 1 + self.notice

    def counters(self) -> list[Key]:
        keys = [("site", "")]
        if self.sender:
            keys.append(("sender", self.sender))
        if self.recipient:
            keys.append(("recipient", hidden(self.recipient)))
        return keys


class Wait(NamedTuple):
    """The reason why a message waits, and until when."""

    until: datetime
    reason: str
    key: Key


GMAIL = ("gmail.com", "googlemail.com")


def mailbox(address: str) -> str:
    """Return the canonical form of an address: in lower case, without a plus suffix, and for Gmail without dots.

    `scheduler_mailbox` in the database does the same.
    """
    local, _at, domain = address.strip().lower().rpartition("@")
    if not local:
        return address.strip().lower()
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if domain in GMAIL else f"{local}@{domain}"


def hidden(recipient: str) -> str:
    """Return the hash under which an address is counted, so that the counts do not reveal recipients."""
    return hashlib.sha256(f"{settings.SECRET_KEY}:{mailbox(recipient)}".encode()).hexdigest()[:40]


def take(sendings: Sequence[Sending], *, now: datetime) -> list[Wait | None]:
    """Count messages about to be sent, all on one channel. Return for each None, or its Wait.

    One statement, and one more if a message must wait. Waiting messages are not counted.
    """
    if not sendings or not settings.THROTTLE:
        return [None] * len(sendings)
    channel = sendings[0].channel
    requested = Counter(key for each in sendings for key in each.counters())
    counted = _count(channel, requested, now)
    waits: list[Wait | None] = [None] * len(sendings)
    taken = {key: [total - requested[key] for total in totals] for key, totals in counted.items()}
    for place in sorted(range(len(sendings)), key=lambda place: sendings[place].leaves):
        sending = sendings[place]
        waits[place] = _beyond(sending, taken, now)
        if waits[place] is None:
            for key in sending.counters():
                taken[key] = [count + 1 for count in taken[key]]
    give_back([each for each, wait in zip(sendings, waits, strict=True) if wait], now=now)
    for scope, subject in {wait.key for wait in waits if wait}:
        log_security_event(SecurityEvent.LIMIT_REACHED, scope=f"send_{channel}_{scope}", subject=subject)
    return waits


def give_back(sendings: Sequence[Sending], *, now: datetime) -> None:
    """Undo the count of messages that were not sent."""
    if sendings and settings.THROTTLE:
        requested = Counter(key for each in sendings for key in each.counters())
        with connection.cursor() as cursor:
            cursor.execute(UNCOUNT, _parameters(sendings[0].channel, requested, now))


def _count(channel: str, requested: Counter[Key], now: datetime) -> dict[Key, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, _parameters(channel, requested, now))
        return {(scope, subject): (hour, day) for scope, subject, hour, day in cursor.fetchall()}


def _parameters(channel: str, requested: Counter[Key], now: datetime) -> dict[str, Any]:
    seconds = int(now.timestamp())
    return {
        "channel": str(channel),
        "hour": seconds // HOUR,
        "day": seconds // DAY,
        "scopes": [scope for scope, _subject in requested],
        "subjects": [subject for _scope, subject in requested],
        "numbers": list(requested.values()),
    }


def _beyond(sending: Sending, taken: dict[Key, list[int]], now: datetime) -> Wait | None:
    """Return the exceeded limit; of several, the one that lasts longest; None if there is room."""
    for place, seconds in ((1, DAY), (0, HOUR)):
        for key in sending.counters():
            limit = limits_of(sending.channel, key[0], trusted=sending.trusted)[place]
            if taken[key][place] >= room(limit, leaves=sending.leaves):
                until = datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)
                return Wait(until, _reason(key[0], limit, seconds), key)
    return None


def room(limit: int, *, leaves: int) -> int:
    """Return the part of a limit available to a message that must leave that many reserves."""
    return max(limit - math.floor(limit * leaves * settings.SEND_RESERVE_PERCENT / 100), 0)


def limits_of(channel: str, scope: str, *, trusted: bool) -> tuple[int, int]:
    """Return the limits per hour and day. The limit per address is lower for untrusted senders."""
    limits = {**sending_capacity.channels[str(channel)].limits, **settings.SEND_LIMITS.get(str(channel), {})}
    return limits[scope] if trusted or scope != "recipient" else limits.get("new_recipient", limits[scope])


def _reason(scope: str, limit: int, seconds: int) -> str:
    hourly = {
        "site": _("This site can send up to %(limit)d messages an hour."),
        "sender": _("This sender can send up to %(limit)d messages an hour."),
        "recipient": _("This address can get up to %(limit)d messages an hour."),
    }
    daily = {
        "site": _("This site can send up to %(limit)d messages a day."),
        "sender": _("This sender can send up to %(limit)d messages a day."),
        "recipient": _("This address can get up to %(limit)d messages a day."),
    }
    return (daily if seconds == DAY else hourly)[scope] % {"limit": limit}


class Count(NamedTuple):
    """The numbers sent in this hour and today, with their limits."""

    channel: str
    sender: str
    hour: int
    hourly: int
    day: int
    daily: int


def counts(*, now: datetime, senders: int = 5) -> list[Count]:
    """Return the site's counts per channel, and the senders with the highest counts today."""
    seconds = int(now.timestamp())
    hour, day = seconds // HOUR, seconds // DAY
    today = SendCount.objects.filter(day=day)
    rows = [*today.filter(scope="site").order_by("channel")]
    rows += today.filter(scope="sender").order_by("-day_count")[:senders]
    return [
        Count(row.channel, row.subject, row.hour_count if row.hour == hour else 0, hourly, row.day_count, daily)
        for row in rows
        for hourly, daily in [limits_of(row.channel, row.scope, trusted=True)]
    ]


def forget(*, now: datetime) -> int:
    """Delete the counts of past days. Return how many rows."""
    return SendCount.objects.filter(day__lt=int((now - timedelta(days=1)).timestamp()) // DAY).delete()[0]
