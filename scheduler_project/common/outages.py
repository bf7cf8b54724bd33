"""Servers that cannot be reached: while one is down, only one probe at a time is sent to it.

All messages on the same route share one row, by whatever sender: `email` (the mail server), `sms` (the gateway),
`webhook:12` (one webhook). The row exists only during the outage, so that sending costs nothing extra otherwise. A
worker that takes the probe has a lease on it; if it dies, another takes over.
"""

import logging
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Least, Power

from scheduler_project.common.models import Outage

logger = logging.getLogger(__name__)

# The ORM has no UPDATE that returns rows; every idle round of a dispatcher asks: `make bench` (dispatch).
TAKE_PROBE = """
UPDATE common_outage SET next_probe_at = %(until)s
WHERE next_probe_at <= %(now)s AND key = (
    SELECT key FROM common_outage
    WHERE next_probe_at <= %(now)s AND (key = %(channel)s OR key LIKE %(ways)s)
    ORDER BY next_probe_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING key, error
"""


def key_of(channel: str, endpoint_id: int | None = None) -> str:
    """Return the key of a route."""
    return f"{channel}:{endpoint_id}" if endpoint_id else str(channel)


class Probe(NamedTuple):
    """A route that may be probed, and its last error."""

    key: str
    error: str


def take_probe(*, channel: str, now: datetime) -> Probe | None:
    """Take a route of this channel that is down and may be probed now; None if there is none."""
    until = now + timedelta(seconds=settings.SEND_LEASE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_PROBE, {"now": now, "until": until, "channel": str(channel), "ways": f"{channel}:%"})
        row = cursor.fetchone()
    return Probe(*row) if row else None


def return_probe(key: str, *, now: datetime) -> None:
    """Return a probe unused, because its message must not be sent any more."""
    Outage.objects.filter(key=key).update(next_probe_at=now)


def open_outage(key: str, *, error: str, now: datetime, probe: bool = False) -> None:
    """Record that a route does not answer: only probes are sent until one is answered.

    The first probe is due after SEND_PROBE_SECONDS. The interval doubles after each failed `probe`, up to
    SEND_PROBE_MAX_SECONDS. Further failures of other messages change nothing.
    """
    seconds = settings.SEND_PROBE_SECONDS * _jitter()
    error = _printable(error)
    if probe and _probe_failed(key, seconds, error, now):
        return
    known = {"since": now, "tried_at": now, "next_probe_at": now + timedelta(seconds=seconds), "error": error}
    try:
        _outage, is_new = Outage.objects.get_or_create(key=key, defaults=known)
    except IntegrityError:  # Another recorded it at the same time, and it has ended since.
        is_new = False
    if is_new:
        logger.log(_level(key), "What goes by %s waits, for nobody answers there: %s", key, error)


def _probe_failed(key: str, seconds: float, error: str, now: datetime) -> bool:
    """Put the next probe off, and return True; False if there is no such outage any more."""
    doubled = Value(seconds) * Power(2.0, Least(F("probes") + 1, 30))
    pause = Least(doubled, Value(float(settings.SEND_PROBE_MAX_SECONDS)))
    wait = ExpressionWrapper(pause * timedelta(seconds=1), DurationField())
    outage = Outage.objects.filter(key=key)
    return bool(outage.update(tried_at=now, probes=F("probes") + 1, error=error, next_probe_at=now + wait))


def close_outage(keys: Collection[str]) -> None:
    """Delete the outage: the route answers again, or nothing is sent on it any more."""
    if Outage.objects.filter(key__in=keys).delete()[0]:
        logger.info("What goes by %s no longer waits.", ", ".join(keys))


def _level(key: str) -> int:
    """Return the log level; low for webhooks, because only their provider can fix them."""
    return logging.INFO if key.startswith("webhook:") else logging.ERROR


def _printable(error: str) -> str:
    return "".join(c if c.isprintable() else " " for c in error)[:500]


def _jitter() -> float:
    return random.uniform(1, 1.25)  # noqa: S311
