"""Quiet hours, during which no reminders are sent."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduler_project.common.time.intervals import Interval
from scheduler_project.common.time.zones import to_utc

DAY = timedelta(days=1)


MINUTE = timedelta(minutes=1)


def before_quiet(due: datetime, *, quiet_from: time, quiet_until: time, zone: ZoneInfo) -> datetime:
    """Return `due`, or, if it falls in the quiet hours, the last minute before them: earlier, never later.

    The hours are `[quiet_from, quiet_until)` in local time of `zone`, in whole minutes, past midnight if they end at or
    before their start; equal ends mean none. At clock changes the ends are resolved like all local times in
    `common.time`, so that each night has one stretch.
    """
    if quiet_from == quiet_until:
        return due
    nights = [_night(due, days, quiet_from, quiet_until, zone) for days in (1, 0, -1, -2, -3)]
    for begins, ends in nights:  # One night may touch the next; so the later first.
        if begins <= due < ends:
            due = begins - MINUTE
    return due


def _night(due: datetime, days: int, quiet_from: time, quiet_until: time, zone: ZoneInfo) -> Interval:
    day = due.astimezone(zone).date() + timedelta(days=days)
    last = day if quiet_from < quiet_until else day + DAY
    return to_utc(datetime.combine(day, quiet_from), zone), to_utc(datetime.combine(last, quiet_until), zone)
