"""Matching the appointments of a changed series with its new occurrences: they are moved, not created anew."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from booking.appointments.changes import default_title, locked_appointment, move_to, update_texts
from booking.appointments.enums import AppointmentStatus
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Service
from booking.reservations.enums import Override
from booking.series.operations.booker import SeriesBooker
from booking.series.operations.cancel import cancel_each
from booking.series.recurrence import occurrences
from scheduler_project.common.time.intervals import DAY


@dataclass
class Match:
    """A match of appointments and occurrences: the pairs, the appointments to cancel, and the occurrences to book.

    `ended` are appointments cancelled when the series ended before them; their dates can be booked anew.
    `renamed` are other appointments of dates to come, such as those cancelled by themselves. When a series is shifted,
    their names shift along, so that others can get their dates. None: an appointment of the past has the new name.
    """

    pairs: list[tuple[Appointment, date, datetime]]
    to_cancel: list[Appointment] = field(default_factory=list)
    to_book: list[tuple[date, datetime]] = field(default_factory=list)
    ended: list[Appointment] = field(default_factory=list)
    renamed: list[tuple[Appointment, date | None]] = field(default_factory=list)


def occurrence_date(appointment: Appointment) -> date:
    assert appointment.occurrence is not None
    return appointment.occurrence


def match_occurrences(
    before: AppointmentSeries,
    after: AppointmentSeries,
    old: list[Appointment],
    first: date,
    shift: timedelta,
    now: datetime,
) -> Match:
    """Match the present appointments with the new occurrences: first those of the same date, then the others in order.

    Occurrences before `first` that were moved into the future keep their times.
    """
    moved_ahead = [appointment for appointment in old if occurrence_date(appointment) < first]
    old = [appointment for appointment in old if occurrence_date(appointment) >= first]
    by_date = {occurrence_date(appointment): appointment for appointment in old}
    others = before.appointments.exclude(occurrence=None).exclude(pk__in=[appointment.pk for appointment in old])
    # A date cancelled alone is an exception; one cancelled because the series ended is not.
    cancelled = others.filter(status=AppointmentStatus.CANCELLED, occurrence__gte=first)
    ended = list(cancelled.exclude(occurrence__in=before.exdates))
    others = others.exclude(pk__in=[appointment.pk for appointment in ended])
    kept = {occurrence_date(appointment) for appointment in (*others.filter(occurrence__lt=first), *moved_ahead)}
    along = {occurrence_date(appointment) + shift: appointment for appointment in others.filter(occurrence__gte=first)}
    settled = kept | along.keys() | set(after.exdates)
    new = {
        day: starts_at
        for day, starts_at in occurrences(after.rule, after.starts_local, after.zone, now - DAY, after.generated_until)
        if day >= first + shift and day not in settled and (starts_at > now or day in by_date)
    }
    pairs = [(by_date[day], day, starts_at) for day, starts_at in new.items() if day in by_date]
    pairs += [(appointment, occurrence_date(appointment), appointment.starts_at) for appointment in moved_ahead]
    left = [appointment for appointment in old if occurrence_date(appointment) not in new]
    right = [(day, starts_at) for day, starts_at in new.items() if day not in by_date]
    pairs += [(appointment, day, starts_at) for appointment, (day, starts_at) in zip(left, right, strict=False)]
    renamed = [(appointment, None if day in kept else day) for day, appointment in along.items()]
    shifts = shift and after.pk == before.pk  # What is split off leaves them behind.
    return Match(_in_passing_order(pairs), left[len(right) :], right[len(left) :], ended, renamed if shifts else [])


def _in_passing_order(pairs: list[tuple[Appointment, date, datetime]]) -> list[tuple[Appointment, date, datetime]]:
    """Order moves so that none is in another's way: those to earlier times first, then the others from the back."""
    pairs = sorted(pairs, key=lambda pair: pair[2])
    earlier = [pair for pair in pairs if pair[2] < pair[0].starts_at]
    return earlier + [pair for pair in reversed(pairs) if pair[2] >= pair[0].starts_at]


def rematch(work: SeriesBooker, before: AppointmentSeries, plan: Match) -> None:
    """Change the appointments of a series to match it. One that cannot be moved stays where it is."""
    for appointment in (*plan.to_cancel, *plan.ended, *(settled for settled, _day in plan.renamed)):
        _name(appointment, None)
    why = _("The series was changed.")
    work.change.cancelled = cancel_each(plan.to_cancel, work.events, work.actor, work.now, why)
    for appointment, day, starts_at in plan.pairs:
        kept = _moved(work, before, appointment, day, starts_at) or locked_appointment(appointment.pk)
        kept.series, kept.occurrence = work.series, day
        kept.save(update_fields=["series", "occurrence"])
        update_texts(kept, _new_words(before, work.series, kept), actor=work.actor, now=work.now, among=work.events)
    for settled, new_day in plan.renamed:
        _name(settled, new_day)
    for day, starts_at in plan.to_book:
        work.book(day, starts_at)
    work.change.booked.sort(key=lambda made: made.starts_at)
    work.change.moved.sort(key=lambda made: made.starts_at)


def _name(appointment: Appointment, day: date | None) -> None:
    appointment.occurrence = day
    appointment.save(update_fields=["occurrence"])


def _moved(
    work: SeriesBooker, before: AppointmentSeries, appointment: Appointment, day: date, starts_at: datetime
) -> Appointment | None:
    """Return the appointment with its new time, length and service; None if the time cannot be booked.

    Each of these that already differed from the series was changed alone, and stays.
    """
    reservation, series = appointment.reservation, work.series
    if appointment.starts_at != before.instant(occurrence_date(appointment)):
        starts_at = appointment.starts_at
    length = series.duration if reservation.length == before.duration else reservation.length
    service = work.service if reservation.service_id == before.service_id else reservation.service
    if (starts_at, length, service) == (appointment.starts_at, reservation.length, reservation.service):
        return appointment

    def call() -> Appointment:
        return move_occurrence(work, appointment, service, starts_at, length, work.events)

    moved = work.attempt(day, starts_at, call, length)
    if moved:
        work.change.moved.append(moved)
    return moved


def move_occurrence(
    work: SeriesBooker,
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
    """Return the new texts for an appointment, only for fields that still equal the former ones of the series."""
    return {
        name: new
        for (name, old), new in zip(_words(before).items(), _words(after).values(), strict=True)
        if getattr(appointment, name) == old
    }


def _words(series: AppointmentSeries) -> dict[str, Any]:
    return {
        "title": series.title or default_title(series.service),
        "description": series.description,
        "reminder_offsets": series.reminder_offsets,
    }
