"""Laying out the grid: from the hours a provider keeps to the stored slots."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from booking.models import Schedule, Slot
from booking.queries import DAY, open_hours
from scheduler_project.common.operations import each_by_itself, operation
from scheduler_project.common.times import floor_to_step


class Laid(NamedTuple):
    """How many free slots a change of hours added and removed."""

    added: int
    removed: int


WANTED = """
WITH wanted AS (
    SELECT cell AS starts_at, cell + %(slot)s::interval AS ends_at
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS hours(starts_at, ends_at),
         generate_series(hours.starts_at, hours.ends_at - %(slot)s::interval, %(slot)s::interval) AS cell
    WHERE cell >= %(start)s AND cell < %(until)s
)"""

IN_THE_STRETCH = "provider_id = %(provider)s AND starts_at >= %(start)s AND starts_at < %(until)s"

# NOT IN, for PostgreSQL hashes it whatever it knows of the table; NOT EXISTS can become a nested loop over both.
DELETE_UNWANTED = f"""{WANTED}
DELETE FROM booking_slot slot
WHERE {IN_THE_STRETCH} AND reservation_id IS NULL
  AND (starts_at, ends_at) NOT IN (SELECT starts_at, ends_at FROM wanted)
"""

# One scan: joined to itself, the table is read once for each of its rows where PostgreSQL has yet to learn of them.
MARK_CLAIMED = f"""{WANTED}
UPDATE booking_slot slot SET withdrawn = NOT withdrawn
WHERE {IN_THE_STRETCH} AND reservation_id IS NOT NULL
  AND withdrawn <> ((starts_at, ends_at) NOT IN (SELECT starts_at, ends_at FROM wanted))
"""

MAKE_WAY = f"""
DELETE FROM booking_slot slot
WHERE {IN_THE_STRETCH} AND withdrawn AND EXISTS (
    SELECT FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS hours(starts_at, ends_at)
    WHERE slot.starts_at < hours.ends_at AND slot.ends_at > hours.starts_at)
"""

INSERT_WANTED = f"""{WANTED}
INSERT INTO booking_slot (provider_id, starts_at, ends_at, withdrawn)
SELECT %(provider)s, starts_at, ends_at, false FROM wanted
ON CONFLICT (provider_id, starts_at) DO NOTHING
"""

# Of several claims on one coarse slot the one that stays longest has it: a hold past its end hides none that lives on.
LONGEST_FIRST = "live.status = 'confirmed' DESC, live.expires_at DESC"

# OFFSET 0 has PostgreSQL look up the few cells of each claim, whatever it knows of slots that were inserted just now.
CLAIM_BOOKED = f"""
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
"""

DELETE_WITHDRAWN = "DELETE FROM booking_slot WHERE withdrawn AND reservation_id = ANY(%(reservations)s::bigint[])"

VACATE = f"""
UPDATE booking_slot slot SET reservation_id = (
    SELECT live.id FROM booking_reservation live
    WHERE live.provider_id = slot.provider_id AND live.status IN ('held', 'confirmed')
      AND tstzrange(live.blocked_from, live.blocked_until) && tstzrange(slot.starts_at, slot.ends_at)
    ORDER BY {LONGEST_FIRST} LIMIT 1)
WHERE reservation_id = ANY(%(reservations)s::bigint[])
"""


def lay_out(*, schedule: Schedule, start: datetime, until: datetime) -> Laid:
    """Make the slots that start in `[start, until)` follow the hours the provider now keeps.

    Free slots come and go. Claimed ones stay; those outside the hours are withdrawn, and where they lie across cells
    of a new grid they make way. What is booked claims the new slots at once. The caller holds the schedule's lock.
    """
    if start >= until:
        return Laid(0, 0)
    hours = open_hours(schedule, start - DAY, until + DAY)
    params: dict[str, Any] = {
        "provider": schedule.provider_id,
        "slot": schedule.slot,
        "start": start,
        "until": until,
        "starts": [begin for begin, _ in hours],
        "ends": [end for _, end in hours],
    }
    with connection.cursor() as cursor:
        cursor.execute(DELETE_UNWANTED, params)
        removed = cursor.rowcount
        cursor.execute(MARK_CLAIMED, params)
        cursor.execute(MAKE_WAY, params)
        cursor.execute(INSERT_WANTED, params)
        added = cursor.rowcount
        cursor.execute(CLAIM_BOOKED, params)
        added -= cursor.rowcount
    return Laid(added, removed)


def vacate(*, reservations: Collection[int]) -> None:
    """Give back the slots of reservations that have just ended.

    Withdrawn ones go. One that other live time overlaps passes to it (the grid may have become coarser since).
    """
    params = {"reservations": list(reservations)}
    with connection.cursor() as cursor:
        cursor.execute(DELETE_WITHDRAWN, params)
        cursor.execute(VACATE, params)


UNVETTED_HORIZON = 30 * DAY
UNVETTED_SLOTS = 5_000
"""How far, and how many slots, are laid out for a provider whom nobody can book yet."""


def horizon_end(schedule: Schedule, now: datetime) -> datetime:
    """Until when slots are laid out: two days beyond the booking horizon, so that a daily job keeps it filled.

    Less for a provider who is not vetted: enough to look at.
    """
    horizon = schedule.horizon + 2 * DAY
    if not schedule.provider.is_vetted:
        horizon = min(horizon, UNVETTED_HORIZON, UNVETTED_SLOTS * schedule.slot)
    return floor_to_step(now + horizon, timedelta(hours=1), timedelta())


@operation
def extend(*, schedule_id: int, now: datetime) -> int:
    """Lay out one schedule's slots up to its horizon and drop free ones of days gone by. Returns how many it added."""
    rows = Schedule.objects.select_related("provider").select_for_update(of=("self",), no_key=True)
    schedule = rows.filter(pk=schedule_id).first()
    if schedule is None:
        return 0
    if settings.RETAIN_SLOTS_DAYS:
        gone_by = now - settings.RETAIN_SLOTS_DAYS * DAY
        Slot.objects.filter(provider=schedule.provider_id, reservation=None, starts_at__lt=gone_by).delete()
    until = horizon_end(schedule, now)
    start = max(schedule.slots_until or now, floor_to_step(now, timedelta(hours=1), timedelta()))
    if start >= until:
        return 0
    laid = lay_out(schedule=schedule, start=start, until=until)
    schedule.slots_until = until
    schedule.save(update_fields=["slots_until"])
    return laid.added


def extend_all(*, now: datetime) -> int:
    """Extend every calendar's slots, each in a transaction of its own. Returns how many slots were added.

    One whose turn is lost has two days' grace until the next round.
    """
    keys = list(Schedule.objects.order_by("pk").values_list("pk", flat=True))
    return sum(each_by_itself(lambda key: extend(schedule_id=key, now=now), keys, what="Extending schedule").values())
