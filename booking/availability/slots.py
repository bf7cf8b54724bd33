"""Slots: the rows of a schedule's grid, generated from its hours.

Before a schedule's `slots_until` all slots of its hours exist. Beyond, some may be missing, but none is wrong.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from booking.availability.enums import FreedBy
from booking.availability.errors import OffGrid
from booking.availability.hours import open_hours
from booking.availability.versions import bump_versions, next_version_sql
from booking.models import Reservation, Schedule, Slot
from booking.reservations.enums import LIVE
from booking.signals import slots_missing, time_freed
from scheduler_project.common.operations import each_by_itself, operation
from scheduler_project.common.time.intervals import DAY, Interval, ceil_to_step, floor_to_step
from scheduler_project.common.time.zones import rfc3339

HOUR = timedelta(hours=1)


MANY_SLOTS = 20_000
"""The most slots that one request generates while a user waits. A job generates the rest."""


PORTION = 5_000
"""The number of slots that the job generates in one transaction, during which bookings with the provider wait."""


class SlotDiff(NamedTuple):
    """The numbers of free slots that a change of hours added and removed."""

    added: int
    removed: int


# The ORM has no generate_series, nor rows made of arrays: `make bench` (slots).
WANTED = """
WITH wanted AS (
    SELECT cell AS starts_at, cell + %(slot)s::interval AS ends_at
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS hours(starts_at, ends_at),
         generate_series(hours.starts_at, hours.ends_at - %(slot)s::interval, %(slot)s::interval) AS cell
    WHERE cell >= %(start)s AND cell < %(until)s
)"""


# Adjacent cells are one span. As text, because spans are passed back into a statement to be subtracted.
SPANS = "coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}')::text"


# The ORM has no multiranges, and Python would compare each span with each: a second for a year of bookings.
LEFT_OVER = "SELECT unnest(%s::tstzmultirange - %s::tstzmultirange - %s::tstzmultirange)"


IN_THE_STRETCH = "provider_id = %(provider)s AND starts_at >= %(start)s AND starts_at < %(until)s"


# NOT IN: PostgreSQL hashes it, whatever its statistics say. NOT EXISTS can become a nested loop over both:
# `make bench` (slots).
DELETE_UNWANTED = f"""{WANTED}, gone AS (
    DELETE FROM booking_slot slot
    WHERE {IN_THE_STRETCH} AND reservation_id IS NULL
      AND (starts_at, ends_at) NOT IN (SELECT starts_at, ends_at FROM wanted)
    RETURNING starts_at, ends_at
)
SELECT count(*), {SPANS} FROM gone
"""


# One scan: with a self-join, PostgreSQL would read the table once for each row until it has statistics:
# `make bench` (slots).
MARK_CLAIMED = f"""{WANTED}
UPDATE booking_slot slot SET withdrawn = NOT withdrawn
WHERE {IN_THE_STRETCH} AND reservation_id IS NOT NULL
  AND withdrawn <> ((starts_at, ends_at) NOT IN (SELECT starts_at, ends_at FROM wanted))
"""


# The ORM has no rows made of arrays: `make bench` (slots).
MAKE_WAY = f"""
DELETE FROM booking_slot slot
WHERE {IN_THE_STRETCH} AND withdrawn AND EXISTS (
    SELECT FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS hours(starts_at, ends_at)
    WHERE slot.starts_at < hours.ends_at AND slot.ends_at > hours.starts_at)
