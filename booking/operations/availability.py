"""Operations on the times at which a provider can be booked. A change never destroys a booking (R6).

Every operation here answers what it did to the free slots, which coming appointments now lie outside the hours (each to
be kept, moved or cancelled) and which unconfirmed holds. In a `preview` it answers the same, and is rolled back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Provider
from booking.enums import COMING, LIVE, Weekday
from booking.errors import BadHours, EndsBeforeStart, InThePast, OffGrid, TooManyChanges
from booking.models import (
    Appointment,
    AvailabilityWindow,
    Closure,
    DateOverride,
    FormerHours,
    Reservation,
    Schedule,
    Slot,
    TimeOff,
    WorkingHours,
)
from booking.operations.reservations import check_on_grid, locked_schedule
from booking.operations.slots import HOUR, MANY_SLOTS, Laid, extend, follow_hours, horizon_end
from booking.queries import DAY, open_hours
from booking.signals import reminders_reset
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.operations import operation, preview
from scheduler_project.common.throttling import seconds_until
from scheduler_project.common.times import Interval, clipped, covers, floor_to_step, merged, without

CLOSURES = 0x636C6F73
"""The number of the advisory lock that keeps closures and new calendars apart."""

MOMENT = timedelta(microseconds=1)
LONGEST_WINDOW = timedelta(days=92)

LAYOUT = ("timezone", "slot_minutes")
"""The parts of a calendar's policy by which its weekly hours become slots."""

Hours = tuple[time, time]
"""Local start and end. An end at or before the start lies on the next day."""


Around = tuple[datetime, datetime] | Callable[[Schedule], tuple[datetime, datetime]] | None
"""The stretch a change touches, or how to find it once the schedule is locked; None for all of the calendar."""


@dataclass
class Change:
    """The effect of a change of availability; in a preview, the effect it would have."""

    slots_added: int = 0
    slots_removed: int = 0
    conflicts: list[Appointment] = field(default_factory=list)
    holds: list[Reservation] = field(default_factory=list)
    made: Any = None


