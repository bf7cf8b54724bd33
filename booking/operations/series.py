"""Recurring appointments: previewed, booked, kept booked up to the horizon, changed and cancelled (R14).

Every occurrence is an ordinary appointment that went through `claim`. Whoever changes a series holds the schedule's
lock, so that two who generate the same one take turns; the unique date of an occurrence stands behind that.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.enums import COMING, Action, AppointmentStatus, Override, Policy, Scope
from booking.errors import (
    BadRule,
    InThePast,
    Missing,
    NotInRule,
    NotOffered,
    OffGrid,
    OutsideHours,
    SeriesConflict,
    SeriesEnded,
    SlotTaken,
    TooFar,
    TooSoon,
)
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Schedule, Service
from booking.operations.appointments import (
    act,
    appoint,
    check_allowed,
    do,
    except_date,
    locked_appointment,
    move_to,
    reword,
    untitled,
)
from booking.operations.reservations import (
    FURTHEST,
    check_on_grid,
    claim,
    lock_client,
    locked_schedule,
    offered,
)
from booking.queries import DAY, FreeTime, Search, free_times
from booking.recurrence import check_start, first_fitting, last_date, occurrences, read
from booking.signals import series_changed
from scheduler_project.common.errors import DomainError, NotAllowed, NotFound, TryAgain
from scheduler_project.common.operations import operation
from scheduler_project.common.times import rfc3339, to_utc

MOMENT = timedelta(microseconds=1)
NEARBY = 14 * DAY
"""How far from an occurrence that cannot be booked the nearest free time may be."""

FAR = 9000
"""A year after which an end is as good as none, and is left alone."""

MOST_FREE = 50_000
GAPS_KEPT = relativedelta(years=1)
"""For how long a series remembers what could not be booked, reckoned from that date."""

CONFLICTS = (SlotTaken, OutsideHours, TooSoon, TooFar, InThePast, OffGrid)
"""What may keep one occurrence from being booked and not the others."""


@dataclass(frozen=True)
class Wanted:
    """A series somebody asks for.

    `starts` is a local time of `timezone` if it is naive. Left out: the timezone is the provider's, the duration the
    service's or one slot.
    """

    provider_id: int
    client_id: int
    rrule: str
    starts: datetime
    timezone: str = ""
    service_id: int | None = None
    duration_minutes: int | None = None
    title: str = ""
    description: str = ""
    exdates: Collection[date] = ()
    reminder_offsets: list[str] | None = None
    overrides: Collection[Override] = ()


@dataclass
class Conflict:
    """An occurrence that cannot be booked: why, and the nearest free time within a fortnight, if there is one."""

    occurrence: date
    starts_at: datetime
    ends_at: datetime
    error: DomainError
    nearest: FreeTime | None = None

    def told(self) -> dict[str, Any]:
        """For programs that read an error."""
        nearest = self.nearest
        return {
            "occurrence": self.occurrence.isoformat(),
            "start_time": rfc3339(self.starts_at),
            "end_time": rfc3339(self.ends_at),
            "reason": self.error.code,
            "detail": str(self.error.message),
            "nearest": nearest
            and {
                "slot": nearest.slot_id,
                "start_time": rfc3339(nearest.starts_at),
                "end_time": rfc3339(nearest.ends_at),
            },
        }


@dataclass
class SeriesChange:
    """What was done to a series, or in a preview would be."""

    series: AppointmentSeries
    booked: list[Appointment] = field(default_factory=list)
    moved: list[Appointment] = field(default_factory=list)
    cancelled: list[Appointment] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


# --- Making -----------------------------------------------------------------------------------------------------------


def preview_series(*, wanted: Wanted, actor: Actor, now: datetime) -> SeriesChange:
    """What `create_series` would book, and what it could not. Nothing is changed."""
    return _create(wanted, None, actor, now)


def create_series(*, wanted: Wanted, policy: Policy, actor: Actor, now: datetime) -> SeriesChange:
    """Begin a series and book its occurrences up to the provider's booking horizon, in one transaction.

    For the provider and staff. With `all_or_nothing` raises SeriesConflict, listing every occurrence that cannot be
    booked, if there is any; with `skip_conflicts` those are left out. Also raises BadRule, NotInRule, and what
    `reserve` does. Occurrences that have passed are not booked.
    """
    return _create(wanted, policy, actor, now)


@operation
def _create(wanted: Wanted, policy: Policy | None, actor: Actor, now: datetime) -> SeriesChange:
    with transaction.atomic():
        lock_client(wanted.client_id)
        schedule = locked_schedule(wanted.provider_id)
        _check_runs(schedule, actor)
        service = offered(schedule, wanted.service_id, actor)
        series = _begun(wanted, schedule, service, actor, now)
        series.save()
        work = _Work(schedule, series, service, actor, now, preview=policy is None)
        work.book_between(now + MOMENT, series.generated_until)
        work.finish(policy)
        if policy is None:
            transaction.set_rollback(True)
    return work.change


def _check_runs(schedule: Schedule, actor: Actor) -> None:
    if actor.runs(schedule.provider_id):
        return
    if not (schedule.provider_is_active and schedule.provider_is_approved):
        raise NotFound(field="provider")
    raise NotAllowed(_("Only the provider and staff arrange a series. Please ask for one."))


def _begun(
    wanted: Wanted, schedule: Schedule, service: Service | None, actor: Actor, now: datetime
) -> AppointmentSeries:
    zone = ZoneInfo(wanted.timezone or schedule.timezone)
    starts = wanted.starts
    if starts.tzinfo is not None:
        starts = starts.astimezone(zone).replace(tzinfo=None)
    series = AppointmentSeries(  # type: ignore[misc]  # an ArrayField that may be NULL
        provider_id=wanted.provider_id,
        client_id=wanted.client_id,
        service=service,
        title=wanted.title,
        description=wanted.description,
        start_date=starts.date(),
        start_time=starts.time(),
        timezone=zone.key,
        duration_minutes=wanted.duration_minutes or (service.duration_minutes if service else schedule.slot_minutes),
        rrule=str(read(wanted.rrule)),
        exdates=sorted(set(wanted.exdates)),
        overrides=sorted(wanted.overrides),
        reminder_offsets=wanted.reminder_offsets,
        generated_until=_reach(schedule, now),
        created_by=actor.user,
        face=actor.face,
        created_at=now,
        updated_at=now,
    )
    first = series.instant(series.start_date)
    check_start(series.rule, starts, zone)
    check_on_grid(schedule, first, field="start_time")
    if first >= now + FURTHEST:
        raise TooFar(field="start_time")
    series.ends_at = _end(series)
    if series.ends_at and series.ends_at <= now:
        raise InThePast(_("All of this series has passed."), field="start_time")
    return series


def _reach(schedule: Schedule, now: datetime) -> datetime:
    """Until when occurrences are booked: the booking horizon, or where the slots end if their job has fallen behind."""
    return min(now + schedule.horizon, max((schedule.slots_until or now) - DAY, now))


def _end(series: AppointmentSeries) -> datetime | None:
    last = last_date(series.rule, series.starts_local, series.zone)
    return series.instant(last) + series.duration if last else None


class _Work:
    """One transaction's work on a series. Each occurrence is tried by itself; what cannot be booked is noted."""

    def __init__(
        self,
        schedule: Schedule,
        series: AppointmentSeries,
        service: Service | None,
        actor: Actor,
        now: datetime,
        *,
        preview: bool = False,
    ) -> None:
        self.preview = preview
        self.schedule, self.series, self.service, self.actor, self.now = schedule, series, service, actor, now
        self.change = SeriesChange(series)
        self.events: list[AppointmentEvent] = []
        self.unbooked: list[Conflict] = []

    def book_between(self, since: datetime, until: datetime, refused: DomainError | None = None) -> None:
        """Book the occurrences of `[since, until)` that have never been; or note for each that it was `refused`."""
        series = self.series
        settled = set(series.appointments.exclude(occurrence=None).values_list("occurrence", flat=True))
        settled.update(series.exdates)
        for day, starts_at in occurrences(series.rule, series.starts_local, series.zone, since, until):
            if day in settled:
                continue
            if refused:
                self.unbooked.append(self.note(day, starts_at, refused))
            else:
                self.book(day, starts_at)

    def book(self, day: date, starts_at: datetime) -> None:
        made = self.attempt(day, starts_at, lambda: self._book(day, starts_at))
        if made:
            self.change.booked.append(made)
        else:
            self.unbooked.append(self.change.conflicts[-1])

    def attempt(
        self, day: date, starts_at: datetime, deed: Callable[[], Appointment], length: timedelta | None = None
    ) -> Appointment | None:
        """Do `deed`, or undo it and note why it cannot be done."""
        try:
            with transaction.atomic():
                return deed()
        except CONFLICTS as refusal:
            self.note(day, starts_at, refusal, length)
            return None

    def note(self, day: date, starts_at: datetime, refusal: DomainError, length: timedelta | None = None) -> Conflict:
        conflict = Conflict(day, starts_at, starts_at + (length or self.series.duration), refusal)
        self.change.conflicts.append(conflict)
        return conflict

    def _book(self, day: date, starts_at: datetime) -> Appointment:
        series = self.series
        reservation = claim(
            schedule=self.schedule,
            service=self.service,
            client_id=series.client_id,
            starts_at=starts_at,
            length=series.duration,
            expires_at=None,
            actor=self.actor,
            now=self.now,
            overrides=[Override(name) for name in series.overrides],
        )
        reservation.provider, reservation.client, reservation.service = series.provider, series.client, self.service
        if self.preview:
            return Appointment(reservation=reservation, occurrence=day, status=AppointmentStatus.SCHEDULED)
        return appoint(
            reservation,
            actor=self.actor,
            now=self.now,
            title=series.title,
            description=series.description,
            timezone=series.timezone,
            reminder_offsets=series.reminder_offsets,
            series=series,
            occurrence=day,
            among=self.events,
        )

    def finish(self, policy: Policy | None) -> None:
        """Write down what is left out; or raise SeriesConflict if nothing may be."""
        conflicts = self.change.conflicts
        if conflicts:
            _find_nearest(conflicts, self.schedule, self.service, self.now)
        if conflicts and policy == Policy.ALL_OR_NOTHING:
            raise SeriesConflict(details={"conflicts": [conflict.told() for conflict in conflicts]})
        self.write_gaps()
        self.series.updated_at = self.now
        self.series.save()
        if policy is not None:
            _tell(self.events, self.now)

    def write_gaps(self) -> None:
        """Remember the dates that have no appointment, and why; forget those that have got one."""
        oldest = (self.now - GAPS_KEPT).date().isoformat()
        found = {gap["occurrence"]: gap for gap in self.series.gaps if gap["occurrence"] >= oldest}
        for made in self.change.booked + self.change.moved:
            found.pop(str(made.occurrence), None)
        for conflict in self.unbooked:
            day = conflict.occurrence.isoformat()
            found[day] = {"occurrence": day, "reason": conflict.error.code}
        self.series.gaps = [found[day] for day in sorted(found)]


