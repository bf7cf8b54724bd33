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

Interval = tuple[datetime, datetime]

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


def validate_timezone(value: str) -> None:
    """Reject (ValidationError, code `unknown_timezone`) a name that is not one of `zone_names()`."""
    if value not in zone_names():
        raise ValidationError(
            _("“%(value)s” is not a timezone we know. Use an IANA name such as Europe/Berlin, or UTC."),
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


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of `intervals`: sorted, touching ones joined, empty ones dropped."""
    union: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Return `intervals` without `holes`, merged and sorted."""
    left = merged(intervals)
    for hole_start, hole_end in merged(holes):
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, hole_start)), (max(start, hole_end), end))
            if piece[0] < piece[1]
        ]
    return left


def clipped(intervals: Iterable[Interval], start: datetime, end: datetime) -> list[Interval]:
    """Return the parts of `intervals` within `[start, end)`."""
    return [(max(a, start), min(b, end)) for a, b in intervals if max(a, start) < min(b, end)]


def covers(intervals: Iterable[Interval], start: datetime, end: datetime) -> bool:
    """Return whether one of `intervals` (merged) contains all of `[start, end)`."""
    return any(a <= start and end <= b for a, b in intervals)


def floor_to_step(instant: datetime, step: timedelta, offset: timedelta) -> datetime:
    """Return the last time at or before `instant` whose local time (UTC + `offset`) is a multiple of `step`."""
    since_epoch = instant - datetime(1970, 1, 1, tzinfo=UTC) + offset
    return instant - since_epoch % step


def ceil_to_step(instant: datetime, step: timedelta, offset: timedelta) -> datetime:
    """Return the first time at or after `instant` whose local time (UTC + `offset`) is a multiple of `step`."""
    floor = floor_to_step(instant, step, offset)
    return floor if floor == instant else floor + step


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
