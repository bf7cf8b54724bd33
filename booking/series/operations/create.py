"""Previewing and creating a series."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.availability.errors import InThePast
from booking.availability.locks import locked_schedule
from booking.availability.slots import check_on_grid
from booking.models import AppointmentSeries, Schedule, Service
from booking.reservations.claims import BOOK, FURTHEST, lock_client, offered
from booking.reservations.enums import Override
from booking.reservations.errors import TooFar
from booking.series.enums import ConflictPolicy
from booking.series.operations.booker import MOMENT, SeriesBooker, SeriesChange, end_of_booking, last_end
from booking.series.recurrence import check_start
from booking.series.rule import read
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation, preview
from scheduler_project.common.time.intervals import MINUTE


@dataclass(frozen=True)
class SeriesSpec:
    """The arguments of a series to create.

    `starts` is a local time of `timezone` if it is naive. By default, the timezone is the provider's and the duration
    the service's or one slot.
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


def preview_series(*, wanted: SeriesSpec, actor: Actor, now: datetime) -> SeriesChange:
    """Return what `create_series` would book, and the conflicts. Nothing is changed."""
    return preview(
        lambda: create_series(wanted=wanted, policy=ConflictPolicy.SKIP_CONFLICTS, actor=actor, now=now, quietly=True)
    )


@operation
def create_series(
    *, wanted: SeriesSpec, policy: ConflictPolicy, actor: Actor, now: datetime, quietly: bool = False
) -> SeriesChange:
    """Create a series and book its occurrences up to the provider's booking horizon, in one transaction.

    For the provider and staff. With `all_or_nothing`, any conflict raises SeriesConflict, which lists every occurrence
    that cannot be booked; with `skip_conflicts` those are left out. Also raises BadRule, NotInRule, and what `reserve`
    raises. Past occurrences are not booked. `quietly` sends no notice to either side.
    """
    lock_client(wanted.client_id)
    schedule = locked_schedule(wanted.provider_id)
    _check_runs(schedule, actor)
    service = offered(schedule, wanted.service_id, actor)
    series = _new_series(wanted, schedule, service, actor, now)
    series.save()
    work = SeriesBooker(schedule, series, service, actor, now)
    work.book_between(now + MOMENT, series.generated_until)
    work.finish(policy, quietly=quietly)
    return work.change


def _check_runs(schedule: Schedule, actor: Actor) -> None:
    if actor.runs(schedule.provider_id, BOOK):
        return
    if not (schedule.provider_is_active and schedule.provider_is_vetted and actor.reaches(schedule.provider_id)):
        raise NotFound(field="provider")
    raise NotAllowed(_("Only the provider and staff can set up a series. Ask them for one."))


def _new_series(
    wanted: SeriesSpec, schedule: Schedule, service: Service | None, actor: Actor, now: datetime
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
        duration_minutes=schedule.length_for(service, wanted.duration_minutes) // MINUTE,
        rrule=str(read(wanted.rrule)),
        exdates=sorted(set(wanted.exdates)),
        overrides=sorted(wanted.overrides),
        reminder_offsets=wanted.reminder_offsets,
        generated_until=end_of_booking(schedule, now),
        created_by=actor.user,
        face=actor.source,
        created_at=now,
        updated_at=now,
    )
    first = series.instant(series.start_date)
    check_start(series.rule, starts, zone)
    check_on_grid(schedule, first, field="start_time")
    if first >= now + FURTHEST:
        raise TooFar(field="start_time")
    series.ends_at = last_end(series)
    if series.ends_at and series.ends_at <= now:
        raise InThePast(_("All dates in this series are in the past."), field="start_time")
    return series