def _tell(events: list[AppointmentEvent], now: datetime) -> None:
    if events:
        series_changed.send(AppointmentSeries, events=events, now=now)


def _find_nearest(conflicts: Collection[Conflict], schedule: Schedule, service: Service | None, now: datetime) -> None:
    """Look up the free times around, in one statement; inside the transaction, so that none is the series' own."""
    likewise = Service(
        duration_minutes=max(conflict.ends_at - conflict.starts_at for conflict in conflicts) // timedelta(minutes=1),
        buffer_before_minutes=service.buffer_before_minutes if service else 0,
        buffer_after_minutes=service.buffer_after_minutes if service else 0,
    )
    first = max(min(conflict.starts_at for conflict in conflicts) - NEARBY, now)
    until = max(conflict.starts_at for conflict in conflicts) + NEARBY
    search = Search(first, until, now, schedule.provider_id, likewise, hidden=True)
    free = free_times(search, limit=MOST_FREE) if first < until else []
    starts = [one.starts_at for one in free]
    for conflict in conflicts:
        place = bisect_left(starts, conflict.starts_at)
        around = free[max(0, place - 1) : place + 1]
        nearest = min(around, key=lambda one: abs(one.starts_at - conflict.starts_at), default=None)
        if nearest and abs(nearest.starts_at - conflict.starts_at) <= NEARBY:
            conflict.nearest = nearest


