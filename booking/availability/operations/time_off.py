"""The operations of time off."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.availability.errors import BadHours, EndsBeforeStart
from booking.availability.operations.change import AvailabilityChange, change_availability, days_around, deletion_of
from booking.models import (
    Closure,
    Schedule,
    TimeOff,
)
from scheduler_project.common.errors import NotFound


def take_time_off(*, provider_id: int, fields: dict[str, Any], actor: Actor, now: datetime) -> AvailabilityChange:
    """Add time off:

    `starts_at` and `ends_at` (instants), or `start_date` and `end_date` (local days, both included).
    """

    def write(schedule: Schedule) -> TimeOff:
        return TimeOff.objects.create(schedule=schedule, **fields)

    around = check_absence(TimeOff(**fields))
    return change_availability(
        provider_id, write, actor=actor, permission="booking.add_timeoff", now=now, around=around
    )


def change_time_off(*, time_off: TimeOff, fields: dict[str, Any], actor: Actor, now: datetime) -> AvailabilityChange:
    """Change the time or the reason of an absence."""

    def changed(schedule: Schedule) -> TimeOff:
        row = _as_it_is(schedule, time_off)
        for name, value in fields.items():
            setattr(row, name, value)
        return row

    def around(schedule: Schedule) -> tuple[datetime, datetime]:
        before, after = check_absence(_as_it_is(schedule, time_off)), check_absence(changed(schedule))
        return min(before[0], after[0]), max(before[1], after[1])

    def write(schedule: Schedule) -> TimeOff:
        row = changed(schedule)
        row.save(update_fields=list(fields))
        return row

    provider_id = time_off.schedule.provider_id
    return change_availability(
        provider_id, write, actor=actor, permission="booking.change_timeoff", now=now, around=around
    )


def end_time_off(*, time_off: TimeOff, actor: Actor, now: datetime) -> AvailabilityChange:
    """Remove an absence, so that its hours can be booked again."""

    def around(schedule: Schedule) -> tuple[datetime, datetime]:
        return check_absence(_as_it_is(schedule, time_off))

    provider_id = time_off.schedule.provider_id
    return change_availability(
        provider_id,
        deletion_of(time_off),
        actor=actor,
        permission="booking.delete_timeoff",
        now=now,
        around=around,
    )


def _as_it_is(schedule: Schedule, time_off: TimeOff) -> TimeOff:
    """Return the absence as it is now that the schedule is locked; a concurrent request may have changed it.

    Raises NotFound.
    """
    row = schedule.time_off.filter(pk=time_off.pk).first()
    if row is None:
        raise NotFound
    return row


def check_absence(absence: TimeOff | Closure) -> tuple[datetime, datetime]:
    """Return a UTC interval around the days of an absence.

    Raises BadHours unless it has two instants or two dates, in order.
    """
    starts_at, ends_at, first, last = absence.starts_at, absence.ends_at, absence.start_date, absence.end_date
    if starts_at and ends_at and not (first or last):
        if ends_at <= starts_at:
            raise EndsBeforeStart(field="end_time")
        return starts_at, ends_at
    if first and last and not (starts_at or ends_at):
        if last < first:
            raise EndsBeforeStart(field="end_date")
        return days_around(first)[0], days_around(last)[1]
    raise BadHours(_("Give start_time and end_time, or start_date and end_date."), field="start_time")
