"""Searches for free times."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from django.db import connection
from psycopg.pq import Format

from accounts.providers.models import published_sql
from booking.models import (
    Schedule,
    Service,
)
from booking.reservations.enums import stale_sql
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.time.zones import rfc3339

CHUNKS = (timedelta(days=2), timedelta(days=7), timedelta(days=30), timedelta(days=400))
"""The lengths of time in which the next free time is searched, one after another: most searches end in the first."""

MOST_ALTERNATIVES = 3
"""The most free times that an error lists in place of one that cannot be booked."""


class BookingSpan(NamedTuple):
    """The time of one booking: the meeting and, with its buffers in whole slots, the claim."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime


def booking_span(
    schedule: Schedule, service: Service | None, starts_at: datetime, length: timedelta | None = None
) -> BookingSpan:
    """Return the time that a booking takes if it begins at `starts_at` (on the grid).

    The meeting lasts `length`, else as long as the service, else one slot.
    """
    slot = schedule.slot
    meeting = length or schedule.length_for(service)
    before = service.buffer_before if service else timedelta()
    after = service.buffer_after if service else timedelta()
    return BookingSpan(
        starts_at,
        starts_at + meeting,
        starts_at - ceil(before / slot) * slot,
        starts_at + ceil((meeting + after) / slot) * slot,
    )


@dataclass(frozen=True)
class SlotQuery:
    """A search for free times that start in `[start, until)` and can be booked at `now`.

    `provider_id` None searches all providers who offer the service; `service` None searches single slots. Minimum
    notice and booking horizon are each schedule's own; `any_notice` ignores both. `hidden` includes providers who are
    not published. `besides` are holds whose time counts as free: the visitor's own, which their next pick replaces.
    """

    start: datetime
    until: datetime
    now: datetime
    provider_id: int | None = None
    service: Service | None = None
    any_notice: bool = False
    hidden: bool = False
    besides: Sequence[int] = ()


# The bounds of a search in cells of each grid. `booking_span` computes the same for one booking. A search is one
# statement, composed of constants: `make bench` (list).
SEARCHED = """
searched AS NOT MATERIALIZED (
    SELECT provider_id, earliest, latest, slot, before, after, length,
           earliest - before * slot AS cells_from, latest + after * slot AS cells_until
    FROM (
        SELECT schedule.provider_id, {earliest} AS earliest, {latest} AS latest,
               make_interval(mins => slot_minutes) AS slot, {length} AS length, {before} AS before, {after} AS after
        FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
        WHERE {whose}
    ) AS policy
)"""


POLICY = {
    "earliest": "greatest(%(start)s::timestamptz, %(now)s::timestamptz + make_interval(mins => notice_minutes))",
    "latest": "least(%(until)s::timestamptz, %(now)s::timestamptz + make_interval(hours => 24 * horizon_days))",
    "length": "make_interval(mins => slot_minutes)",
    "before": "0",
    "after": "0",
    "whose": f"schedule.provider_id = %(provider)s AND {published_sql('provider')}",
}


ANY_NOTICE = {
    "earliest": "greatest(%(start)s::timestamptz, %(now)s::timestamptz)",
    "latest": "%(until)s::timestamptz",
}


FOR_SERVICE = {
    "length": "make_interval(mins => %(length)s::int)",
    "before": "(%(before)s::int + slot_minutes - 1) / slot_minutes",
    "after": "(%(length)s::int + %(after)s::int - 1) / slot_minutes",
}


# A part of SEARCHED.
WHO_OFFERS = f"""{published_sql("provider")} AND schedule.provider_id IN (
            SELECT provider_id FROM booking_service_providers WHERE service_id = %(service)s)"""