# --- Extending --------------------------------------------------------------------------------------------------------


@operation
def extend_series(*, series_id: int, now: datetime, actor: Actor) -> int:
    """Book what has come within the booking horizon since last time. Returns how many appointments it made.

    What cannot be booked is left out and noted in `gaps`. Running it twice does nothing the second time. A provider who
    takes no bookings is left alone until they do. Nobody is told: both sides asked for the series, and are reminded.
    """
    series = AppointmentSeries.objects.detailed().filter(pk=series_id).first()
    if series is None:
        return 0
    schedule = locked_schedule(series.provider_id)
    series.refresh_from_db()
    until = _reach(schedule, now)
    if series.cancelled_at or not schedule.provider_is_active or until <= series.generated_until:
        return 0
    service, refused = None, None
    try:
        service = offered(schedule, series.service_id, actor)
    except NotOffered as refusal:
        refused = refusal
    work = _Work(schedule, series, service, actor, now)
    work.book_between(series.generated_until, until, refused)
    series.generated_until = until
    work.write_gaps()
    series.save(update_fields=["generated_until", "gaps"])
    return len(work.change.booked)


def extend_all_series(*, now: datetime, actor: Actor) -> int:
    """Extend every active series, each in a transaction of its own. Returns how many appointments were made.

    One whose turn is lost to a deadlock is taken up in the next round.
    """
    made = 0
    for series_id in list(AppointmentSeries.objects.active(now=now).order_by("pk").values_list("pk", flat=True)):
        with suppress(TryAgain):
            made += extend_series(series_id=series_id, now=now, actor=actor)
    return made


