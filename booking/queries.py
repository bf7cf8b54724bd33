"""Reads that span models: what hours a provider keeps, which times are free, whom a change would strand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q
from psycopg.pq import Format

from booking.models import Closure, Schedule, Service
from scheduler_project.common.rows import columns_of, from_row
from scheduler_project.common.times import (
    Interval,
    aligned,
    clipped,
    days_between,
    merged,
    to_utc,
    without,
)

DAY = timedelta(days=1)
CHUNKS = (timedelta(days=2), timedelta(days=7), timedelta(days=30), timedelta(days=400))
"""How far a search for the next free time looks at first, then, and then: most end in the first."""


# --- Hours ----------------------------------------------------------------------------------------------------------


def local_stretch(day: date, start: time, end: time, zone: ZoneInfo) -> Interval:
    """Local hours that begin on `day`, in UTC. An end at or before the start lies on the next day."""
    ends = datetime.combine(day if end > start else day + DAY, end)
    return to_utc(datetime.combine(day, start), zone), to_utc(ends, zone)


def open_hours(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """When the provider is available within `[start, until)`: UTC stretches, merged, sorted, on the slot grid.

    Weekly hours, unless a date override replaces those that begin that day; and dated windows; without time off and
    closures.
    """
    zone = schedule.zone
    first = (start.astimezone(zone) - DAY).date()
    last = until.astimezone(zone).date()

    weekly: dict[int, list[tuple[time, time]]] = {}
    for hours in schedule.working_hours.all():
        weekly.setdefault(hours.weekday, []).append((hours.start_time, hours.end_time))
    overridden = {
        override.date: [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in override.hours]
        for override in schedule.date_overrides.filter(date__range=(first, last))
    }
    hours_open = (
        local_stretch(day, a, b, zone)
        for day in days_between(first, last)
        for a, b in overridden.get(day, weekly.get(day.weekday(), []))
    )
    windows = schedule.windows.filter(ends_at__gt=start, starts_at__lt=until).values_list("starts_at", "ends_at")
    available = clipped(merged(chain(hours_open, windows)), start, until)
    return aligned(without(available, absences(schedule, start, until)), zone, schedule.slot)


def absences(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """Time off and closures that may touch `[start, until)`, in UTC."""
    zone = schedule.zone
    touching = Q(ends_at__gt=start, starts_at__lt=until) | Q(
        end_date__gte=start.astimezone(zone).date(), start_date__lte=until.astimezone(zone).date()
    )
    return [
        absence.interval(zone)
        for absence in chain(schedule.time_off.filter(touching), Closure.objects.filter(touching))
    ]


# --- Free slots -----------------------------------------------------------------------------------------------------


class Stretch(NamedTuple):
    """The time one booking takes: the meeting, and with its buffers what is claimed, in whole slots."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime


def stretch(
    schedule: Schedule, service: Service | None, starts_at: datetime, length: timedelta | None = None
) -> Stretch:
    """What a booking that begins at `starts_at` (on the grid) takes of the calendar.

    It takes `length`, or as long as the service does, or one slot.
    """
    slot = schedule.slot
    meeting = length or (service.duration if service else slot)
    before = service.buffer_before if service else timedelta()
    after = service.buffer_after if service else timedelta()
    return Stretch(
        starts_at,
        starts_at + meeting,
        starts_at - ceil(before / slot) * slot,
        starts_at + ceil((meeting + after) / slot) * slot,
    )


@dataclass(frozen=True)
class Search:
    """Which free times are asked for: those that start in `[start, until)` and that `now` allows to be booked.

    `service` None asks for single slots. Notice and horizon are each schedule's own; `any_notice` sets them aside.
    """

    schedules: Sequence[Schedule]
    start: datetime
    until: datetime
    now: datetime
    service: Service | None = None
    any_notice: bool = False

    def calendars(self) -> dict[str, list[Any]]:
        """The search as columns of one row per schedule, for `unnest`."""
        rows = []
        for schedule in self.schedules:
            slot = schedule.slot
            taken = stretch(schedule, self.service, self.now)
            before, after = taken.starts_at - taken.blocked_from, taken.blocked_until - taken.starts_at
            earliest = max(self.start, self.now if self.any_notice else self.now + schedule.notice)
            latest = self.until if self.any_notice else min(self.until, self.now + schedule.horizon)
            rows.append(
                (
                    schedule.provider_id,
                    earliest,
                    latest,
                    earliest - before,
                    latest + after - slot,
                    slot,
                    before // slot,
                    after // slot - 1,
                    taken.ends_at - taken.starts_at,
                )
            )
        names = "provider earliest latest cells_from cells_until slot before after length".split()
        return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


# One schedule goes in as plain parameters: PostgreSQL keeps the plan, as it never does for arrays of unknown length.
ONE_CALENDAR = """
calendar AS NOT MATERIALIZED (
    SELECT %(provider)s::bigint AS provider_id, %(earliest)s::timestamptz AS earliest,
           %(latest)s::timestamptz AS latest, %(cells_from)s::timestamptz AS cells_from,
           %(cells_until)s::timestamptz AS cells_until, %(slot)s::interval AS slot, %(before)s::int AS before,
           %(after)s::int AS after, %(length)s::interval AS length
)"""

