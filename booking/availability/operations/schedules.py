"""The operations of a schedule: its policy, its weekly hours, and the hours of single dates."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Provider
from booking.availability.enums import Weekday
from booking.availability.errors import BadHours, OffGrid
from booking.availability.locks import lock_closures
from booking.availability.operations.change import AvailabilityChange, change_availability, days_around, deletion_of
from booking.availability.slots import extend, horizon_end
from booking.models import (
    DateOverride,
    FormerHours,
    Schedule,
    WorkingHours,
)
from booking.signals import reminders_reset
from scheduler_project.common.operations import operation

LAYOUT = ("timezone", "slot_minutes")
"""The parts of a schedule's policy that decide how weekly hours become slots."""


Hours = tuple[time, time]
"""The local start and end of a stretch. An end at or before the start lies on the next day."""


@operation
def open_schedule(*, provider: Provider, timezone: str, now: datetime) -> Schedule:
    """Create a new provider's schedule and slots: Monday to Friday, 09:00 to 17:00 local time."""
    lock_closures("pg_advisory_xact_lock_shared")
    schedule = Schedule.objects.create(provider=provider, timezone=timezone)
    WorkingHours.objects.bulk_create(
        WorkingHours(schedule=schedule, weekday=day, start_time=time(9), end_time=time(17))
        for day in (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
    )
    extend(schedule_id=schedule.pk, now=now)
    schedule.refresh_from_db()
    return schedule


def set_policy(*, provider_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> AvailabilityChange:
    """Change some of the schedule's `SETTINGS`."""

    def write(schedule: Schedule) -> Schedule:
        if any(changes.get(name, getattr(schedule, name)) != getattr(schedule, name) for name in LAYOUT):
            _remember_hours(schedule, now)
        for name, value in changes.items():
            setattr(schedule, name, value)
        schedule.slots_until = max(horizon_end(schedule, now), schedule.slots_until or now)
        schedule.save()
        if "reminder_offsets" in changes:
            reminders_reset.send(Schedule, schedule=schedule, service=None, now=now)
        return schedule

    return change_availability(provider_id, write, actor=actor, permission="booking.change_schedule", now=now)


def set_working_hours(
    *,
    provider_id: int,
    hours: Sequence[tuple[int, time, time]],
    actor: Actor,
    now: datetime,
) -> AvailabilityChange:
    """Replace the weekly hours by tuples of weekday (0 is Monday), local start and local end; overlaps are merged."""

    def write(schedule: Schedule) -> None:
        for _weekday, start, end in hours:
            _check_hours(schedule, start, end)
        if len({(weekday, start) for weekday, start, _end in hours}) != len(hours):
            raise BadHours(
                _("Two time ranges on the same weekday start at the same time. Change one of them."), field="hours"
            )
        kept = {(row.weekday, row.start_time, row.end_time): row.pk for row in schedule.working_hours.all()}
        if kept.keys() != set(hours):
            _remember_hours(schedule, now)
        schedule.working_hours.exclude(pk__in=[pk for stretch, pk in kept.items() if stretch in set(hours)]).delete()
        WorkingHours.objects.bulk_create(
            WorkingHours(schedule=schedule, weekday=weekday, start_time=start, end_time=end)
            for weekday, start, end in sorted(set(hours) - kept.keys())
        )

    return change_availability(provider_id, write, actor=actor, permission="booking.change_schedule", now=now)


def _remember_hours(schedule: Schedule, now: datetime) -> None:
    """Keep the weekly hours in force until now, so that past availability stays known (FormerHours)."""
    hours = schedule.working_hours.values_list("weekday", "start_time", "end_time")
    FormerHours.objects.create(
        schedule=schedule,
        until=now,
        timezone=schedule.timezone,
        slot_minutes=schedule.slot_minutes,
        hours=[[weekday, f"{start:%H:%M}", f"{end:%H:%M}"] for weekday, start, end in hours],
    )


def set_date_override(
    *, provider_id: int, day: date, hours: Iterable[Hours], actor: Actor, now: datetime
) -> AvailabilityChange:
    """Give one local date its own hours (none: closed), in place of the weekly ones that begin that day."""
    stretches = sorted(hours)

    def write(schedule: Schedule) -> DateOverride:
        for start, end in stretches:
            _check_hours(schedule, start, end)
        written = [[f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in stretches]
        return DateOverride.objects.update_or_create(schedule=schedule, date=day, defaults={"hours": written})[0]

    return change_availability(
        provider_id,
        write,
        actor=actor,
        permission="booking.change_dateoverride",
        now=now,
        around=days_around(day),
    )


def clear_date_override(*, override: DateOverride, actor: Actor, now: datetime) -> AvailabilityChange:
    """Remove the hours of a date, so that the weekly ones apply again."""
    provider_id = override.schedule.provider_id
    return change_availability(
        provider_id,
        deletion_of(override),
        actor=actor,
        permission="booking.delete_dateoverride",
        now=now,
        around=days_around(override.date),
    )


def _check_hours(schedule: Schedule, start: time, end: time) -> None:
    for name, value in (("start_time", start), ("end_time", end)):
        minutes = value.hour * 60 + value.minute
        if value.second or value.microsecond or minutes % schedule.slot_minutes:
            below = minutes - minutes % schedule.slot_minutes
            nearest = [_clock(below), _clock(below + schedule.slot_minutes)]
            raise OffGrid(
                _("%(time)s isn't on the %(step)d-minute grid. Choose %(below)s or %(above)s.")
                % {"time": value, "step": schedule.slot_minutes, "below": nearest[0], "above": nearest[1]},
                field=name,
                details={"nearest": nearest},
            )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