# --- Cancelling -------------------------------------------------------------------------------------------------------


@operation
def cancel_series(
    *,
    series_id: int,
    scope: Scope,
    actor: Actor,
    now: datetime,
    occurrence: date | None = None,
    reason: str = "",
) -> SeriesChange:
    """Cancel one occurrence (an exception from then on), it and those after it, or all to come. Past ones stand.

    For the provider and staff. `occurrence` says which: a local date the rule gives. Raises SeriesEnded, NotInRule,
    InThePast, BadTransition; NotAllowed, NotFound.
    """
    _schedule, series = _locked(series_id, actor, now)
    change, events = SeriesChange(series), list[AppointmentEvent]()
    if scope == Scope.ALL:
        series.cancelled_at = now
        change.cancelled = _cancel(_to_come(series, now), events, actor, now, reason)
    elif scope == Scope.THIS:
        day = _coming_date(series, occurrence, now)
        made = series.appointments.filter(occurrence=day).first()
        if made:
            change.cancelled.append(
                act(appointment_id=made.pk, action=Action.CANCEL, actor=actor, now=now, reason=reason)
            )
            series.refresh_from_db()
        else:
            except_date(series, day, now)
    else:
        day = _coming_date(series, occurrence, now)
        _end_before(series, day, now)
        change.cancelled = _cancel(_to_come(series, now, day), events, actor, now, reason)
    series.updated_at = now
    series.save()
    _tell(events, now)
    return change


