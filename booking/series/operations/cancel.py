"""Cancelling occurrences of a series: one, one and those after it, or all to come."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.appointments.changes import add_exdate, apply_transition
from booking.appointments.enums import UPCOMING, Action
from booking.appointments.operations import take_action
from booking.availability.errors import InThePast
from booking.availability.locks import locked_schedule
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Schedule
from booking.series.enums import SeriesScope
from booking.series.errors import NotInRule, SeriesEnded
from booking.series.operations.booker import SeriesChange, announce, last_end
from booking.series.recurrence import occurrences
from scheduler_project.common.errors import Missing, NotAllowed, NotFound
from scheduler_project.common.operations import operation
from scheduler_project.common.time.intervals import DAY


@operation
def cancel_series(
    *,
    series_id: int,
    scope: SeriesScope,
    actor: Actor,
    now: datetime,
    occurrence: date | None = None,
    reason: str = "",
) -> SeriesChange:
    """Cancel one occurrence (an exception from then on), it and those after it, or all to come. Past ones stay.

    For the provider, the client and staff. `occurrence` is a local date that the rule gives. Raises SeriesEnded,
    NotInRule, InThePast, BadTransition; NotAllowed, NotFound.
    """
    _schedule, series = locked_series(series_id, actor, now, clients_too=True)
    change, events = SeriesChange(series), list[AppointmentEvent]()
    if scope == SeriesScope.ALL:
        series.cancelled_at = now
        change.cancelled = cancel_each(to_come(series, now), events, actor, now, reason)
    elif scope == SeriesScope.THIS:
        day = coming_date(series, occurrence, now)
        made = series.appointments.filter(occurrence=day).first()
        if made:
            change.cancelled.append(
                take_action(appointment_id=made.pk, action=Action.CANCEL, actor=actor, now=now, reason=reason)
            )
            series.refresh_from_db()
        else:
            add_exdate(series, day, now)
    else:
        day = coming_date(series, occurrence, now)
        end_before(series, day, now)
        change.cancelled = cancel_each(to_come(series, now, day), events, actor, now, reason)
    series.mark_changed(now)
    series.save()
    announce(events, now)
    return change


def locked_series(
    series_id: int, actor: Actor, now: datetime, *, clients_too: bool = False
) -> tuple[Schedule, AppointmentSeries]:
    """Return the series and its schedule, whose lock protects both. Raises SeriesEnded; NotAllowed, NotFound."""
    provider_id = AppointmentSeries.objects.filter(pk=series_id).values_list("provider", flat=True).first()
    if provider_id is None:
        raise NotFound
    schedule = locked_schedule(provider_id)
    series = AppointmentSeries.objects.detailed().get(pk=series_id)
    if not (
        actor.runs(provider_id, "booking.change_appointmentseries")
        or (clients_too and series.client_id == actor.client_id)
    ):
        raise NotAllowed(_("Only the provider and staff can change a series."))
    if not series.is_active(now):
        raise SeriesEnded
    return schedule, series


def coming_date(series: AppointmentSeries, day: date | None, now: datetime) -> date:
    """Return the date of an occurrence. Raises Missing, NotInRule if the rule does not give it, InThePast."""
    if day is None:
        raise Missing(_("Enter the date of the occurrence."), field="from")
    around = datetime.combine(day, series.start_time, UTC)
    given = dict(occurrences(series.rule, series.starts_local, series.zone, around - 2 * DAY, around + 2 * DAY))
    if day not in given:
        raise NotInRule(field="from")
    if given[day] <= now:
        raise InThePast(field="from")
    return day


def to_come(series: AppointmentSeries, now: datetime, day: date = date.min) -> list[Appointment]:
    """Return the appointments of a series yet to begin, from the occurrence of `day` on; locked, in order."""
    return list(
        Appointment.objects.detailed()
        .filter(series=series, occurrence__gte=day, status__in=UPCOMING, reservation__starts_at__gt=now)
        .select_for_update(of=("self", "reservation"), no_key=True)
        .order_by("occurrence")
    )


def cancel_each(
    appointments: Iterable[Appointment], events: list[AppointmentEvent], actor: Actor, now: datetime, reason: str
) -> list[Appointment]:
    return [
        apply_transition(appointment, Action.CANCEL, actor=actor, now=now, reason=reason, among=events)
        for appointment in appointments
    ]


def end_before(series: AppointmentSeries, day: date, now: datetime) -> None:
    """End the rule before the occurrence of `day`. A series that begins on `day` is cancelled."""
    if day == series.start_date:
        series.cancelled_at = now
        return
    until = (series.instant(day) - timedelta(seconds=1)).replace(microsecond=0)
    series.rrule = str(replace(series.rule, count=None, until=until))
    series.ends_at = last_end(series)
