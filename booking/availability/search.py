"""Reads that span models: what hours a provider keeps, which times are free, whom a change would strand."""

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

CHUNKS = (timedelta(days=2), timedelta(days=7), timedelta(days=30), timedelta(days=400))
"""The stretches that a search for the next free time tries one after another: most searches end in the first."""


class BookingSpan(NamedTuple):
    """The time one booking takes: the meeting, and with its buffers what is claimed, in whole slots."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime


def stretch(
    schedule: Schedule, service: Service | None, starts_at: datetime, length: timedelta | None = None
) -> BookingSpan:
    """Return the time of the calendar that a booking takes if it begins at `starts_at` (on the grid).

    It takes `length`, or as long as the service does, or one slot.
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
    """A search for free times: those that start in `[start, until)` and that `now` allows to be booked.

    Of one provider, or of all who offer the service. `service` None asks for single slots. Notice and horizon are each
    schedule's own; `any_notice` sets them aside. `hidden` looks also at providers who are not published. The time of
    holds that are `besides` counts as free: the asker's own, which goes with their next pick.
    """

    start: datetime
    until: datetime
    now: datetime
    provider_id: int | None = None
    service: Service | None = None
    any_notice: bool = False
    hidden: bool = False
    besides: Sequence[int] = ()


# What a search asks of each calendar, in cells of its grid: `stretch` says the same of one booking. A search is one
# statement, put together from constants: `make bench` (list).
CALENDAR = """
calendar AS NOT MATERIALIZED (
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


# A part of CALENDAR.
WHO_OFFERS = f"""{published_sql("provider")} AND schedule.provider_id IN (
            SELECT provider_id FROM booking_service_providers WHERE service_id = %(service)s)"""


# A part of the search: `make bench` (list).
CELLS = f"""
cells AS (
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id IS NULL AND slot.starts_at >= cells_from AND slot.starts_at < cells_until
    UNION ALL
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar
    JOIN booking_reservation dead ON dead.provider_id = calendar.provider_id
         AND {stale_sql("dead")}
    JOIN booking_slot slot ON slot.reservation_id = dead.id
    WHERE NOT slot.withdrawn AND slot.starts_at >= cells_from AND slot.starts_at < cells_until{{besides}}
)"""
"""The free cells, those of holds past their end among them."""


# A part of CELLS: `make bench` (list).
CELLS_BESIDES = """
    UNION ALL
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar JOIN booking_slot slot USING (provider_id)
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
"""The cells with enough free ones around them: if the cell n places on starts n slot lengths later, none is missing."""


class FreeTime(NamedTuple):
    """A time that can be booked: from the start of the slot with that id."""

    slot_id: int
    provider_id: int
    starts_at: datetime
    ends_at: datetime


def _free(search: SlotQuery) -> tuple[str, dict[str, Any]]:
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
    if search.besides:
        params["besides"] = list(search.besides)
    free = (FREE_RUNS if service else FREE_CELLS).format(besides=CELLS_BESIDES if search.besides else "")
    return f"WITH {CALENDAR.format(**policy)}, {free}", params


def free_times(search: SlotQuery, *, nearest_to: datetime | None = None, limit: int = 1000) -> list[FreeTime]:
    """The free times of a search: the first `limit`, or those nearest to an instant."""
    sql, params = _free(search)  # The ORM has no WITH.
    order = "abs(extract(epoch FROM starts_at - %(near)s::timestamptz)), " if nearest_to else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at FROM free "
            f"ORDER BY {order} starts_at, provider_id LIMIT %(limit)s",
            {**params, "limit": limit} | ({"near": nearest_to} if nearest_to else {}),
        )
        return [FreeTime(*row) for row in cursor.fetchall()]


def free_page(search: SlotQuery, *, limit: int, offset: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Return the number of free times found (0 beyond the last page), and a page of FreeTimes with the count behind."""
    sql, params = _free(search)  # The ORM has no WITH.
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # Binary instants are read in C; as text they cost half of this answer.
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at, count(*) OVER () FROM free "
            "ORDER BY starts_at, provider_id LIMIT %(limit)s OFFSET %(offset)s",
            {**params, "limit": limit, "offset": offset},
        )
        rows = cursor.fetchall()
    return rows[0][-1] if rows else 0, rows


def next_free(search: SlotQuery) -> FreeTime | None:
    """The first free time of a search, looked for near at hand first."""
    start = search.start
    for chunk in CHUNKS:
        until = min(search.start + chunk, search.until)
        found = free_times(replace(search, start=start, until=until), limit=1)
        if found or until == search.until:
            return found[0] if found else None
        start = until
    return None


def alternatives(
    provider_id: int, service: Service | None, start: datetime, now: datetime, *, besides: Sequence[int] = ()
) -> list[FreeTime]:
    """Up to three free times of the same provider nearest to `start`, from three days before to a fortnight after.

    `besides` is that of a Search.
    """
    near = max(start, now)
    search = SlotQuery(near - 3 * DAY, near + 14 * DAY, now, provider_id, service, hidden=True, besides=besides)
    return free_times(search, nearest_to=start, limit=3)


# The end of a search, whose WITH the ORM has no word for.
BY_DAY = """
SELECT width_bucket(starts_at, %(days)s::timestamptz[]) AS day, count(DISTINCT starts_at) FROM free GROUP BY 1
"""


def free_by_day(search: SlotQuery, days: Sequence[datetime]) -> dict[int, int]:
    """Return the number of free times on each day, by its index in `days`: their beginnings, in order.

    The day of the last begins ends with the search. Times at which several providers are free count once.
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

    One statement that looks no further than it must. Times of holds that ended in the last seconds are left to the
    sweeper: this is a hint on a list, and whoever opens the calendar sees them.
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
