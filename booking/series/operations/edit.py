"""Changing a series: one occurrence, one and those after it, or all to come."""

from collections.abc import Collection
from copy import copy
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.appointments.changes import locked_appointment, update_texts
from booking.appointments.enums import Action
from booking.appointments.permissions import check_allowed
from booking.availability.errors import InThePast
from booking.availability.slots import check_on_grid
from booking.models import Appointment, AppointmentSeries, Schedule, Service
from booking.reservations.claims import FURTHEST, offered
from booking.reservations.enums import Override
from booking.reservations.errors import TooFar
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.errors import BadRule, SeriesEnded
from booking.series.operations.booker import MOMENT, SeriesBooker, SeriesChange, end_of_booking, end_of_slots, last_end
from booking.series.operations.cancel import coming_date, end_before, locked_series, to_come
from booking.series.operations.rematch import Match, match_occurrences, move_occurrence, occurrence_date, rematch
from booking.series.recurrence import check_start, first_fitting, occurrences
from booking.series.rule import read
from scheduler_project.common.errors import NotFound, TryAgain
from scheduler_project.common.operations import operation
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.time.zones import to_utc

FAR = 9000
"""The year from which an end counts as none and is not moved."""


WORDS = ("title", "description", "reminder_offsets")


TIMES = ("starts", "rrule", "duration_minutes", "service_id")


@operation
def edit_series(
    *,
    series_id: int,
    scope: SeriesScope,
    changes: dict[str, Any],
    actor: Actor,
    now: datetime,
    occurrence: date | None = None,
    policy: ConflictPolicy = ConflictPolicy.ALL_OR_NOTHING,
    overrides: Collection[Override] | None = None,
) -> SeriesChange:
    """Change one occurrence, it and those after it, or all to come, in one transaction. Past ones stay.

    `changes`: title, description, reminder_offsets, rrule, duration_minutes, service_id, and `starts`, the local time
    to which the `occurrence` moves, and the others after it. What was changed on one appointment alone stays as it is.
    With `following` the series is split: the old one ends, and the new one is returned. Appointments are moved, not
    created anew, matched by date and then in order. For the provider and staff. Raises what `create_series` and
    `cancel_series` raise; on any error the original stays.
    """
    schedule, series = locked_series(series_id, actor, now)
    service = series.service
    if "service_id" in changes:
        service = offered(schedule, changes["service_id"], actor)
    if scope == SeriesScope.THIS:
        day = coming_date(series, occurrence, now)
        return _edit_one(schedule, series, service, day, changes, actor, now, overrides)
    if scope == SeriesScope.FOLLOWING or occurrence is not None:
        day = coming_date(series, occurrence, now)
    else:
        day = _first_to_come(series, now)
    starts = _local(changes.get("starts"), series.zone)
    before, shift = copy(series), starts.date() - day if starts else timedelta()
    everything = scope == SeriesScope.ALL or day == series.start_date
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
        if before.generated_until > end_of_slots(schedule, now):
            raise TryAgain  # Slots are being regenerated: the missing ones would be noted as closed.
        after.generated_until = max(before.generated_until, end_of_booking(schedule, now))
    after.save()
    work = SeriesBooker(schedule, after, service, actor, now)
    old = to_come(before, now, date.min if everything else day)
    if anew:
        plan = match_occurrences(before, after, old, first, shift, now)
    else:
        plan = Match([(appointment, occurrence_date(appointment), appointment.starts_at) for appointment in old])
    rematch(work, before, plan)
    work.finish(policy)
    return work.change


def _first_to_come(series: AppointmentSeries, now: datetime) -> date:
    """Return the date of the next occurrence by the rule, wherever its appointment was moved."""
    for days in (40, 400, 4000, 40_000):
        coming = occurrences(series.rule, series.starts_local, series.zone, now + MOMENT, now + days * DAY)
        for day, _starts_at in coming:
            if day not in series.exdates:
                return day
    raise SeriesEnded


def _split(series: AppointmentSeries, day: date, actor: Actor, now: datetime) -> AppointmentSeries:
    """End a series before the occurrence of `day`. Return the rest, which begins there, not saved yet."""
    rest = copy(series)
    rest.pk = None
    rest._state = copy(series._state)  # noqa: SLF001  (what Django documents for copying an instance)
    rest._state.adding = True  # noqa: SLF001
    rest.created_by, rest.face, rest.created_at = actor.user, actor.source, now
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
    end_before(series, day, now)
    series.mark_changed(now)
    series.save()
    return rest


def _shift(series: AppointmentSeries, first: date, shift: timedelta, clock: time) -> None:
    """Move a series by days and to another time of day, with its end and its exceptions."""
    rule = series.rule
    if rule.until and rule.until.year < FAR:
        later = datetime.combine(first + shift, clock) - datetime.combine(first, series.start_time)
        moved = rule.until + (later if isinstance(rule.until, datetime) else shift)
        series.rrule = str(replace(rule, until=moved))
    series.start_date += shift
    series.start_time = clock
    series.exdates = [left_out + shift if left_out >= first else left_out for left_out in series.exdates]


def _redefine(series: AppointmentSeries, changes: dict[str, Any], service: Service | None, now: datetime) -> None:
    """Apply the other changes to a series. Raises BadRule, NotInRule, InThePast, TooFar."""
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
    series.ends_at = last_end(series)
    if series.ends_at and series.ends_at <= now:
        field = "start_time" if "starts" in changes else "rrule"
        raise InThePast(_("All dates in this series would be in the past."), field=field)


def _local(starts: datetime | None, zone: ZoneInfo) -> datetime | None:
    return starts.astimezone(zone).replace(tzinfo=None) if starts and starts.tzinfo else starts


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
    """Change the appointment of one date, which keeps that date as its name."""
    if "rrule" in changes:
        raise BadRule(_("A single occurrence can't have its own rule."))
    found = series.appointments.filter(occurrence=day).first()
    if found is None:
        raise NotFound(_("This occurrence has not been booked yet, or could not be."), field="from")
    appointment = locked_appointment(found.pk)
    check_allowed(Action.RESCHEDULE, appointment, actor, now)
    reservation = appointment.reservation
    starts = _local(changes.get("starts"), series.zone)
    starts_at = to_utc(starts, series.zone) if starts else appointment.starts_at
    if "service_id" not in changes:
        service = reservation.service
    length = reservation.length_for(service, changes.get("duration_minutes"))
    if overrides is not None:
        series.overrides = sorted(overrides)  # for this move only: the series is not saved
    work = SeriesBooker(schedule, series, service, actor, now)
    if (starts_at, length, service) != (appointment.starts_at, reservation.length, reservation.service):

        def call() -> Appointment:
            return move_occurrence(work, appointment, service, starts_at, length)

        if not work.attempt(day, starts_at, call, length):
            work.finish(ConflictPolicy.ALL_OR_NOTHING)
        work.change.moved.append(appointment)
    words = {name: changes[name] for name in WORDS if name in changes}
    update_texts(appointment, words, actor=actor, now=now)
    return work.change