# A part of the search: `make bench` (list).
CELLS = f"""
cells AS (
    SELECT slot.id, slot.starts_at, searched.*
    FROM searched JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id IS NULL AND slot.starts_at >= cells_from AND slot.starts_at < cells_until
    UNION ALL
    SELECT slot.id, slot.starts_at, searched.*
    FROM searched
    JOIN booking_reservation dead ON dead.provider_id = searched.provider_id
         AND {stale_sql("dead")}
    JOIN booking_slot slot ON slot.reservation_id = dead.id
    WHERE NOT slot.withdrawn AND slot.starts_at >= cells_from AND slot.starts_at < cells_until{{besides}}
)"""
"""The free cells, including those of expired holds."""


# A part of CELLS: `make bench` (list).
CELLS_BESIDES = """
    UNION ALL
    SELECT slot.id, slot.starts_at, searched.*
    FROM searched JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id = ANY(%(besides)s::bigint[]) AND NOT slot.withdrawn
      AND slot.starts_at >= cells_from AND slot.starts_at < cells_until"""


# A part of the search: `make bench` (list).
FREE_CELLS = f"""
{CELLS}, free AS (
    SELECT id, provider_id, starts_at, starts_at + length AS ends_at FROM cells
)"""


# A part of the search: `make bench` (list).
FREE_RUNS = f"""
{CELLS}, neighbours AS (
    SELECT *, lag(starts_at, before) OVER grid AS first_cell, lead(starts_at, after) OVER grid AS last_cell
    FROM cells
    WINDOW grid AS (PARTITION BY provider_id ORDER BY starts_at)
), free AS (
    SELECT id, provider_id, starts_at, starts_at + length AS ends_at
    FROM neighbours
    WHERE first_cell = starts_at - before * slot AND last_cell = starts_at + after * slot
      AND starts_at >= earliest AND starts_at < latest
)"""
"""The cells with enough free cells around them: if the cell n rows on starts n slot lengths later, none is missing."""


# The facts that decide which times a search finds, hashed: per provider the version of the slots, the first and last
# slot between notice and horizon, and the holds that have ended but are not yet marked so. A part of the search:
# `make bench` (list).
DIGEST = f"""
SELECT hashtextextended(string_agg(ROW(
    bounds.provider_id, slot, version,
    (SELECT first.starts_at FROM booking_slot first
     WHERE first.provider_id = bounds.provider_id AND first.starts_at >= earliest AND first.starts_at < latest
     ORDER BY first.starts_at LIMIT 1),
    (SELECT last.starts_at FROM booking_slot last
     WHERE last.provider_id = bounds.provider_id AND last.starts_at >= earliest AND last.starts_at < latest
     ORDER BY last.starts_at DESC LIMIT 1),
    (SELECT string_agg(dead.id::text, ' ' ORDER BY dead.id) FROM booking_reservation dead
     WHERE dead.provider_id = bounds.provider_id AND {stale_sql("dead")})
)::text, ',' ORDER BY bounds.provider_id), 0)
FROM (
    SELECT schedule.provider_id, slot_minutes AS slot, {{earliest}} AS earliest, {{latest}} AS latest
    FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
    WHERE {{whose}}
) AS bounds LEFT JOIN booking_slotsversion USING (provider_id)
"""


class FreeTime(NamedTuple):
    """A time that can be booked, from the start of the slot `slot_id`."""

    slot_id: int
    provider_id: int
    starts_at: datetime
    ends_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """Return the time for programs that read an error."""
        return {"slot": self.slot_id, "start_time": rfc3339(self.starts_at), "end_time": rfc3339(self.ends_at)}


def _policy(search: SlotQuery) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the parts of a search's statement, and its parameters."""
    policy = dict(POLICY)
    params: dict[str, Any] = {
        "provider": search.provider_id,
        "now": search.now,
        "start": search.start,
        "until": search.until,
    }
    if search.any_notice:
        policy |= ANY_NOTICE
    if search.provider_id is None:
        policy["whose"] = WHO_OFFERS
    elif search.hidden:
        policy["whose"] = "schedule.provider_id = %(provider)s"
    if (service := search.service) is not None:
        policy |= FOR_SERVICE
        params |= {
            "service": service.pk,
            "length": service.duration_minutes,
            "before": service.buffer_before_minutes,
            "after": service.buffer_after_minutes,
        }
    return policy, params


