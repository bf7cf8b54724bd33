"""A provider's day: open hours, absences, reservations, and the breaks between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from booking.availability.hours import open_hours, opened
from booking.models import (
    AvailabilityWindow,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    TimeOff,
    WorkingHours,
)
from booking.reservations.models import ReservationQuerySet
from scheduler_project.common.time.intervals import DAY, Interval, without
from scheduler_project.common.time.zones import day_interval


def reservations_of_day(schedule: Schedule, start: datetime, until: datetime, now: datetime) -> ReservationQuerySet:
    """Return a provider's reservations in `[start, until)`, in order: appointments past or present, and live holds."""
    live = Reservation.objects.live(now=now)
    rows = live.filter(provider=schedule.provider_id, starts_at__lt=until, ends_at__gt=start)
    return rows.select_related("client", "service", "appointment").order_by("starts_at")


def breaks(schedule: Schedule, start: datetime, until: datetime, now: datetime) -> list[Interval]:
    """Return the open and unclaimed time in `[start, until)`: without buffers, and regardless of the notice."""
    live = Reservation.objects.filter(provider=schedule.provider_id).claiming(start, until).live(now=now)
    return without(open_hours(schedule, start, until), live.values_list("blocked_from", "blocked_until"))


@dataclass
class DayOf:
    """A local day of one schedule: hours, absences, reservations, and the `free` time: open and unclaimed."""

    schedule: Schedule
    start: datetime
    until: datetime
    hours: list[Interval]
    absent: list[tuple[Interval, str]]
    taken: list[Reservation]
    free: list[Interval]


def days_of(schedules: Sequence[Schedule], day: date, now: datetime) -> list[DayOf]:
    """Return the same date of many schedules, each in its own zone. A constant number of queries."""
    bounds = {schedule.pk: day_interval(day, schedule.zone) for schedule in schedules}
    if not bounds:
        return []
    start, until = min(first for first, _ in bounds.values()), max(last for _, last in bounds.values())
    dates = (day - 2 * DAY, day + 2 * DAY)
    touching = Q(ends_at__gt=start, starts_at__lt=until) | Q(end_date__gte=dates[0], start_date__lte=dates[1])
    weekly = _by_schedule(WorkingHours.objects.filter(schedule__in=schedules))
    overrides = _by_schedule(DateOverride.objects.filter(schedule__in=schedules, date__range=dates))
    windows = _by_schedule(AvailabilityWindow.objects.filter(schedule__in=schedules, ends_at__gt=start))
    time_off = _by_schedule(TimeOff.objects.filter(touching, schedule__in=schedules))
    closures = list(Closure.objects.filter(touching))
    claims: dict[int, list[Reservation]] = {}
    claiming = Reservation.objects.filter(provider__in=[schedule.provider_id for schedule in schedules])
    live = claiming.claiming(start, until).live(now=now)
    for claim in live.select_related("client", "service", "appointment").order_by("starts_at"):
        claims.setdefault(claim.provider_id, []).append(claim)
    found = []
    for schedule in schedules:
        first, last = bounds[schedule.pk]
        away = [(row.interval(schedule.zone), row.reason) for row in (*time_off.get(schedule.pk, ()), *closures)]
        hours = opened(
            schedule,
            first,
            last,
            weekly=weekly.get(schedule.pk, ()),
            overrides=overrides.get(schedule.pk, ()),
            windows=[(row.starts_at, row.ends_at) for row in windows.get(schedule.pk, ())],
            absent=[interval for interval, _ in away],
        )
        theirs = claims.get(schedule.provider_id, [])
        taken = [claim for claim in theirs if claim.starts_at < last and claim.ends_at > first]
        free = without(hours, [(claim.blocked_from, claim.blocked_until) for claim in theirs])
        found.append(DayOf(schedule, first, last, hours, away, taken, free))
    return found


def _by_schedule(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.schedule_id, []).append(row)
    return found
