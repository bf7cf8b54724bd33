"""The hours of a schedule: weekly hours, dated changes and absences, computed as UTC intervals."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q

from booking.availability.models import Absence
from booking.models import (
    Closure,
    DateOverride,
    Schedule,
    WorkingHours,
)
from scheduler_project.common.time.intervals import DAY, Interval, clipped, merged, without
from scheduler_project.common.time.zones import aligned, days_between, to_utc


def local_interval(day: date, start: time, end: time, zone: ZoneInfo) -> Interval:
    """Return local hours that begin on `day`, in UTC. An end at or before the start lies on the next day."""
    ends = datetime.combine(day if end > start else day + DAY, end)
    return to_utc(datetime.combine(day, start), zone), to_utc(ends, zone)


def open_hours(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """Return the provider's open hours within `[start, until)`: UTC intervals, merged, sorted, on the slot grid.

    They are the weekly hours, or those of a date override for stretches that begin on its date, and dated windows;
    without time off and closures.
    """
    windows = schedule.windows.filter(ends_at__gt=start, starts_at__lt=until).values_list("starts_at", "ends_at")
    return opened(
        schedule,
        start,
        until,
        weekly=schedule.working_hours.all(),
        overrides=schedule.date_overrides.filter(date__range=_local_dates(start, until, schedule.zone)),
        windows=windows,
        absent=absences(schedule, start, until),
    )


def opened(
    schedule: Schedule,
    start: datetime,
    until: datetime,
    *,
    weekly: Iterable[WorkingHours],
    overrides: Iterable[DateOverride],
    windows: Iterable[Interval],
    absent: Iterable[Interval],
) -> list[Interval]:
    """Return `open_hours`, computed from rows that are already loaded."""
    usual: Weekly = {}
    for hours in weekly:
        usual.setdefault(hours.weekday, []).append((hours.start_time, hours.end_time))
    overridden = {
        override.date: [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in override.hours]
        for override in overrides
    }
    return compute_hours(OpeningRules(schedule.zone, schedule.slot, usual, overridden, windows, absent), start, until)


Weekly = dict[int, list[tuple[time, time]]]


class OpeningRules(NamedTuple):
    """The rules from which a schedule's open hours are computed."""

    zone: ZoneInfo
    slot: timedelta
    weekly: Weekly
    overridden: dict[date, list[tuple[time, time]]]
    windows: Iterable[Interval]
    absences: Iterable[Interval]


def compute_hours(rules: OpeningRules, start: datetime, until: datetime) -> list[Interval]:
    """Return the open hours by some rules within `[start, until)`: merged, sorted, on the slot grid."""
    hours_open = (
        local_interval(day, a, b, rules.zone)
        for day in days_between(*_local_dates(start, until, rules.zone))
        for a, b in rules.overridden.get(day, rules.weekly.get(day.weekday(), []))
    )
    available = clipped(merged(chain(hours_open, rules.windows)), start, until)
    return aligned(without(available, rules.absences), rules.zone, rules.slot)


def _local_dates(start: datetime, until: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and last local date on which hours may begin that reach into `[start, until)`."""
    return (start.astimezone(zone) - DAY).date(), until.astimezone(zone).date()


def absences(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """Return time off and closures that may overlap `[start, until)`, in UTC."""
    return [absence.interval(schedule.zone) for absence in absence_rows(schedule, start, until)]


def absence_rows(schedule: Schedule, start: datetime, until: datetime) -> list[Absence]:
    """Return the rows of time off and closures that may overlap, with their reasons."""
    zone = schedule.zone
    touching = Q(ends_at__gt=start, starts_at__lt=until) | Q(
        end_date__gte=start.astimezone(zone).date(), start_date__lte=until.astimezone(zone).date()
    )
    return [*schedule.time_off.filter(touching), *Closure.objects.filter(touching)]
