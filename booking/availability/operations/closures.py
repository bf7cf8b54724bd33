"""The operations of closures, which close every schedule at once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.actors import Actor
from booking.availability.locks import lock_closures, locked_schedule
from booking.availability.operations.change import AvailabilityChange, bookings_between, count_slots, this_hour
from booking.availability.operations.time_off import check_absence
from booking.availability.slots import HOUR, SlotDiff, regenerate_portion
from booking.availability.versions import bump_versions
from booking.models import (
    Closure,
    Schedule,
    Slot,
)
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation, preview
from scheduler_project.common.time.intervals import DAY


@operation
def close_business(*, fields: dict[str, Any], actor: Actor, now: datetime) -> AvailabilityChange:
    """Close the business: time off for every provider, whole days in each one's own timezone. Staff only.

    `conflicts` are the coming appointments within the closure. All schedules are locked at once, so the work is a
    statement or two per timezone. Raises NotAllowed, BadHours.
    """
    closure = _closure(fields, actor)
    lock_closures("pg_advisory_xact_lock")
    change = AvailabilityChange(made=closure)
    closure.save()
    schedules = Schedule.objects.select_for_update(no_key=True)
    for slots in _closed_slots(change, schedules, now):
        change.slots_removed += slots.filter(reservation=None).delete()[0]
        slots.exclude(reservation=None).update(withdrawn=True)
    bump_versions(schedules.values_list("provider", flat=True))
    return change


def preview_closing(*, fields: dict[str, Any], actor: Actor, now: datetime) -> AvailabilityChange:
    """Return what `close_business` would do. It counts without locks, for a preview must not lock every schedule."""
    change = AvailabilityChange(made=_closure(fields, actor))
    for slots in _closed_slots(change, Schedule.objects.all(), now):
        change.slots_removed += slots.filter(reservation=None).count()
    return change


def _closure(fields: dict[str, Any], actor: Actor) -> Closure:
    if not actor.may("booking.add_closure"):
        raise NotAllowed
    closure = Closure(**fields)
    check_absence(closure)
    return closure


def _closed_slots(change: AvailabilityChange, schedules: QuerySet[Schedule], now: datetime) -> Iterator[QuerySet[Slot]]:
    """Yield the slots within the closure of `change`, one timezone at a time.

    Add the bookings within it to `change`.
    """
    providers: dict[str, list[int]] = {}
    for zone, provider_id in schedules.order_by("pk").values_list("timezone", "provider"):
        providers.setdefault(zone, []).append(provider_id)
    for zone, those in providers.items():
        start, end = change.made.interval(ZoneInfo(zone))
        start = max(start, now)
        yield Slot.objects.filter(
            provider__in=those, starts_at__gt=start - HOUR, starts_at__lt=end, ends_at__gt=start
        ).order_by()
        for name, found in bookings_between(start, end, now, provider__in=those).items():
            setattr(change, name, getattr(change, name) + found)


def reopen_business(*, closure: Closure, actor: Actor, now: datetime) -> AvailabilityChange:
    """Remove a closure. Staff only.

    Each schedule regenerates its slots in its own transaction, so that none waits for the others. Raises NotFound.
    """
    around = check_absence(closure)
    _take_closure_back(closure, actor=actor)
    change = AvailabilityChange()
    for provider_id in list(Schedule.objects.order_by("pk").values_list("provider", flat=True)):
        count_slots(change, _reopen_calendar(provider_id, around, now))
    return change


def preview_reopening(*, closure: Closure, actor: Actor, now: datetime) -> AvailabilityChange:
    """Return what `reopen_business` would do, without its locks: a preview must not lock every schedule."""
    around = check_absence(closure)

    def reopen() -> AvailabilityChange:
        _take_closure_back(closure, actor=actor)
        change = AvailabilityChange()
        for schedule in Schedule.objects.order_by("pk"):
            count_slots(change, _regenerate_around(schedule, around, now))
        return change

    return preview(reopen)


@operation
def _take_closure_back(closure: Closure, *, actor: Actor) -> None:
    if not actor.may("booking.delete_closure"):
        raise NotAllowed
    if not Closure.objects.filter(pk=closure.pk).delete()[0]:
        raise NotFound


@operation
def _reopen_calendar(provider_id: int, around: tuple[datetime, datetime], now: datetime) -> SlotDiff:
    return _regenerate_around(locked_schedule(provider_id), around, now)


def _regenerate_around(schedule: Schedule, around: tuple[datetime, datetime], now: datetime) -> SlotDiff:
    start, until = max(around[0] - DAY, this_hour(now)), around[1] + DAY
    return regenerate_portion(schedule=schedule, start=start, until=min(until, schedule.slots_until or until), now=now)