MANY_CALENDARS = """
calendar AS (
    SELECT * FROM unnest(
        %(provider)s::bigint[], %(earliest)s::timestamptz[], %(latest)s::timestamptz[],
        %(cells_from)s::timestamptz[], %(cells_until)s::timestamptz[], %(slot)s::interval[],
        %(before)s::int[], %(after)s::int[], %(length)s::interval[]
    ) AS calendar(provider_id, earliest, latest, cells_from, cells_until, slot, before, after, length)
)"""

CELLS = """
cells AS (
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id IS NULL AND slot.starts_at >= cells_from AND slot.starts_at < cells_until
    UNION ALL
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar
    JOIN booking_reservation dead ON dead.provider_id = calendar.provider_id
         AND dead.status = 'held' AND dead.expires_at <= %(now)s
    JOIN booking_slot slot ON slot.reservation_id = dead.id
    WHERE NOT slot.withdrawn AND slot.starts_at >= cells_from AND slot.starts_at < cells_until
)"""
"""The free cells, those of holds past their end among them."""

FREE_CELLS = f"""
{CELLS}, free AS (
    SELECT id, provider_id, starts_at, starts_at + length AS ends_at FROM cells
)"""

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


def _free(search: Search) -> tuple[str, dict[str, Any]]:
    calendars = search.calendars()
    single = not any(calendars["before"]) and not any(calendars["after"])
    free = FREE_CELLS if single else FREE_RUNS
    if len(search.schedules) == 1:
        return f"WITH {ONE_CALENDAR}, {free}", {name: one for name, [one] in calendars.items()} | {"now": search.now}
    return f"WITH {MANY_CALENDARS}, {free}", {**calendars, "now": search.now}


def free_times(search: Search, *, nearest_to: datetime | None = None, limit: int = 1000) -> list[FreeTime]:
    """The free times of a search: the first `limit`, or those nearest to an instant."""
    if not search.schedules:
        return []
    sql, params = _free(search)
    order = "abs(extract(epoch FROM starts_at - %(near)s::timestamptz)), " if nearest_to else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at FROM free "
            f"ORDER BY {order} starts_at, provider_id LIMIT %(limit)s",
            {**params, "limit": limit} | ({"near": nearest_to} if nearest_to else {}),
        )
        return [FreeTime(*row) for row in cursor.fetchall()]


def free_page(search: Search, *, limit: int, offset: int) -> tuple[int, list[tuple[Any, ...]]]:
    """How many free times a search finds (0 beyond the last page), and a page: FreeTimes with the count behind."""
    if not search.schedules:
        return 0, []
    sql, params = _free(search)
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # Binary instants are read in C; as text they cost half of this answer.
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at, count(*) OVER () FROM free "
            "ORDER BY starts_at, provider_id LIMIT %(limit)s OFFSET %(offset)s",
            {**params, "limit": limit, "offset": offset},
        )
        rows = cursor.fetchall()
    return rows[0][-1] if rows else 0, rows


def next_free(search: Search) -> FreeTime | None:
    """The first free time of a search, looked for near at hand first."""
    start = search.start
    for chunk in CHUNKS:
        until = min(search.start + chunk, search.until)
        found = free_times(replace(search, start=start, until=until), limit=1)
        if found or until == search.until:
            return found[0] if found else None
        start = until
    return None


def alternatives(schedule: Schedule, service: Service | None, start: datetime, now: datetime) -> list[FreeTime]:
    """Up to three free times of the same provider nearest to `start`, from three days before to a fortnight after."""
    near = max(start, now)
    search = Search([schedule], near - 3 * DAY, near + 14 * DAY, now, service)
    return free_times(search, nearest_to=start, limit=3)


def slot_start(slot_id: int) -> tuple[int, datetime] | None:
    """Whose slot that is, and when it starts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT provider_id, starts_at FROM booking_slot WHERE id = %s", [slot_id])
        return cursor.fetchone()


BOOKABLE_SCHEDULE = f"""
SELECT {columns_of(Schedule, "schedule")}
FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
WHERE schedule.provider_id = %s AND provider.is_active AND provider.is_approved
"""


def bookable_schedules(*, provider_id: int | None, service: Service | None) -> list[Schedule]:
    """The schedules of published providers: the named one, those who offer the service, or both at once."""
    if provider_id is not None and service is None:
        with connection.cursor() as cursor:
            cursor.execute(BOOKABLE_SCHEDULE, [provider_id])
            return [from_row(Schedule, row) for row in cursor.fetchall()]
    schedules = Schedule.objects.filter(
        provider__is_active=True, provider__is_approved=True, provider__services=service
    )
    if provider_id is not None:
        schedules = schedules.filter(provider=provider_id)
    return list(schedules.order_by())