def _free(search: SlotQuery) -> tuple[str, dict[str, Any]]:
    policy, params = _policy(search)
    service = search.service
    if search.besides:
        params["besides"] = list(search.besides)
    free = (FREE_RUNS if service else FREE_CELLS).format(besides=CELLS_BESIDES if search.besides else "")
    return f"WITH {SEARCHED.format(**policy)}, {free}", params


def free_times(search: SlotQuery, *, nearest_to: datetime | None = None, limit: int = 1000) -> list[FreeTime]:
    """Return the free times of a search: the first `limit`, or the nearest to an instant."""
    sql, params = _free(search)  # The ORM has no WITH.
    order = "abs(extract(epoch FROM starts_at - %(near)s::timestamptz)), " if nearest_to else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at FROM free "
            f"ORDER BY {order} starts_at, provider_id LIMIT %(limit)s",
            {**params, "limit": limit} | ({"near": nearest_to} if nearest_to else {}),
        )
        return [FreeTime(*row) for row in cursor.fetchall()]


def digest_of(search: SlotQuery) -> int | None:
    """Return a number that differs if the answer to a search does, whatever changed it; None without any schedule.

    It does not depend on the length and buffers of the search's service: to compare two answers, compare those too.
    """
    policy, params = _policy(search)
    with connection.cursor() as cursor:
        cursor.execute(DIGEST.format(**policy), params)
        return cursor.fetchone()[0]


class FreePage(NamedTuple):
    """A page of free times, the number of all of them (0 beyond the last page), and the digest of the same moment."""

    total: int
    rows: list[tuple[Any, ...]]
    digest: int | None


# One statement, and so one moment, for the times and their digest: `make bench` (list).
PAGE = """
SELECT page.*, digest.* FROM ({digest}) AS digest LEFT JOIN (
    SELECT id, provider_id, starts_at, ends_at, count(*) OVER () FROM free
    ORDER BY starts_at, provider_id LIMIT %(limit)s OFFSET %(offset)s
) AS page ON true ORDER BY starts_at, provider_id
"""


def free_page(search: SlotQuery, *, limit: int, offset: int) -> FreePage:
    """Return a page of free times. Each row is a FreeTime and more columns."""
    sql, params = _free(search)  # The ORM has no WITH.
    page = PAGE.format(digest=DIGEST.format(**_policy(search)[0]))
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # C reads binary instants; as text they cost half of this answer.
        cursor.execute(f"{sql} {page}", {**params, "limit": limit, "offset": offset})
        rows = cursor.fetchall()
    first = rows[0]
    return FreePage(first[4] or 0, rows if first[0] is not None else [], first[5])


def next_free(search: SlotQuery) -> FreeTime | None:
    """Return the first free time of a search; the nearest days are searched first."""
    start = search.start
    for chunk in CHUNKS:
        until = min(search.start + chunk, search.until)
        found = free_times(replace(search, start=start, until=until), limit=1)
        if found or until == search.until:
            return found[0] if found else None
        start = until
    return None


# Times and digest of one moment, as in PAGE. The digest is that of the whole search: `make bench` (list).
NEXT = """
SELECT page.*, digest.* FROM ({digest}) AS digest LEFT JOIN (
    SELECT id, provider_id, starts_at, ends_at FROM free ORDER BY starts_at, provider_id LIMIT 1
) AS page ON true
"""


def next_with_digest(search: SlotQuery) -> tuple[FreeTime | None, int | None]:
    """Return what `next_free` returns, and the digest of the search; None if that changed in between."""
    digest = DIGEST.format(**_policy(search)[0])
    for name in ("start", "until"):
        digest = digest.replace(f"%({name})s", f"%(whole_{name})s")
    whole = {"whole_start": search.start, "whole_until": search.until}
    seen: set[int | None] = set()
    start = search.start
    for chunk in CHUNKS:
        until = min(search.start + chunk, search.until)
        sql, params = _free(replace(search, start=start, until=until))
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} {NEXT.format(digest=digest)}", params | whole)
            *found, now_digest = cursor.fetchone()
        seen.add(now_digest)
        if found[0] is not None or until == search.until:
            return FreeTime(*found) if found[0] is not None else None, now_digest if len(seen) == 1 else None
        start = until
    return None, None