def _locked(series_id: int, actor: Actor, now: datetime) -> tuple[Schedule, AppointmentSeries]:
    """The series and the schedule it is booked in, whose lock keeps others from both. Raises SeriesEnded."""
    provider_id = AppointmentSeries.objects.filter(pk=series_id).values_list("provider", flat=True).first()
    if provider_id is None:
        raise NotFound
    schedule = locked_schedule(provider_id)
    if not actor.runs(provider_id):
        raise NotAllowed(_("Only the provider and staff change a series."))
    series = AppointmentSeries.objects.detailed().get(pk=series_id)
    if not series.is_active(now):
        raise SeriesEnded
    return schedule, series


def _coming_date(series: AppointmentSeries, day: date | None, now: datetime) -> date:
    """The date, if the rule gives it and it has not passed."""
    if day is None:
        raise Missing(_("Say which occurrence, by its date."), field="from")
    around = datetime.combine(day, series.start_time, UTC)
    given = dict(occurrences(series.rule, series.starts_local, series.zone, around - 2 * DAY, around + 2 * DAY))
    if day not in given:
        raise NotInRule(field="from")
    if given[day] <= now:
        raise InThePast(field="from")
    return day


def _to_come(series: AppointmentSeries, now: datetime, day: date = date.min) -> list[Appointment]:
    """The appointments of a series that have yet to begin, from the occurrence of `day` on; locked, in order."""
    return list(
        Appointment.objects.detailed()
        .filter(series=series, occurrence__gte=day, status__in=COMING, reservation__starts_at__gt=now)
        .select_for_update(of=("self", "reservation"), no_key=True)
        .order_by("occurrence")
    )


def _cancel(
    appointments: Iterable[Appointment], events: list[AppointmentEvent], actor: Actor, now: datetime, reason: str
) -> list[Appointment]:
    return [
        do(appointment, Action.CANCEL, actor=actor, now=now, reason=reason, among=events)
        for appointment in appointments
    ]


def _end_before(series: AppointmentSeries, day: date, now: datetime) -> None:
    """Let the rule end before the occurrence of `day`; a series that begins with it is cancelled."""
    if day == series.start_date:
        series.cancelled_at = now
        return
    until = (series.instant(day) - timedelta(seconds=1)).replace(microsecond=0)
    series.rrule = str(replace(series.rule, count=None, until=until))
    series.ends_at = _end(series)


# --- Changing ---------------------------------------------------------------------------------------------------------

WORDS = ("title", "description", "reminder_offsets")
TIMES = ("starts", "rrule", "duration_minutes", "service_id")


@operation
def edit_series(
    *,
    series_id: int,
    scope: Scope,
    changes: dict[str, Any],
    actor: Actor,
    now: datetime,
    occurrence: date | None = None,
    policy: Policy = Policy.ALL_OR_NOTHING,
    overrides: Collection[Override] | None = None,
) -> SeriesChange:
    """Change one occurrence, it and those after it, or all to come, in one transaction. Past ones stand.

    `changes`: title, description, reminder_offsets, rrule, duration_minutes, service_id, and `starts`, the local time
    to which the `occurrence` goes and the others after it. What was changed on an appointment by itself stays as it is.
    With `following` the series is split: the old one ends, the answer is the new one. Appointments are moved rather
    than made anew, by date and else in order. For the provider and staff. Raises what `create_series` and
    `cancel_series` do; on any refusal the original stands.
    """
    schedule, series = _locked(series_id, actor, now)
    service = series.service
    if "service_id" in changes:
        service = offered(schedule, changes["service_id"], actor)
    if scope == Scope.THIS:
        day = _coming_date(series, occurrence, now)
        return _edit_one(schedule, series, service, day, changes, actor, now, overrides)
    if scope == Scope.FOLLOWING or occurrence is not None:
        day = _coming_date(series, occurrence, now)
    else:
        day = _first_to_come(series, now)
    starts = _local(changes.get("starts"), series.zone)
    before, shift = copy(series), starts.date() - day if starts else timedelta()
    everything = scope == Scope.ALL or day == series.start_date
    first = _first_to_come(series, now) if everything else day
    after = series if everything else _split(series, day, actor, now)
    if starts:
        check_on_grid(schedule, to_utc(starts, series.zone), field="start_time")
        _shift(after, first, shift, starts.time())
    _redefine(after, changes, service, now)
    if overrides is not None:
        after.overrides = sorted(overrides)
    anew = bool(changes.keys() & set(TIMES))
    if anew:
        after.generated_until = max(before.generated_until, _reach(schedule, now))
    after.save()
    work = _Work(schedule, after, service, actor, now)
    old = _to_come(before, now, date.min if everything else day)
    if anew:
        plan = _planned(before, after, old, first, shift, now)
    else:
        plan = _Plan([(appointment, _named(appointment), appointment.starts_at) for appointment in old])
    _follow(work, before, plan)
    work.finish(policy)
    return work.change


