"""Picking a free time: the next days that have some, with their times. For `booking/picker.html`."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from booking import queries
from booking.queries import FreeTime, Search
from scheduler_project.common.times import day_interval

DAYS = 5
"""How many days with free times are shown at once."""
NEAR = timedelta(days=14)
FAR = timedelta(days=400)


@dataclass(frozen=True)
class Picker:
    """Days with their free times, by the visitor's clock. `later` is the day to go on from, None at the end."""

    days: list[tuple[date, list[FreeTime]]]
    later: date | None


def pick(*, zone: ZoneInfo, now: datetime, from_date: date | None = None, **search: Any) -> Picker:
    """The next DAYS days with free times from `from_date` (local to `zone`) on; `search` are fields of Search."""
    start = max(now, day_interval(from_date, zone)[0]) if from_date else now
    wanted = Search(start=start, until=start + NEAR, now=now, **search)
    found = queries.free_times(wanted)
    if not found:
        first = queries.next_free(replace(wanted, until=start + FAR))
        if first is None:
            return Picker([], None)
        found = queries.free_times(replace(wanted, start=first.starts_at, until=first.starts_at + NEAR))
    days = [(day, list(times)) for day, times in groupby(found, lambda time: time.starts_at.astimezone(zone).date())]
    shown = days[:DAYS]
    last = shown[-1][0]
    return Picker(shown, last + timedelta(days=1) if len(days) > DAYS or len(shown) == DAYS else None)


def asked_date(text: str) -> date | None:
    """The date somebody asks to go on from; None for what is no date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
