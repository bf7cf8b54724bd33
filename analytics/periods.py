"""The local days of a report, and the UTC instants at which they and their hours begin.

Boundaries are computed here, by the shipped tzdata, and passed to PostgreSQL, whose own zones are never used: a day has
23, 24 or 25 hours, or another number, and an hour that comes twice counts as one hour of the clock.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.errors import HalfASpan, SpanEndsBeforeStart, SpanTooLong
from scheduler_project.common.time.intervals import ceil_to_step
from scheduler_project.common.time.zones import day_interval, days_between, offset_spans

MOST_DAYS = 366
HOUR = timedelta(hours=1)


class Period(models.TextChoices):
    """Days by their relation to today."""

    DAY = "day", _("Today")
    WEEK = "week", _("This week")
    MONTH = "month", _("This month")
    LAST_7_DAYS = "last_7_days", _("Last 7 days")
    LAST_30_DAYS = "last_30_days", _("Last 30 days")
    LAST_MONTH = "last_month", _("Last month")


class Hour(NamedTuple):
    """A part of an hour of the local clock on one local day: its start, and the day, weekday and hour it counts for."""

    starts_at: datetime
    day: int
    weekday: int
    hour: int


@dataclass(frozen=True)
class Span:
    """The local days from `first` to `last`, both included, in `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @cached_property
    def dates(self) -> list[date]:
        return list(days_between(self.first, self.last))

    @cached_property
    def days(self) -> list[datetime]:
        """The instants at which the days begin, and the end of the last day."""
        return [*(day_interval(day, self.zone)[0] for day in self.dates), day_interval(self.last, self.zone)[1]]

    @property
    def start(self) -> datetime:
        return self.days[0]

    @property
    def until(self) -> datetime:
        return self.days[-1]

    @cached_property
    def hours(self) -> list[Hour]:
        """The parts of `[start, until)` by day and hour of the local clock, in order and without gaps."""
        beginnings = {day for day in self.days if day < self.until}
        for start, end, offset in offset_spans(self.zone, self.start, self.until):
            beginnings.add(start)
            whole = ceil_to_step(start, HOUR, offset)
            while whole < end:
                beginnings.add(whole)
                whole += HOUR
        return [self._hour(beginning) for beginning in sorted(beginnings)]

    def _hour(self, beginning: datetime) -> Hour:
        day = bisect_right(self.days, beginning) - 1
        return Hour(beginning, day, self.dates[day].weekday(), beginning.astimezone(self.zone).hour)


def span_of(period: Period, zone: ZoneInfo, now: datetime) -> Span:
    """Return the days of a period by the clock of `zone` at `now`. Weeks begin on Monday; last days end today."""
    today = now.astimezone(zone).date()
    first, last = {
        Period.DAY: (today, today),
        Period.WEEK: (today - timedelta(days=today.weekday()), today + timedelta(days=6 - today.weekday())),
        Period.MONTH: (today.replace(day=1), today + relativedelta(day=31)),
        Period.LAST_7_DAYS: (today - timedelta(days=6), today),
        Period.LAST_30_DAYS: (today - timedelta(days=29), today),
        Period.LAST_MONTH: (today + relativedelta(months=-1, day=1), today + relativedelta(months=-1, day=31)),
    }[period]
    return Span(first, last, zone)


def chosen_span(first: date | None, last: date | None, zone: ZoneInfo) -> Span | None:
    """Return the chosen days; None if none were chosen. Raises HalfASpan, SpanEndsBeforeStart, SpanTooLong."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise HalfASpan(field="from" if first is None else "to")
    if last < first:
        raise SpanEndsBeforeStart(field="to")
    if (last - first).days >= MOST_DAYS:
        raise SpanTooLong(SpanTooLong.message % MOST_DAYS, field="to")
    return Span(first, last, zone)