def _first_to_come(series: AppointmentSeries, now: datetime) -> date:
    """The date of the next occurrence, wherever it was moved."""
    for days in (40, 400, 4000, 40_000):
        coming = occurrences(series.rule, series.starts_local, series.zone, now + MOMENT, now + days * DAY)
        for day, _starts_at in coming:
            if day not in series.exdates:
                return day
    raise SeriesEnded


def _split(series: AppointmentSeries, day: date, actor: Actor, now: datetime) -> AppointmentSeries:
    """End a series before the occurrence of `day`; the rest of it, which begins there, not yet written."""
    rest = copy(series)
    rest.pk = None
    rest._state = copy(series._state)  # noqa: SLF001  (what Django documents for copying an instance)
    rest._state.adding = True  # noqa: SLF001
    rest.created_by, rest.face, rest.created_at = actor.user, actor.face, now
    rule = series.rule
    if rule.count is not None:
        earlier = occurrences(
            rule, series.starts_local, series.zone, series.instant(series.start_date) - DAY, series.instant(day)
        )
        rest.rrule = str(replace(rule, count=rule.count - len(earlier)))
    rest.start_date = day
    rest.exdates = [left_out for left_out in series.exdates if left_out >= day]
    rest.gaps = [gap for gap in series.gaps if gap["occurrence"] >= day.isoformat()]
    series.exdates = [left_out for left_out in series.exdates if left_out < day]
    series.gaps = [gap for gap in series.gaps if gap["occurrence"] < day.isoformat()]
    _end_before(series, day, now)
    series.updated_at = now
    series.save()
    return rest


def _shift(series: AppointmentSeries, first: date, shift: timedelta, clock: time) -> None:
    """Move a series by days and to another time of day; its end and its exceptions go along."""
    rule = series.rule
    if rule.until and rule.until.year < FAR:
        later = datetime.combine(first + shift, clock) - datetime.combine(first, series.start_time)
        moved = rule.until + (later if isinstance(rule.until, datetime) else shift)
        series.rrule = str(replace(rule, until=moved))
    series.start_date += shift
    series.start_time = clock
    series.exdates = [left_out + shift if left_out >= first else left_out for left_out in series.exdates]


def _redefine(series: AppointmentSeries, changes: dict[str, Any], service: Service | None, now: datetime) -> None:
    """Write the other changes into a series. Raises BadRule, NotInRule, InThePast."""
    if "rrule" in changes:
        series.rrule = str(read(changes["rrule"]))
        if "starts" not in changes:
            series.start_date = first_fitting(series.rule, series.start_date) or series.start_date
    if changes.keys() & {"starts", "rrule"}:
        check_start(series.rule, series.starts_local, series.zone)
        if series.instant(series.start_date) >= now + FURTHEST:
            raise TooFar(field="start_time")
    if "service_id" in changes and series.service_id != changes["service_id"]:
        series.service = service
        series.duration_minutes = service.duration_minutes if service else series.duration_minutes
    for name in (*WORDS, "duration_minutes"):
        if name in changes:
            setattr(series, name, changes[name])
    series.ends_at = _end(series)
    if series.ends_at and series.ends_at <= now:
        raise InThePast(_("All of this series would have passed."), field="rrule")


