"""Servers that cannot be reached: while one is down, only one probe at a time is sent to it.

All messages on the same route share one row, whoever sends them: `email` (the mail server), `sms` (the gateway),
`webhook:12` (one webhook). The row exists only during the outage, so that sending costs nothing extra otherwise. A
worker that takes the probe has a lease on it; if it dies, another takes over."""

import logging
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from scheduler_project.common.models import Outage

logger = logging.getLogger(__name__)

MAIL_SERVER = "email"

TAKE_PROBE = """
UPDATE common_outage SET next_probe_at = %(until)s
WHERE next_probe_at <= %(now)s AND key = (
    SELECT key FROM common_outage
    WHERE next_probe_at <= %(now)s AND (key = %(channel)s OR key LIKE %(ways)s)
    ORDER BY next_probe_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING key, error
"""

NOTE_DOWN = """
INSERT INTO common_outage (key, since, tried_at, probes, next_probe_at, error)
VALUES (%(key)s, %(now)s, %(now)s, 0, %(next_probe_at)s, %(error)s)
ON CONFLICT (key) DO NOTHING
"""

PROBE_FAILED = """
UPDATE common_outage SET tried_at = %(now)s, probes = probes + 1, error = %(error)s, next_probe_at = %(now)s
       + least(%(seconds)s * power(2, least(probes + 1, 30)), %(most)s) * interval '1 second'
WHERE key = %(key)s
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
    """Return a probe unused, because its message was not to be sent after all."""
    Outage.objects.filter(key=key).update(next_probe_at=now)


def note_down(key: str, *, error: str, now: datetime, probe: bool = False) -> None:
    """Record that nobody answers on a route: only probes are sent until one is answered.

    The first probe is due after SEND_PROBE_SECONDS. The interval doubles after each failed `probe`, up to
    SEND_PROBE_MAX_SECONDS. Further failures of other messages change nothing.
    """
    seconds = settings.SEND_PROBE_SECONDS * _jitter()
    known: dict[str, Any] = {"key": key, "now": now, "error": _printable(error)}
    with connection.cursor() as cursor:
        if probe:
            most = settings.SEND_PROBE_MAX_SECONDS
            cursor.execute(PROBE_FAILED, known | {"seconds": seconds, "most": float(most)})
        if not probe or not cursor.rowcount:
            cursor.execute(NOTE_DOWN, known | {"next_probe_at": now + timedelta(seconds=seconds)})
            if cursor.rowcount:
                logger.log(_level(key), "What goes by %s waits, for nobody answers there: %s", key, known["error"])


def note_up(keys: Collection[str]) -> None:
    """Delete the outage: somebody answers again, or nothing is sent on the route any more."""
    if Outage.objects.filter(key__in=keys).delete()[0]:
        logger.info("What goes by %s no longer waits.", ", ".join(keys))


def _level(key: str) -> int:
    """Return the log level; low for webhooks, because only their provider can fix them."""
    return logging.INFO if key.startswith("webhook:") else logging.ERROR


def _printable(error: str) -> str:
    return "".join(c if c.isprintable() else " " for c in error)[:500]


def _jitter() -> float:
    return random.uniform(1, 1.25)  # noqa: S311
