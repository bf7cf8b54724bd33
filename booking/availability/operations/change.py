"""The frame of a change of availability: write under the schedule's lock, regenerate slots, report the effect (R6)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Max

from accounts.actors import Actor
from booking.appointments.enums import UPCOMING
from booking.availability.errors import TooManyChanges
from booking.availability.hours import open_hours
from booking.availability.locks import locked_schedule
from booking.availability.slots import HOUR, MANY_SLOTS, SlotDiff, horizon_end, regenerate_portion
from booking.models import (
    Appointment,
    Reservation,
    Schedule,
    Slot,
)
from booking.reservations.enums import LIVE
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.limits.throttling import seconds_until
from scheduler_project.common.operations import operation
from scheduler_project.common.time.intervals import DAY, Interval, clipped, covers, floor_to_step, merged, without

MOMENT = timedelta(microseconds=1)


Around = tuple[datetime, datetime] | Callable[[Schedule], tuple[datetime, datetime]] | None
"""The period that a change affects, or a function that finds it once the schedule is locked; None for all time."""


@dataclass
class AvailabilityChange:
    """The effect of a change of availability; in a preview, the effect it would have."""

    slots_added: int = 0
    slots_removed: int = 0
    conflicts: list[Appointment] = field(default_factory=list)
    holds: list[Reservation] = field(default_factory=list)
    made: Any = None
    is_new: bool = True
    """False if what was to be made is there already."""


def count_slots(change: AvailabilityChange, diff: SlotDiff) -> None:
    change.slots_added += diff.added
    change.slots_removed += diff.removed


def bookings_between(start: datetime, until: datetime, now: datetime, **providers: Any) -> dict[str, list[Any]]:
    """Return the coming appointments and the live holds that overlap `[start, until)`, in order."""
    overlapping = Reservation.objects.filter(
        starts_at__lt=until, ends_at__gt=start, status__in=LIVE, **providers
    ).order_by("starts_at", "pk")
    coming = Appointment.objects.detailed().filter(status__in=UPCOMING, reservation__in=overlapping)
    return {
        "conflicts": list(coming.order_by("reservation__starts_at", "pk")),
        "holds": list(overlapping.held(now=now)),
    }


@operation
def change_availability(
    provider_id: int,
    write: Callable[[Schedule], Any],
    *,
    actor: Actor,
    permission: str,
    now: datetime,
    around: Around = None,
) -> AvailabilityChange:
    """Lock the schedule, call `write` to change it, regenerate its slots, and find the appointments left outside.

    `around` limits the work to the days that the change affects. Raises TooManyChanges, except for staff.
    """
    if not actor.runs(provider_id, permission):
        raise NotAllowed
    if not actor.may(permission):
        _check_rate("hours", provider_id)
    schedule = locked_schedule(provider_id)
    last_booked = Reservation.objects.filter(provider=provider_id).aggregate(Max("ends_at"))["ends_at__max"]
    last_slot = Slot.objects.filter(provider=provider_id).aggregate(Max("starts_at"))["starts_at__max"]
    start = this_hour(now)
    slots_end = max(schedule.slots_until or start, last_slot + MOMENT if last_slot else start)
    until = max(slots_end, last_booked or start, horizon_end(schedule, now)) + DAY
    if callable(around):
        around = around(schedule)
    if around is not None:
        start, until = max(start, around[0] - DAY), min(until, around[1] + DAY)
    before = merged(open_hours(schedule, start, until))
    was = SlotLayout.of(schedule)
    change = AvailabilityChange(made=write(schedule))
    schedule = Schedule.objects.select_related("provider").get(pk=schedule.pk)
    if around is None:
        until = max(until, horizon_end(schedule, now) + DAY)
    if start < until:
        after = merged(open_hours(schedule, start, until))
        slots_end = max(slots_end, schedule.slots_until or start, horizon_end(schedule, now))
        changed = _changed(was, SlotLayout.of(schedule), before, after, start, min(until, slots_end))
        if not actor.may(permission) and _slots_in(after, schedule.slot, *changed) > MANY_SLOTS:
            _check_rate("hours_large", provider_id)
        reach(Failpoint.HOURS_CHANGED)
        diff = regenerate_portion(schedule=schedule, start=changed[0], until=changed[1], now=now)
        count_slots(change, diff)
        _collect_left_outside(change, schedule, before, after, start, until, now)
    return change


class SlotLayout(NamedTuple):
    """The timezone and slot length that cut a schedule into slots, and the instant up to which slots exist."""

    timezone: str
    slot_minutes: int
    until: datetime | None

    @classmethod
    def of(cls, schedule: Schedule) -> "SlotLayout":
        return cls(schedule.timezone, schedule.slot_minutes, schedule.slots_until)


def _changed(
    was: SlotLayout, is_now: SlotLayout, before: list[Interval], after: list[Interval], start: datetime, until: datetime
) -> Interval:
    """Return the part of `[start, until)` in which slots differ: with another grid, all of it.

    Regenerating what stays as it is would cost as much as what changes.
    """
    if was[:2] != is_now[:2]:
        return start, until
    differs = without(before, after) + without(after, before)
    if was.until != is_now.until:
        differs.append((was.until or start, until))
    if not differs:
        return until, until
    first = floor_to_step(min(differs)[0], HOUR, timedelta()) - HOUR  # Withdrawn slots from before may reach into it.
    return max(start, first), min(until, max(end for _begin, end in differs))


def _slots_in(hours: list[Interval], slot: timedelta, start: datetime, until: datetime) -> int:
    return sum(((end - begin) // slot for begin, end in clipped(hours, start, until)), 0)


def _check_rate(scope: str, provider_id: int) -> None:
    """Count one more change of a provider's hours. In a large schedule each takes a second of CPU.

    Raises TooManyChanges.
    """
    seconds = seconds_until(scope, f"provider:{provider_id}")
    if seconds is not None:
        raise TooManyChanges(retry_after=seconds)


def _collect_left_outside(
    change: AvailabilityChange,
    schedule: Schedule,
    before: list[Interval],
    after: list[Interval],
    start: datetime,
    until: datetime,
    now: datetime,
) -> None:
    for name, found in bookings_between(start, until, now, provider=schedule.provider_id).items():
        stranded = [
            booking
            for booking in found
            if covers(before, booking.starts_at, booking.ends_at)
            and not covers(after, booking.starts_at, booking.ends_at)
        ]
        setattr(change, name, getattr(change, name) + stranded)


def deletion_of(row: Any) -> Callable[[Schedule], None]:
    def write(schedule: Schedule) -> None:
        deleted, _rows = type(row).objects.filter(pk=row.pk).delete()
        if not deleted:
            raise NotFound

    return write


def this_hour(now: datetime) -> datetime:
    return floor_to_step(now, HOUR, timedelta())


def days_around(day: date) -> tuple[datetime, datetime]:
    """Return a UTC interval that covers a local date in every timezone: no zone is more than a day away."""
    midnight = datetime.combine(day, time.min, UTC)
    return midnight - DAY, midnight + 3 * DAY