def _local(starts: datetime | None, zone: ZoneInfo) -> datetime | None:
    return starts.astimezone(zone).replace(tzinfo=None) if starts and starts.tzinfo else starts


@dataclass
class _Plan:
    """Which appointment becomes which occurrence, which are given up, and which occurrences have none yet."""

    pairs: list[tuple[Appointment, date, datetime]]
    given_up: list[Appointment] = field(default_factory=list)
    to_book: list[tuple[date, datetime]] = field(default_factory=list)


def _named(appointment: Appointment) -> date:
    assert appointment.occurrence is not None
    return appointment.occurrence


def _planned(
    before: AppointmentSeries,
    after: AppointmentSeries,
    old: list[Appointment],
    first: date,
    shift: timedelta,
    now: datetime,
) -> _Plan:
    """Match the appointments there are with the new occurrences: those of the same date, and the others in order.

    What was moved from before `first` into the future stays out of it.
    """
    strays = [appointment for appointment in old if _named(appointment) < first]
    old = [appointment for appointment in old if _named(appointment) >= first]
    by_date = {_named(appointment): appointment for appointment in old}
    others = before.appointments.exclude(occurrence=None).exclude(pk__in=[appointment.pk for appointment in old])
    settled = {day + shift if day >= first else day for day in others.values_list("occurrence", flat=True) if day}
    settled.update(after.exdates)
    new = {
        day: starts_at
        for day, starts_at in occurrences(after.rule, after.starts_local, after.zone, now - DAY, after.generated_until)
        if day >= first + shift and day not in settled and (starts_at > now or day in by_date)
    }
    pairs = [(by_date[day], day, starts_at) for day, starts_at in new.items() if day in by_date]
    pairs += [(appointment, _named(appointment), appointment.starts_at) for appointment in strays]
    left = [appointment for appointment in old if _named(appointment) not in new]
    right = [(day, starts_at) for day, starts_at in new.items() if day not in by_date]
    pairs += [(appointment, day, starts_at) for appointment, (day, starts_at) in zip(left, right, strict=False)]
    return _Plan(_in_passing_order(pairs), left[len(right) :], right[len(left) :])


def _in_passing_order(pairs: list[tuple[Appointment, date, datetime]]) -> list[tuple[Appointment, date, datetime]]:
    """Those that move to an earlier time from the front, then the others from the back: none is in another's way."""
    pairs = sorted(pairs, key=lambda pair: pair[2])
    earlier = [pair for pair in pairs if pair[2] < pair[0].starts_at]
    return earlier + [pair for pair in reversed(pairs) if pair[2] >= pair[0].starts_at]


def _follow(work: _Work, before: AppointmentSeries, plan: _Plan) -> None:
    """Let the appointments of a series be what it now says. One that cannot be moved stays where it is."""
    for appointment in plan.given_up:
        appointment.occurrence = None
        appointment.save(update_fields=["occurrence"])
    why = _("The series was changed.")
    work.change.cancelled = _cancel(plan.given_up, work.events, work.actor, work.now, why)
    for appointment, day, starts_at in plan.pairs:
        kept = _moved(work, before, appointment, day, starts_at) or locked_appointment(appointment.pk)
        kept.series, kept.occurrence = work.series, day
        kept.save(update_fields=["series", "occurrence"])
        reword(kept, _new_words(before, work.series, kept), actor=work.actor, now=work.now, among=work.events)
    for day, starts_at in plan.to_book:
        work.book(day, starts_at)
    work.change.booked.sort(key=lambda made: made.starts_at)
    work.change.moved.sort(key=lambda made: made.starts_at)


