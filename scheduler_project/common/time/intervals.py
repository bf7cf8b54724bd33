"""Half-open intervals of time in UTC: merged, clipped, subtracted; and instants rounded to a grid."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

Interval = tuple[datetime, datetime]


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


MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