@operation
def open_schedule(*, provider: Provider, timezone: str, now: datetime) -> Schedule:
    """Give a new provider a calendar: Monday to Friday, 09:00 to 17:00 local time, with its slots laid out."""
    _lock_closures("pg_advisory_xact_lock_shared")
    schedule = Schedule.objects.create(provider=provider, timezone=timezone)
    WorkingHours.objects.bulk_create(
        WorkingHours(schedule=schedule, weekday=day, start_time=time(9), end_time=time(17))
        for day in (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
    )
    extend(schedule_id=schedule.pk, now=now)
    schedule.refresh_from_db()
    return schedule


def set_policy(*, provider_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Change:
    """Change the schedule's timezone, slot length, notice, horizon, hold time or reminder offsets."""

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

    return _rearrange(provider_id, write, actor=actor, permission="booking.change_schedule", now=now)


def set_working_hours(
    *,
    provider_id: int,
    hours: Sequence[tuple[int, time, time]],
    actor: Actor,
    now: datetime,
) -> Change:
    """Replace the weekly hours: weekday (0 is Monday), local start, local end; several a day, overlaps are one."""

    def write(schedule: Schedule) -> None:
        for _weekday, start, end in hours:
            _check_hours(schedule, start, end)
        if len({(weekday, start) for weekday, start, _end in hours}) != len(hours):
            raise BadHours(_("Two stretches of the same weekday begin at the same time."), field="hours")
        kept = {(row.weekday, row.start_time, row.end_time): row.pk for row in schedule.working_hours.all()}
        if kept.keys() != set(hours):
            _remember_hours(schedule, now)
        schedule.working_hours.exclude(pk__in=[pk for stretch, pk in kept.items() if stretch in set(hours)]).delete()
        WorkingHours.objects.bulk_create(
            WorkingHours(schedule=schedule, weekday=weekday, start_time=start, end_time=end)
            for weekday, start, end in sorted(set(hours) - kept.keys())
        )

    return _rearrange(provider_id, write, actor=actor, permission="booking.change_schedule", now=now)


def _remember_hours(schedule: Schedule, now: datetime) -> None:
    """Keep the weekly hours as they have been until now: what was on offer stays known (FormerHours)."""
    hours = schedule.working_hours.values_list("weekday", "start_time", "end_time")
    FormerHours.objects.create(
        schedule=schedule,
        until=now,
        timezone=schedule.timezone,
        slot_minutes=schedule.slot_minutes,
        hours=[[weekday, f"{start:%H:%M}", f"{end:%H:%M}"] for weekday, start, end in hours],
    )


def set_date_override(*, provider_id: int, day: date, hours: Iterable[Hours], actor: Actor, now: datetime) -> Change:
    """Let one local date have hours of its own (none: closed), replacing the weekly ones that begin that day."""
    stretches = sorted(hours)

    def write(schedule: Schedule) -> DateOverride:
        for start, end in stretches:
            _check_hours(schedule, start, end)
        written = [[f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in stretches]
        return DateOverride.objects.update_or_create(schedule=schedule, date=day, defaults={"hours": written})[0]

    return _rearrange(
        provider_id,
        write,
        actor=actor,
        permission="booking.change_dateoverride",
        now=now,
        around=_day(day),
    )


def clear_date_override(*, override: DateOverride, actor: Actor, now: datetime) -> Change:
    """Let the weekly hours rule that date again."""
    provider_id = override.schedule.provider_id
    return _rearrange(
        provider_id,
        _delete(override),
        actor=actor,
        permission="booking.delete_dateoverride",
        now=now,
        around=_day(override.date),
    )


def open_window(
    *,
    provider_id: int,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
) -> Change:
    """Add a dated stretch of availability to the hours. Off the slot grid: OffGrid with the nearest aligned times."""

    def write(schedule: Schedule) -> AvailabilityWindow:
        _check_on_grid(schedule, starts_at, ends_at)
        return AvailabilityWindow.objects.create(schedule=schedule, starts_at=starts_at, ends_at=ends_at)

    _check_window(starts_at, ends_at, now)
    return _rearrange(
        provider_id,
        write,
        actor=actor,
        permission="booking.add_availabilitywindow",
        now=now,
        around=(starts_at, ends_at),
    )


def move_window(
    *,
    window: AvailabilityWindow,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
) -> Change:
    """Let a dated stretch of availability begin and end at other times. Raises as opening one does, and NotFound."""

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
    return _rearrange(
        window.schedule.provider_id,
        write,
        actor=actor,
        permission="booking.change_availabilitywindow",
        now=now,
        around=around,
    )


def close_window(*, window: AvailabilityWindow, actor: Actor, now: datetime) -> Change:
    """Take a dated stretch of availability back."""
    around = (window.starts_at, window.ends_at)
    return _rearrange(
        window.schedule.provider_id,
        _delete(window),
        actor=actor,
        permission="booking.delete_availabilitywindow",
        now=now,
        around=around,
    )


def take_time_off(*, provider_id: int, fields: dict[str, Any], actor: Actor, now: datetime) -> Change:
    """Be away: `starts_at` and `ends_at` (instants), or `start_date` and `end_date` (local days, both included)."""

    def write(schedule: Schedule) -> TimeOff:
        return TimeOff.objects.create(schedule=schedule, **fields)

    around = _check_absence(TimeOff(**fields))
    return _rearrange(provider_id, write, actor=actor, permission="booking.add_timeoff", now=now, around=around)


def change_time_off(*, time_off: TimeOff, fields: dict[str, Any], actor: Actor, now: datetime) -> Change:
    """Move or lengthen an absence, or change its reason."""

    def changed(schedule: Schedule) -> TimeOff:
        row = _as_it_is(schedule, time_off)
        for name, value in fields.items():
            setattr(row, name, value)
        return row

    def around(schedule: Schedule) -> tuple[datetime, datetime]:
        before, after = _check_absence(_as_it_is(schedule, time_off)), _check_absence(changed(schedule))
        return min(before[0], after[0]), max(before[1], after[1])

    def write(schedule: Schedule) -> TimeOff:
        row = changed(schedule)
        row.save(update_fields=list(fields))
        return row

    provider_id = time_off.schedule.provider_id
    return _rearrange(provider_id, write, actor=actor, permission="booking.change_timeoff", now=now, around=around)


def end_time_off(*, time_off: TimeOff, actor: Actor, now: datetime) -> Change:
    """Take an absence back: its hours can be booked again."""

    def around(schedule: Schedule) -> tuple[datetime, datetime]:
        return _check_absence(_as_it_is(schedule, time_off))

    provider_id = time_off.schedule.provider_id
    return _rearrange(
        provider_id,
        _delete(time_off),
        actor=actor,
        permission="booking.delete_timeoff",
        now=now,
        around=around,
    )


@operation
def close_business(*, fields: dict[str, Any], actor: Actor, now: datetime) -> Change:
    """Close for everybody: time off for every provider, whole days in each one's own timezone. Staff only.

    `conflicts` are the coming appointments that fall into it. Works on all calendars at once, a statement or two per
    timezone, for it holds all their locks.
    """
    closure = _closure(fields, actor)
    _lock_closures("pg_advisory_xact_lock")
    change = Change(made=closure)
    closure.save()
    for slots in _closed_slots(change, Schedule.objects.select_for_update(no_key=True), now):
        change.slots_removed += slots.filter(reservation=None).delete()[0]
        slots.exclude(reservation=None).update(withdrawn=True)
    return change


def preview_closing(*, fields: dict[str, Any], actor: Actor, now: datetime) -> Change:
    """Return what `close_business` would do. It is counted, not done: whoever looks must not lock every calendar."""
    change = Change(made=_closure(fields, actor))
    for slots in _closed_slots(change, Schedule.objects.all(), now):
        change.slots_removed += slots.filter(reservation=None).count()
    return change


def _closure(fields: dict[str, Any], actor: Actor) -> Closure:
    if not actor.may("booking.add_closure"):
        raise NotAllowed
    closure = Closure(**fields)
    _check_absence(closure)
    return closure


def _closed_slots(change: Change, schedules: QuerySet[Schedule], now: datetime) -> Iterator[QuerySet[Slot]]:
    """Yield the slots that the closure of `change` takes, a timezone at a time. Note what was booked in its time."""
    providers: dict[str, list[int]] = {}
    for zone, provider_id in schedules.order_by("pk").values_list("timezone", "provider"):
        providers.setdefault(zone, []).append(provider_id)
    for zone, those in providers.items():
        start, end = change.made.interval(ZoneInfo(zone))
        start = max(start, now)
        yield Slot.objects.filter(
            provider__in=those, starts_at__gt=start - HOUR, starts_at__lt=end, ends_at__gt=start
        ).order_by()
        for name, found in _booked(start, end, now, provider__in=those).items():
            setattr(change, name, getattr(change, name) + found)


def reopen_business(*, closure: Closure, actor: Actor, now: datetime) -> Change:
    """Take a closure back. Staff only.

    Each calendar is laid out in a transaction of its own, so that none waits for the others. Raises NotFound.
    """
    around = _check_absence(closure)
    _take_closure_back(closure, actor=actor)
    change = Change()
    for provider_id in list(Schedule.objects.order_by("pk").values_list("provider", flat=True)):
        _count(change, _reopen_calendar(provider_id, around, now))
    return change


def preview_reopening(*, closure: Closure, actor: Actor, now: datetime) -> Change:
    """Return what `reopen_business` would do, without its locks: whoever looks must not lock every calendar."""
    around = _check_absence(closure)

    def reopen() -> Change:
        _take_closure_back(closure, actor=actor)
        change = Change()
        for schedule in Schedule.objects.order_by("pk"):
            _count(change, _lay_out_around(schedule, around, now))
        return change

    return preview(reopen)


@operation
def _take_closure_back(closure: Closure, *, actor: Actor) -> None:
    if not actor.may("booking.delete_closure"):
        raise NotAllowed
    if not Closure.objects.filter(pk=closure.pk).delete()[0]:
        raise NotFound


@operation
def _reopen_calendar(provider_id: int, around: tuple[datetime, datetime], now: datetime) -> Laid:
    return _lay_out_around(locked_schedule(provider_id), around, now)


def _lay_out_around(schedule: Schedule, around: tuple[datetime, datetime], now: datetime) -> Laid:
    start, until = max(around[0] - DAY, _this_hour(now)), around[1] + DAY
    return follow_hours(schedule=schedule, start=start, until=min(until, schedule.slots_until or until), now=now)


def _count(change: Change, laid: Laid) -> None:
    change.slots_added += laid.added
    change.slots_removed += laid.removed


def _lock_closures(function: str) -> None:
    """Keep closures (exclusive) and new calendars (shared) apart: a calendar laid out meanwhile would stay open."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [CLOSURES])


def _booked(start: datetime, until: datetime, now: datetime, **providers: Any) -> dict[str, list[Any]]:
    """The coming appointments and the live holds that overlap `[start, until)`, in order."""
    overlapping = Reservation.objects.filter(
        starts_at__lt=until, ends_at__gt=start, status__in=LIVE, **providers
    ).order_by("starts_at", "pk")
    coming = Appointment.objects.detailed().filter(status__in=COMING, reservation__in=overlapping)
    return {
        "conflicts": list(coming.order_by("reservation__starts_at", "pk")),
        "holds": list(overlapping.held(now=now)),
    }


@operation
def _rearrange(
    provider_id: int,
    write: Callable[[Schedule], Any],
    *,
    actor: Actor,
    permission: str,
    now: datetime,
    around: Around = None,
) -> Change:
    """Lock the calendar, let `write` change it, make the slots follow, and find the appointments left outside.

    `around` narrows the work to the days it touches. Raises TooManyChanges, but for staff.
    """
    if not actor.runs(provider_id, permission):
        raise NotAllowed
    if not actor.may(permission):
        _check_rate("hours", provider_id)
    schedule = locked_schedule(provider_id)
    last_booked = Reservation.objects.filter(provider=provider_id).aggregate(Max("ends_at"))["ends_at__max"]
    last_slot = Slot.objects.filter(provider=provider_id).aggregate(Max("starts_at"))["starts_at__max"]
    start = _this_hour(now)
    slots_end = max(schedule.slots_until or start, last_slot + MOMENT if last_slot else start)
    until = max(slots_end, last_booked or start, horizon_end(schedule, now)) + DAY
    if callable(around):
        around = around(schedule)
    if around is not None:
        start, until = max(start, around[0] - DAY), min(until, around[1] + DAY)
    before = merged(open_hours(schedule, start, until))
    was = Layout.of(schedule)
    change = Change(made=write(schedule))
    schedule = Schedule.objects.select_related("provider").get(pk=schedule.pk)
    if around is None:
        until = max(until, horizon_end(schedule, now) + DAY)
    if start < until:
        after = merged(open_hours(schedule, start, until))
        slots_end = max(slots_end, schedule.slots_until or start, horizon_end(schedule, now))
        changed = _changed(was, Layout.of(schedule), before, after, start, min(until, slots_end))
        if not actor.may(permission) and _slots_in(after, schedule.slot, *changed) > MANY_SLOTS:
            _check_rate("hours_large", provider_id)
        reach(Failpoint.HOURS_CHANGED)
        laid = follow_hours(schedule=schedule, start=changed[0], until=changed[1], now=now)
        _count(change, laid)
        _note_stranded(change, schedule, before, after, start, until, now)
    return change


class Layout(NamedTuple):
    """The timezone and slot length that cut a calendar into slots, and the instant up to which slots exist."""

    timezone: str
    slot_minutes: int
    until: datetime | None

    @classmethod
    def of(cls, schedule: Schedule) -> "Layout":
        return cls(schedule.timezone, schedule.slot_minutes, schedule.slots_until)


def _changed(
    was: Layout, is_now: Layout, before: list[Interval], after: list[Interval], start: datetime, until: datetime
) -> Interval:
    """The stretch within `[start, until)` whose slots are other ones now: of another grid all are.

    Laying out what stays as it is would cost as much as what changes.
    """
    if was[:2] != is_now[:2]:
        return start, until
    differs = without(before, after) + without(after, before)
    if was.until != is_now.until:
        differs.append((was.until or start, until))
    if not differs:
        return until, until
    first = floor_to_step(min(differs)[0], HOUR, timedelta()) - HOUR  # What is withdrawn there may reach into it.
    return max(start, first), min(until, max(end for _begin, end in differs))


def _slots_in(hours: list[Interval], slot: timedelta, start: datetime, until: datetime) -> int:
    return sum(((end - begin) // slot for begin, end in clipped(hours, start, until)), 0)


def _check_rate(scope: str, provider_id: int) -> None:
    """Count one more change of a provider's hours; of a large calendar each costs a second of CPU."""
    seconds = seconds_until(scope, f"provider:{provider_id}")
    if seconds is not None:
        raise TooManyChanges(retry_after=seconds)


def _note_stranded(
    change: Change,
    schedule: Schedule,
    before: list[Interval],
    after: list[Interval],
    start: datetime,
    until: datetime,
    now: datetime,
) -> None:
    for name, found in _booked(start, until, now, provider=schedule.provider_id).items():
        stranded = [
            booking
            for booking in found
            if covers(before, booking.starts_at, booking.ends_at)
            and not covers(after, booking.starts_at, booking.ends_at)
        ]
        setattr(change, name, getattr(change, name) + stranded)


def _delete(row: Any) -> Callable[[Schedule], None]:
    def write(schedule: Schedule) -> None:
        deleted, _rows = type(row).objects.filter(pk=row.pk).delete()
        if not deleted:
            raise NotFound

    return write


def _as_it_is(schedule: Schedule, time_off: TimeOff) -> TimeOff:
    """The absence as it stands now that the schedule is locked; somebody may have changed or deleted it since."""
    row = schedule.time_off.filter(pk=time_off.pk).first()
    if row is None:
        raise NotFound
    return row


def _this_hour(now: datetime) -> datetime:
    return floor_to_step(now, HOUR, timedelta())


def _day(day: date) -> tuple[datetime, datetime]:
    """A local day wherever it is, in UTC: no zone is further off than a day."""
    midnight = datetime.combine(day, time.min, UTC)
    return midnight - DAY, midnight + 3 * DAY


def _check_hours(schedule: Schedule, start: time, end: time) -> None:
    for name, value in (("start_time", start), ("end_time", end)):
        minutes = value.hour * 60 + value.minute
        if value.second or value.microsecond or minutes % schedule.slot_minutes:
            below = minutes - minutes % schedule.slot_minutes
            nearest = [_clock(below), _clock(below + schedule.slot_minutes)]
            raise OffGrid(
                _("%(time)s is not on the %(step)d-minute grid. The nearest are %(below)s and %(above)s.")
                % {"time": value, "step": schedule.slot_minutes, "below": nearest[0], "above": nearest[1]},
                field=name,
                details={"nearest": nearest},
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


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _check_absence(absence: TimeOff | Closure) -> tuple[datetime, datetime]:
    """The days an absence touches, in UTC and generously. Raises BadHours unless it is one kind of stretch."""
    starts_at, ends_at, first, last = absence.starts_at, absence.ends_at, absence.start_date, absence.end_date
    if starts_at and ends_at and not (first or last):
        if ends_at <= starts_at:
            raise EndsBeforeStart(field="end_time")
        return starts_at, ends_at
    if first and last and not (starts_at or ends_at):
        if last < first:
            raise EndsBeforeStart(field="end_date")
        return _day(first)[0], _day(last)[1]
    raise BadHours(_("Give start_time and end_time, or start_date and end_date."), field="start_time")
