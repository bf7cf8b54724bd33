"""The bookings of a series in one transaction: those made, the conflicts, and the record of them."""

from bisect import bisect_left
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import transaction

from accounts.actors import Actor
from booking.appointments.changes import create_appointment
from booking.availability.errors import InThePast, OffGrid
from booking.availability.search import FreeTime, SlotQuery, free_times
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Schedule, Service
from booking.reservations.claims import claim
from booking.reservations.enums import Override
from booking.reservations.errors import TimeUnavailable
from booking.series.enums import ConflictPolicy
from booking.series.errors import SeriesConflict
from booking.series.recurrence import last_date, occurrences
from booking.services.models import with_length
from booking.signals import series_changed
from scheduler_project.common.errors import DomainError
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.time.zones import rfc3339

MOMENT = timedelta(microseconds=1)


NEARBY = 14 * DAY
"""The longest time between a conflict and the nearest free time suggested for it."""


MOST_FREE = 50_000


GAPS_KEPT = relativedelta(years=1)
"""The time, from its date, for which a series remembers an occurrence that could not be booked."""


CONFLICTS = (TimeUnavailable, InThePast, OffGrid)
"""Errors that can prevent one occurrence and not the others."""


@dataclass
class Conflict:
    """An occurrence that cannot be booked, with the error and the nearest free time within a fortnight, if any."""

    occurrence: date
    starts_at: datetime
    ends_at: datetime
    error: DomainError
    nearest: FreeTime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the conflict for programs that read an error."""
        nearest = self.nearest
        return {
            "occurrence": self.occurrence.isoformat(),
            "start_time": rfc3339(self.starts_at),
            "end_time": rfc3339(self.ends_at),
            "reason": self.error.code,
            "detail": str(self.error.message),
            "nearest": nearest and nearest.as_dict(),
        }


@dataclass
class SeriesChange:
    """The effect of a change on a series; in a preview, the effect it would have."""

    series: AppointmentSeries
    booked: list[Appointment] = field(default_factory=list)
    moved: list[Appointment] = field(default_factory=list)
    cancelled: list[Appointment] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


class SeriesBooker:
    """The bookings of a series in one transaction. Each occurrence is tried by itself, and each conflict is noted."""

    def __init__(
        self,
        schedule: Schedule,
        series: AppointmentSeries,
        service: Service | None,
        actor: Actor,
        now: datetime,
    ) -> None:
        self.schedule, self.series, self.service, self.actor, self.now = schedule, series, service, actor, now
        self.change = SeriesChange(series)
        self.events: list[AppointmentEvent] = []
        self.unbooked: list[Conflict] = []

    def book_between(self, since: datetime, until: datetime, refused: DomainError | None = None) -> None:
        """Book the occurrences of `[since, until)` that were never booked; with `refused`, only note it for each."""
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
        self, day: date, starts_at: datetime, call: Callable[[], Appointment], length: timedelta | None = None
    ) -> Appointment | None:
        """Call `call`. On a conflict, roll it back, note the conflict and return None."""
        try:
            with transaction.atomic():
                return call()
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
        return create_appointment(
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

    def finish(self, policy: ConflictPolicy, *, quietly: bool = False) -> None:
        """Save the gaps and notify both sides. Raises SeriesConflict if the policy allows no conflict."""
        conflicts = self.change.conflicts
        if conflicts:
            _find_nearest(conflicts, self.schedule, self.service, self.now)
        if conflicts and policy == ConflictPolicy.ALL_OR_NOTHING:
            raise SeriesConflict(details={"conflicts": [conflict.as_dict() for conflict in conflicts]})
        self.write_gaps()
        self.series.mark_changed(self.now)
        self.series.save()
        if not quietly:
            announce(self.events, self.now)

    def write_gaps(self) -> None:
        """Record the dates that have no appointment, with the reason; remove those that have one now."""
        oldest = (self.now - GAPS_KEPT).date().isoformat()
        found = {gap["occurrence"]: gap for gap in self.series.gaps if gap["occurrence"] >= oldest}
        for made in self.change.booked + self.change.moved:
            found.pop(str(made.occurrence), None)
        for conflict in self.unbooked:
            day = conflict.occurrence.isoformat()
            found[day] = {"occurrence": day, "reason": conflict.error.code}
        self.series.gaps = [found[day] for day in sorted(found)]


def end_of_booking(schedule: Schedule, now: datetime) -> datetime:
    """Return the end of booking: the booking horizon, or `end_of_slots` if slots end earlier."""
    return min(now + schedule.horizon, end_of_slots(schedule, now))


def end_of_slots(schedule: Schedule, now: datetime) -> datetime:
    """Return the end of the time that has slots. Later slots are missing, and the time would look closed."""
    return max((schedule.slots_until or now) - DAY, now)


def last_end(series: AppointmentSeries) -> datetime | None:
    last = last_date(series.rule, series.starts_local, series.zone)
    return series.instant(last) + series.duration if last else None


def announce(events: list[AppointmentEvent], now: datetime) -> None:
    if events:
        series_changed.send(AppointmentSeries, events=events, now=now)


def _find_nearest(conflicts: Collection[Conflict], schedule: Schedule, service: Service | None, now: datetime) -> None:
    """Add the nearest free times, in one statement.

    Inside the transaction, the series' own times are not among them.
    """
    likewise = with_length(max(conflict.ends_at - conflict.starts_at for conflict in conflicts), service)
    first = max(min(conflict.starts_at for conflict in conflicts) - NEARBY, now)
    until = max(conflict.starts_at for conflict in conflicts) + NEARBY
    search = SlotQuery(first, until, now, schedule.provider_id, likewise, hidden=True)
    free = free_times(search, limit=MOST_FREE) if first < until else []
    starts = [one.starts_at for one in free]
    for conflict in conflicts:
        place = bisect_left(starts, conflict.starts_at)
        around = free[max(0, place - 1) : place + 1]
        nearest = min(around, key=lambda one: abs(one.starts_at - conflict.starts_at), default=None)
        if nearest and abs(nearest.starts_at - conflict.starts_at) <= NEARBY:
            conflict.nearest = nearest
