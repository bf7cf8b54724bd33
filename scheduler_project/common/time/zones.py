"""Times, timezones and half-open intervals.

Every time is an aware UTC datetime; every interval is `[start, end)`. Only this module converts local time into UTC, so
that gaps and repeated hours are resolved in one way: a local time that does not exist moves forward by the gap, an
ambiguous one means the first (RFC 5545 §3.3.5 prescribes both)."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.time.intervals import Interval, ceil_to_step, floor_to_step

AREAS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split(),
)


YEARS = range(2000, 2101)
"""Allowed years of times and dates: far enough from the limits of datetime for any calculation."""


@cache
def zone_names() -> frozenset[str]:
    """Return the allowed timezones: IANA `Area/City` names and `UTC`, from the shipped tzdata package."""
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset({"UTC", *(name for name in names if name.partition("/")[0] in AREAS and "/" in name)})


def city_of(zone: str) -> str:
    """Return the city in a timezone's name, as people call the zone: “New York” for “America/New_York”."""
    return zone.rpartition("/")[2].replace("_", " ")


def validate_timezone(value: str) -> None:
    """Reject (ValidationError, code `unknown_timezone`) a name that is not one of `zone_names()`."""
    if value not in zone_names():
        raise ValidationError(
            _("We don't know the time zone “%(value)s”. Use an IANA name such as Europe/Berlin, or UTC."),
            code="unknown_timezone",
            params={"value": value[:64]},
        )


def to_utc(local: datetime, zone: tzinfo) -> datetime:
    """Convert a naive local time in `zone` to UTC. Gaps move forward, ambiguous times are the first."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
    r"([Zz]|[+ -][0-9]{2}(:?[0-9]{2})?)?"
)
"""RFC 3339 §5.6 with optional seconds and offset. A blank stands for a plus that was not URL-encoded."""


def read_date(text: str) -> date:
    """Parse a date in RFC 3339 format and ASCII digits. Raises ValueError for anything else."""
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def read_time(text: str) -> datetime:
    """Parse a time in RFC 3339 format and ASCII digits; naive without an offset. Raises ValueError for anything
    else."""
    if not TIME.fullmatch(text):
        raise ValueError(text)
    head, tail = text[:11], text[11:]
    return datetime.fromisoformat(head + tail.replace(" ", "+").upper())


def rfc3339(instant: datetime) -> str:
    """Format a UTC time as RFC 3339 with a Z."""
    return instant.isoformat().replace("+00:00", "Z")


def day_interval(day: date, zone: tzinfo) -> Interval:
    """Return the local `day` in `zone` as a UTC interval: 23, 24, 25 or another real number of hours."""
    midnight = datetime.combine(day, time.min)
    return to_utc(midnight, zone), to_utc(midnight + timedelta(days=1), zone)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every date from `first` to `last`, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def offset_spans(zone: tzinfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Split `[start, end)` at changes of the UTC offset of `zone`. Yields `(start, end, offset)` of each piece, in
    order."""
    while start < end:
        offset = _offset(zone, start)
        steady, changed = start, min(start + timedelta(days=1), end)
        while changed < end and _offset(zone, changed) == offset:
            steady, changed = changed, min(changed + timedelta(days=1), end)
        if _offset(zone, changed) == offset:
            changed = end
        else:
            while changed - steady > timedelta(seconds=1):
                middle = steady + (changed - steady) // 2
                if _offset(zone, middle) == offset:
                    steady = middle
                else:
                    changed = middle
            changed = changed.replace(microsecond=0)
        yield start, changed, offset
        start = changed


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def aligned(intervals: Iterable[Interval], zone: ZoneInfo, step: timedelta) -> list[Interval]:
    """Shrink `intervals` inward to the `step` grid of local time in `zone`.

    Pieces on both sides of an offset change are aligned separately, so that a half-hour change (Lord Howe) does not
    leave an hourly grid at half past.
    """
    pieces = (
        (ceil_to_step(a, step, offset), floor_to_step(b, step, offset))
        for start, end in intervals
        for a, b, offset in offset_spans(zone, start, end)
    )
    return [(start, end) for start, end in pieces if start < end]