def alternatives(
    provider_id: int, service: Service | None, start: datetime, now: datetime, *, besides: Sequence[int] = ()
) -> list[FreeTime]:
    """Return up to MOST_ALTERNATIVES free times nearest to `start`, from three days before to 14 days after it.

    `besides` is that of SlotQuery.
    """
    near = max(start, now)
    search = SlotQuery(near - 3 * DAY, near + 14 * DAY, now, provider_id, service, hidden=True, besides=besides)
    return free_times(search, nearest_to=start, limit=MOST_ALTERNATIVES)


# The end of a search, whose WITH the ORM has no word for.
BY_DAY = """
SELECT width_bucket(starts_at, %(days)s::timestamptz[]) AS day, count(DISTINCT starts_at) FROM free GROUP BY 1
"""


def free_by_day(search: SlotQuery, days: Sequence[datetime]) -> dict[int, int]:
    """Return the number of free times of each day, by its index in `days`, which are the starts of the days, in order.

    The last day ends with the search. A time at which several providers are free counts once.
    """
    sql, params = _free(search)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} {BY_DAY}", {**params, "days": list(days)})
        return {bucket - 1: count for bucket, count in cursor.fetchall()}


# The ORM has no LATERAL, by which the search for each provider ends at its first time.
NEXT_TIMES = """
SELECT schedule.provider_id, next.starts_at
FROM booking_schedule schedule
LEFT JOIN LATERAL (
    SELECT (service.buffer_before_minutes + slot_minutes - 1) / slot_minutes AS before,
           (service.duration_minutes + service.buffer_after_minutes - 1) / slot_minutes AS after
    FROM booking_service service JOIN booking_service_providers offered ON offered.service_id = service.id
    WHERE offered.provider_id = schedule.provider_id AND service.is_active
    ORDER BY service.buffer_before_minutes + service.duration_minutes + service.buffer_after_minutes, service.id
    LIMIT 1
) AS shortest ON true
CROSS JOIN LATERAL (
    SELECT cell.starts_at
    FROM booking_slot cell
    WHERE cell.provider_id = schedule.provider_id AND cell.reservation_id IS NULL
      AND cell.starts_at >= %(now)s::timestamptz + make_interval(mins => notice_minutes)
      AND cell.starts_at < %(now)s::timestamptz + make_interval(hours => 24 * horizon_days)
      AND coalesce(before, 0) + coalesce(after, 0) + 1 = (
          SELECT count(*) FROM booking_slot needed
          WHERE needed.provider_id = schedule.provider_id AND needed.reservation_id IS NULL
            AND needed.starts_at >= cell.starts_at - coalesce(before, 0) * make_interval(mins => slot_minutes)
            AND needed.starts_at <= cell.starts_at + coalesce(after, 0) * make_interval(mins => slot_minutes))
    ORDER BY cell.starts_at LIMIT 1
) AS next
WHERE schedule.provider_id IN (SELECT unnest(%(providers)s::bigint[]))
"""


def next_times(provider_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """Return the next free time of each provider, for the shortest of their services or else for one slot.

    One statement, which looks no further than it must. It ignores the time of holds that the sweeper has yet to expire:
    this is a hint on a list, and the calendar shows those times.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEXT_TIMES, {"providers": list(provider_ids), "now": now})
        return dict(cursor.fetchall())


def slot_start(slot_id: int) -> tuple[int, datetime] | None:
    """Return a slot's provider id and start (UTC); None if there is no such slot.

    Each reservation asks: `make bench` (reserve).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT provider_id, starts_at FROM booking_slot WHERE id = %s", [slot_id])
        return cursor.fetchone()