"""


# The ORM has no INSERT of what a SELECT finds: `make bench` (slots).
INSERT_WANTED = f"""{WANTED}, come AS (
    INSERT INTO booking_slot (provider_id, starts_at, ends_at, withdrawn)
    SELECT %(provider)s, starts_at, ends_at, false FROM wanted
    ON CONFLICT (provider_id, starts_at) DO NOTHING
    RETURNING starts_at, ends_at
)
SELECT count(*), {SPANS} FROM come
"""


# Of several claims on one coarse slot the longest gets it, so that an expired hold hides no live claim.
LONGEST_FIRST = "live.status = 'confirmed' DESC, live.expires_at DESC"


# OFFSET 0 makes PostgreSQL look up the few cells of each claim, whatever its statistics say of new slots.
# The ORM has no LATERAL.
CLAIM_BOOKED = f"""
WITH taken AS (
    UPDATE booking_slot slot SET reservation_id = claim.reservation_id
    FROM (
        SELECT DISTINCT ON (cell.id) cell.id AS slot_id, live.id AS reservation_id
        FROM booking_reservation live, LATERAL (
            SELECT id FROM booking_slot
            WHERE {IN_THE_STRETCH} AND reservation_id IS NULL AND ends_at > live.blocked_from
              AND starts_at > live.blocked_from - interval '1 hour' AND starts_at < live.blocked_until OFFSET 0) cell
        WHERE live.provider_id = %(provider)s AND live.status IN ('held', 'confirmed')
          AND tstzrange(live.blocked_from, live.blocked_until) && tstzrange(%(start)s, %(until)s + interval '1 hour')
        ORDER BY cell.id, {LONGEST_FIRST}
    ) claim
    WHERE slot.id = claim.slot_id
    RETURNING slot.starts_at, slot.ends_at
)
SELECT count(*), {SPANS} FROM taken
"""


# Composing these two for each call takes a quarter of the time: `make bench` (expire).
DELETE_WITHDRAWN = "DELETE FROM booking_slot WHERE withdrawn AND reservation_id = ANY(%(reservations)s::bigint[])"


# `make bench` (expire).
VACATE = f"""
WITH given_back AS (
    UPDATE booking_slot slot SET reservation_id = (
        SELECT live.id FROM booking_reservation live
        WHERE live.provider_id = slot.provider_id AND live.status IN ('held', 'confirmed')
          AND tstzrange(live.blocked_from, live.blocked_until) && tstzrange(slot.starts_at, slot.ends_at)
        ORDER BY {LONGEST_FIRST} LIMIT 1)
    WHERE reservation_id = ANY(%(reservations)s::bigint[])
    RETURNING slot.provider_id, slot.reservation_id, slot.starts_at, slot.ends_at
), versioned AS ({next_version_sql("provider_id", "given_back")})
SELECT provider_id, unnest(range_agg(tstzrange(starts_at, ends_at))) FROM given_back
WHERE reservation_id IS NULL GROUP BY provider_id
"""


def regenerate_slots(
    *, schedule: Schedule, start: datetime, until: datetime, now: datetime, cause: FreedBy = FreedBy.HOURS
) -> SlotDiff:
    """Make the slots that start in `[start, until)` agree with the provider's present hours.

    Free slots are added and deleted. Claimed slots stay, but those outside the hours become withdrawn, and withdrawn
    ones that overlap cells of a new grid are deleted. Live claims take the new slots at once. The caller holds the
    schedule's lock. Sends `time_freed` for time that could not be booked before.
    """
    if start >= until:
        return SlotDiff(0, 0)
    hours = open_hours(schedule, start - DAY, until + DAY)
    removed, gone = _withdraw(schedule, hours, start, until)
    params = _params(schedule, hours, start, until)
    freed: list[Interval] = []
    with connection.cursor() as cursor:
        cursor.execute(MAKE_WAY, params)
        made_way = cursor.rowcount
        cursor.execute(INSERT_WANTED, params)
        added, come = cursor.fetchone()
        cursor.execute(CLAIM_BOOKED, params)
        claimed, taken = cursor.fetchone()
        if added > claimed:
            cursor.execute(LEFT_OVER, [come, taken, gone])
            freed = [(span.lower, span.upper) for (span,) in cursor.fetchall()]
    if made_way or added or claimed:
        bump_versions([schedule.provider_id])
    _send_freed(schedule.provider_id, freed, cause, now)
    return SlotDiff(added - claimed, removed)


def _send_freed(provider_id: int, spans: list[Interval], cause: FreedBy, now: datetime) -> None:
    if spans:
        time_freed.send(Slot, provider_id=provider_id, spans=spans, cause=cause, now=now)


def regenerate_portion(*, schedule: Schedule, start: datetime, until: datetime, now: datetime) -> SlotDiff:
    """Regenerate at most MANY_SLOTS slots, for a request that a user waits for. The caller holds the schedule's lock.

    Beyond them, only slots outside the hours are removed, so that nobody books one. `slots_until` moves back to there,
    and `slots_missing` wakes a job, whose additions are counted here.
    """
    if start >= until:
        return SlotDiff(0, 0)
    hours = open_hours(schedule, start - DAY, until + DAY)
    end = end_of_cells(hours, schedule.slot, start, until, MANY_SLOTS)
    diff = regenerate_slots(schedule=schedule, start=start, until=end, now=now)
    if end == until:
        return diff
    removed, _spans = _withdraw(schedule, hours, end, until)
    missing = _missing(schedule, hours, end, min(until, horizon_end(schedule, now)))
    if schedule.slots_until is None or end < schedule.slots_until:
        schedule.slots_until = end
        schedule.save(update_fields=["slots_until"])
    slots_missing.send(Schedule, schedule=schedule)
    return SlotDiff(diff.added + missing, diff.removed + removed)


def end_of_cells(hours: list[Interval], slot: timedelta, start: datetime, until: datetime, most: int) -> datetime:
    """Return the end of the first `most` cells that start in `[start, until)`; `until` if there are no more of them.

    No cell crosses it, so that both sides can be generated separately.
    """
    left = most
    for begin, end in hours:
        cells = cells_between((begin, end), slot, start, until)
        if len(cells) > left:
            return begin + cells[left] * slot
        left -= len(cells)
    return until


def cells_between(stretch: Interval, slot: timedelta, start: datetime, until: datetime) -> range:
    """Return the numbers of a stretch's cells that start in `[start, until)`."""
    begin, end = stretch
    first, last = -((begin - start) // slot), min((end - begin) // slot, -((begin - until) // slot))
    return range(max(first, 0), max(last, 0))


def _params(schedule: Schedule, hours: list[Interval], start: datetime, until: datetime) -> dict[str, Any]:
    return {
        "provider": schedule.provider_id,
        "slot": schedule.slot,
        "start": start,
        "until": until,
        "starts": [begin for begin, _ in hours],
        "ends": [end for _, end in hours],
    }


def _withdraw(schedule: Schedule, hours: list[Interval], start: datetime, until: datetime) -> tuple[int, str]:
    """Delete the free slots outside the hours, and mark the claimed ones as withdrawn.

    Return the number deleted, and their spans.
    """
    params = _params(schedule, hours, start, until)
    with connection.cursor() as cursor:
        cursor.execute(DELETE_UNWANTED, params)
        removed, spans = cursor.fetchone()
        cursor.execute(MARK_CLAIMED, params)
        marked = cursor.rowcount
    if removed or marked:
        bump_versions([schedule.provider_id])
    return removed, spans


def _missing(schedule: Schedule, hours: list[Interval], start: datetime, until: datetime) -> int:
    """Return the number of free slots missing in `[start, until)`, if all existing slots belong to the hours."""
    ends = [end for _begin, end in hours]
    begins = [begin for begin, _end in hours]
    cells = sum(len(cells_between(stretch, schedule.slot, start, until)) for stretch in hours)
    live = Reservation.objects.filter(
        provider=schedule.provider_id, status__in=LIVE, blocked_until__gt=start, blocked_from__lt=until + HOUR
    )
    touched = {
        begin + number * schedule.slot
        for blocked_from, blocked_until in live.order_by().values_list("blocked_from", "blocked_until")
        for begin, end in hours[bisect_right(ends, blocked_from) : bisect_left(begins, blocked_until)]
        for number in range(
            (max(blocked_from, begin) - begin) // schedule.slot, -((begin - min(blocked_until, end)) // schedule.slot)
        )
    }
    free = Slot.objects.filter(
        provider=schedule.provider_id, reservation=None, starts_at__gte=start, starts_at__lt=until
    )
    return cells - sum(start <= cell < until for cell in touched) - free.count()


def release_slots(*, reservations: Collection[int], cause: FreedBy, now: datetime) -> None:
    """Free the slots of reservations that have just ended, and send `time_freed` for each provider.

    Withdrawn slots are deleted. A slot that another live claim overlaps passes to it (the grid may have become
    coarser).
    """
    params = {"reservations": list(reservations)}
    freed: dict[int, list[Interval]] = {}
    with connection.cursor() as cursor:
        cursor.execute(DELETE_WITHDRAWN, params)
        cursor.execute(VACATE, params)
        for provider_id, span in cursor.fetchall():
            freed.setdefault(provider_id, []).append((span.lower, span.upper))
    for provider_id, spans in freed.items():
        _send_freed(provider_id, spans, cause, now)


UNVETTED_HORIZON = 30 * DAY


UNVETTED_SLOTS = 5_000
"""The horizon, and the most slots, of a provider who is not vetted and so cannot be booked."""


def horizon_end(schedule: Schedule, now: datetime) -> datetime:
    """Return the end of a schedule's slots: two days beyond the booking horizon, so that a daily job keeps it filled.

    A provider who is not vetted gets fewer, enough for a look.
    """
    horizon = schedule.horizon + 2 * DAY
    if not schedule.provider.is_vetted:
        horizon = min(horizon, UNVETTED_HORIZON, UNVETTED_SLOTS * schedule.slot)
    return floor_to_step(now + horizon, HOUR, timedelta())


def extend(*, schedule_id: int, now: datetime) -> int:
    """Add one schedule's slots up to its horizon, and delete free ones of past days. Return the number added.

    At most MANY_SLOTS are added; `slots_missing` wakes a job for the rest.
    """
    return _extend(schedule_id, now, MANY_SLOTS, wake=True).added


def extend_in_portions(*, schedule_id: int, now: datetime) -> int:
    """Add all of one schedule's slots up to its horizon, in short transactions that others can wait for.

    Return the number of slots added. The hours may change between two of them: each starts from the present state.
    """
    added = 0
    while True:
        portion = _extend(schedule_id, now, PORTION)
        added += portion.added
        if portion.whole:
            return added


class Portion(NamedTuple):
    """The number of slots added, and True if the slots now reach the horizon."""

    added: int
    whole: bool


@operation
def _extend(schedule_id: int, now: datetime, most: int, *, wake: bool = False) -> Portion:
    rows = Schedule.objects.select_related("provider").select_for_update(of=("self",), no_key=True)
    schedule = rows.filter(pk=schedule_id).first()
    if schedule is None:
        return Portion(0, whole=True)
    if settings.RETAIN_SLOTS_DAYS:
        gone_by = now - settings.RETAIN_SLOTS_DAYS * DAY
        Slot.objects.filter(provider=schedule.provider_id, reservation=None, starts_at__lt=gone_by).delete()
    until = horizon_end(schedule, now)
    start = max(schedule.slots_until or now, floor_to_step(now, HOUR, timedelta()))
    if start >= until:
        return Portion(0, whole=True)
    hours = open_hours(schedule, start - DAY, until + DAY)
    end = end_of_cells(hours, schedule.slot, start, until, most)
    diff = regenerate_slots(schedule=schedule, start=start, until=end, now=now, cause=FreedBy.HORIZON)
    schedule.slots_until = end
    schedule.save(update_fields=["slots_until"])
    if wake and end < until:
        slots_missing.send(Schedule, schedule=schedule)
    return Portion(diff.added, whole=end == until)


def extend_all(*, now: datetime) -> int:
    """Extend every schedule's slots, each in its own transaction. Return the number of slots added.

    A schedule that fails has two days' grace until the next round.
    """
    return _extend_each(Schedule.objects.all(), now)


def extend_drawn_back(*, now: datetime) -> int:
    """Extend the schedules whose slots end within the booking horizon. Return the number of slots added.

    A change has moved `slots_until` back there, and the message that wakes a job was lost.
    """
    return _extend_each(Schedule.objects.drawn_back(now=now), now)


def _extend_each(schedules: QuerySet[Schedule], now: datetime) -> int:
    keys = list(schedules.order_by("pk").values_list("pk", flat=True))
    added = each_by_itself(lambda key: extend_in_portions(schedule_id=key, now=now), keys, what="Extending schedule")
    return sum(added.values())


def check_on_grid(schedule: Schedule, instant: datetime, *, field: str) -> None:
    """Raise OffGrid, with the nearest times on the grid, if an instant is not on the schedule's grid."""
    offset = instant.astimezone(schedule.zone).utcoffset() or timedelta()
    below = floor_to_step(instant, schedule.slot, offset)
    if below != instant:
        nearest = [rfc3339(below), rfc3339(ceil_to_step(instant, schedule.slot, offset))]
        raise OffGrid(
            _("This time isn't on the provider's %(minutes)d-minute grid. Choose %(below)s or %(above)s.")
            % {"minutes": schedule.slot_minutes, "below": nearest[0], "above": nearest[1]},
            field=field,
            details={"nearest": nearest},
        )