def _moved(
    work: _Work, before: AppointmentSeries, appointment: Appointment, day: date, starts_at: datetime
) -> Appointment | None:
    """The appointment at its new time, with its new length and service; None if it cannot be had.

    Whatever of these differs from what the series said before was changed by itself, and stays.
    """
    reservation, series = appointment.reservation, work.series
    if appointment.starts_at != before.instant(_named(appointment)):
        starts_at = appointment.starts_at
    length = series.duration if reservation.length == before.duration else reservation.length
    service = work.service if reservation.service_id == before.service_id else reservation.service
    if (starts_at, length, service) == (appointment.starts_at, reservation.length, reservation.service):
        return appointment

    def deed() -> Appointment:
        return _move(work, appointment, service, starts_at, length, work.events)

    moved = work.attempt(day, starts_at, deed, length)
    if moved:
        work.change.moved.append(moved)
    return moved


def _move(
    work: _Work,
    appointment: Appointment,
    service: Service | None,
    starts_at: datetime,
    length: timedelta,
    among: list[AppointmentEvent] | None = None,
) -> Appointment:
    return move_to(
        appointment,
        schedule=work.schedule,
        service=service,
        starts_at=starts_at,
        length=length,
        actor=work.actor,
        now=work.now,
        overrides=[Override(name) for name in work.series.overrides],
        among=among,
    )


def _new_words(before: AppointmentSeries, after: AppointmentSeries, appointment: Appointment) -> dict[str, Any]:
    """What the appointment says is to become, where it says what the series said."""
    return {
        name: new
        for (name, old), new in zip(_words(before).items(), _words(after).values(), strict=True)
        if getattr(appointment, name) == old
    }


def _words(series: AppointmentSeries) -> dict[str, Any]:
    return {
        "title": series.title or untitled(series.service),
        "description": series.description,
        "reminder_offsets": series.reminder_offsets,
    }


def _edit_one(
    schedule: Schedule,
    series: AppointmentSeries,
    service: Service | None,
    day: date,
    changes: dict[str, Any],
    actor: Actor,
    now: datetime,
    overrides: Collection[Override] | None,
) -> SeriesChange:
    """Change the appointment of one date: an exception that keeps its name."""
    if "rrule" in changes:
        raise BadRule(_("One occurrence has no rule of its own."))
    found = series.appointments.filter(occurrence=day).first()
    if found is None:
        raise NotFound(_("This occurrence has not been booked yet, or could not be."), field="from")
    appointment = locked_appointment(found.pk)
    check_allowed(Action.RESCHEDULE, appointment, actor, now)
    reservation = appointment.reservation
    starts = _local(changes.get("starts"), series.zone)
    starts_at = to_utc(starts, series.zone) if starts else appointment.starts_at
    length = reservation.length
    if "service_id" in changes and service and service != reservation.service:
        length = service.duration
    if "service_id" not in changes:
        service = reservation.service
    if "duration_minutes" in changes:
        length = timedelta(minutes=changes["duration_minutes"])
    if overrides is not None:
        series.overrides = sorted(overrides)  # of this move only: the series is not written
    work = _Work(schedule, series, service, actor, now)
    if (starts_at, length, service) != (appointment.starts_at, reservation.length, reservation.service):

        def deed() -> Appointment:
            return _move(work, appointment, service, starts_at, length)

        if not work.attempt(day, starts_at, deed, length):
            work.finish(Policy.ALL_OR_NOTHING)
        work.change.moved.append(appointment)
    words = {name: changes[name] for name in WORDS if name in changes}
    if words.get("title") == "":
        words["title"] = untitled(service)
    reword(appointment, words, actor=actor, now=now)
    return work.change
