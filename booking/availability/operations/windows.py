"""The operations of dated stretches of availability."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.availability.errors import BadHours, EndsBeforeStart, InThePast
from booking.availability.operations.change import AvailabilityChange, change_availability, deletion_of
from booking.availability.slots import check_on_grid
from booking.models import (
    AvailabilityWindow,
    Schedule,
)
from scheduler_project.common.errors import NotFound

LONGEST_WINDOW = timedelta(days=92)


def open_window(
    *,
    provider_id: int,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
) -> AvailabilityChange:
    """Add a dated stretch of availability, unless there is one from the same start to the same end.

    Raises OffGrid, with the nearest aligned times, and BadHours.
    """
    is_new = True

    def write(schedule: Schedule) -> AvailabilityWindow:
        nonlocal is_new
        _check_on_grid(schedule, starts_at, ends_at)
        there = schedule.windows.filter(starts_at=starts_at, ends_at=ends_at).first()
        is_new = there is None
        return there or AvailabilityWindow.objects.create(schedule=schedule, starts_at=starts_at, ends_at=ends_at)

    _check_window(starts_at, ends_at, now)
    change = change_availability(
        provider_id,
        write,
        actor=actor,
        permission="booking.add_availabilitywindow",
        now=now,
        around=(starts_at, ends_at),
    )
    change.is_new = is_new
    return change


def move_window(
    *,
    window: AvailabilityWindow,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
) -> AvailabilityChange:
    """Change start and end of a dated stretch of availability. Raises as `open_window`, and NotFound."""

    def write(schedule: Schedule) -> AvailabilityWindow:
        _check_on_grid(schedule, starts_at, ends_at)
        row = schedule.windows.filter(pk=window.pk).first()
        if row is None:
            raise NotFound
        row.starts_at, row.ends_at = starts_at, ends_at
        row.save(update_fields=["starts_at", "ends_at"])
        return row

    def around(schedule: Schedule) -> tuple[datetime, datetime]:
        row = schedule.windows.filter(pk=window.pk).first()
        if row is None:
            raise NotFound
        return min(row.starts_at, starts_at), max(row.ends_at, ends_at)

    _check_window(starts_at, ends_at, now)
    return change_availability(
        window.schedule.provider_id,
        write,
        actor=actor,
        permission="booking.change_availabilitywindow",
        now=now,
        around=around,
    )


def close_window(*, window: AvailabilityWindow, actor: Actor, now: datetime) -> AvailabilityChange:
    """Remove a dated stretch of availability."""
    around = (window.starts_at, window.ends_at)
    return change_availability(
        window.schedule.provider_id,
        deletion_of(window),
        actor=actor,
        permission="booking.delete_availabilitywindow",
        now=now,
        around=around,
    )


def _check_window(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if ends_at <= starts_at:
        raise EndsBeforeStart(field="end_time")
    if ends_at - starts_at > LONGEST_WINDOW:
        raise BadHours(_("A window is at most %d days long.") % LONGEST_WINDOW.days, field="end_time")
    if ends_at <= now:
        raise InThePast(field="end_time")


def _check_on_grid(schedule: Schedule, starts_at: datetime, ends_at: datetime) -> None:
    check_on_grid(schedule, starts_at, field="start_time")
    check_on_grid(schedule, ends_at, field="end_time")
