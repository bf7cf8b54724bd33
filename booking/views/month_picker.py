"""The calendar to pick a time from: a month with the fullness of each day, and the times of one day."""

import calendar
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.availability import search as queries
from booking.availability.search import FreeTime, SlotQuery
from booking.models import Reservation, Schedule, Service
from scheduler_project.common.pages.formats import CLOCK, DAY, MONTH, on
from scheduler_project.common.time.zones import day_interval, read_date, rfc3339, zone_names
from scheduler_project.common.validators import isolated

FURTHEST = timedelta(days=366)
"""The furthest day ahead if there are several providers, each with their own horizon."""


MOST_TIMES = 300
"""The most times of one day on the page."""


FULLNESS = 4
"""The number of steps in which a month shows the free share of a day."""


PARTS = ((0, gettext_lazy("Morning")), (12, gettext_lazy("Afternoon")), (17, gettext_lazy("Evening")))


@dataclass(frozen=True)
class MonthDay:
    date: date
    free: int
    level: int
    label: str
    chosen: bool
    is_today: bool


@dataclass(frozen=True)
class Time:
    """A time that can be picked. `theirs` is the time on the provider's clock, if it differs.

    `own` marks a hold of the visitor: picking it leads back to their details.
    """

    value: str
    key: str
    text: str
    label: str
    theirs: str
    their_zone: str
    whom: str
    own: bool = False


@dataclass(frozen=True)
class Part:
    """The times of a morning, afternoon or evening."""

    name: str
    times: list[Time] = field(default_factory=list)


@contextmanager
def in_chosen_zone(request: HttpRequest) -> Iterator[None]:
    """Show times in the timezone of the address, if it names one: frames have no cookies."""
    requested = request.GET.get("timezone", "")
    if requested in zone_names():
        with timezone.override(ZoneInfo(requested)):
            yield
    else:
        yield


def month_context(
    request: HttpRequest,
    *,
    schedules: Iterable[Schedule],
    service: Service | None,
    now: datetime,
    held: Sequence[Reservation] = (),
) -> dict[str, Any]:
    """Return the context of `booking/calendar.html`, for one schedule or several that offer the service.

    `held` are the visitor's own holds, which are marked. The address names `day` or `month`; the default is the first
    day with a free time. Two statements, or three with the search for that day.
    """
    people = {schedule.provider_id: schedule for schedule in schedules}
    alone = next(iter(people.values())) if len(people) == 1 else None
    until = now + (alone.horizon if alone else FURTHEST)
    besides = [one.pk for one in held if one.is_undecided]
    search = SlotQuery(now, until, now, alone.provider_id if alone else None, service, besides=besides)
    own = {
        (one.provider_id, one.starts_at): FreeTime(0, one.provider_id, one.starts_at, one.ends_at)
        for one in of_service(held, service)
        if one.provider_id in people
    }
    zone = ZoneInfo(timezone.get_current_timezone_name())
    today, last = now.astimezone(zone).date(), until.astimezone(zone).date()
    day = _date_between(request.GET.get("day"), today, last)
    month = day or _date_between(f"{request.GET.get('month')}-01", today.replace(day=1), last)
    if month is None:
        first = queries.next_free(search) if people else None
        day = first.starts_at.astimezone(zone).date() if first else None
        month = day or today
    days = [date(month.year, month.month, number) for number in range(1, _length(month) + 1)]
    ends = day_interval(days[-1], zone)[1]
    in_month = replace(search, until=min(until, ends))
    found = queries.free_by_day(in_month, [day_interval(each, zone)[0] for each in days]) if people else {}
    free = {days[number]: count for number, count in found.items() if 0 <= number < len(days)}
    for _provider_id, starts_at in own:
        each = starts_at.astimezone(zone).date()
        if each in days:
            free.setdefault(each, 1)
    day = day or min(free, default=None)
    times = _with_own(_times(search, day, zone), own, day, zone) if day and people else []
    parts = _parts(times, people, zone, own)
    return {
        "weekdays": [date_format(each, "D") for each in _weeks(month)[0]],
        "weeks": [[_day(each, free, day, today, month) for each in week] for week in _weeks(month)],
        "month": date_format(month, str(MONTH)),
        "before": f"{days[0] - timedelta(days=1):%Y-%m}" if days[0] > today else "",
        "after": f"{days[-1] + timedelta(days=1):%Y-%m}" if days[-1] < last else "",
        "next_month": date_format(days[-1] + timedelta(days=1), str(MONTH)),
        "day": day,
        "day_name": date_format(day, on(day, DAY)) if day else "",
        "parts": [part for part in parts if part.times],
        "known": hashlib.sha256(repr((times, sorted(own))).encode()).hexdigest()[:16],
        "their_zone": _their_zone(alone, zone, times),
        "free_in_month": sum(free.values()),
    }


def of_service(held: Iterable[Reservation], service: Service | None) -> list[Reservation]:
    """Return the holds that picking their time for this service would find again."""
    return [one for one in held if one.service_id == (service.pk if service else None)]


def _date_between(text: str | None, first: date, last: date) -> date | None:
    try:
        requested = read_date(text or "")
    except ValueError:
        return None
    return requested if first <= requested <= last else None


def _length(month: date) -> int:
    return calendar.monthrange(month.year, month.month)[1]


def _weeks(month: date) -> list[list[date]]:
    return calendar.Calendar().monthdatescalendar(month.year, month.month)


def _times(search: SlotQuery, day: date, zone: ZoneInfo) -> list[FreeTime]:
    start, until = day_interval(day, zone)
    return queries.free_times(
        replace(search, start=max(start, search.start), until=min(until, search.until)), limit=MOST_TIMES
    )


def _day(each: date, free: dict[date, int], chosen: date | None, today: date, month: date) -> MonthDay | None:
    if each.month != month.month:
        return None
    count = free.get(each, 0)
    many = ngettext("%(day)s, %(count)d time available", "%(day)s, %(count)d times available", count)
    return MonthDay(
        each,
        count,
        -(-count * FULLNESS // max(free.values())) if count else 0,
        many % {"day": date_format(each, on(each, DAY)), "count": count},
        each == chosen,
        each == today,
    )


Own = dict[tuple[int, datetime], FreeTime]
"""The visitor's own holds, by provider and start."""


def _with_own(times: list[FreeTime], own: Own, day: date, zone: ZoneInfo) -> list[FreeTime]:
    """Return the free times of a day, with the visitor's own holds, even those that nobody else could book any more."""
    listed = {(time.provider_id, time.starts_at) for time in times}
    more = [time for key, time in own.items() if key not in listed and time.starts_at.astimezone(zone).date() == day]
    return sorted([*times, *more], key=lambda time: (time.starts_at, time.provider_id)) if more else times


def _parts(times: list[FreeTime], people: dict[int, Schedule], zone: ZoneInfo, own: Own) -> list[Part]:
    parts = [Part(str(name)) for _hour, name in PARTS]
    for time in times:
        if time.provider_id not in people:
            continue
        local = time.starts_at.astimezone(zone)
        number = sum(local.hour >= hour for hour, _name in PARTS) - 1
        schedule, is_own = people[time.provider_id], (time.provider_id, time.starts_at) in own
        parts[number].times.append(labelled_time(time, schedule, zone, several=len(people) > 1, own=is_own))
    return parts


def labelled_time(
    time: FreeTime,
    schedule: Schedule,
    zone: ZoneInfo,
    *,
    several: bool = False,
    dated: bool = False,
    own: bool = False,
) -> Time:
    """Return a free time with the text of its button and its label for screen readers."""
    local, theirs = time.starts_at.astimezone(zone), time.starts_at.astimezone(schedule.zone)
    label = _("%(day)s, %(time)s, %(minutes)d minutes") % {
        "day": date_format(local, on(local, DAY)),
        "time": date_format(local, str(CLOCK)),
        "minutes": (time.ends_at - time.starts_at) // timedelta(minutes=1),
    }
    whom = schedule.provider.name if several else ""
    return Time(
        value=f"{time.provider_id}@{rfc3339(time.starts_at)}",
        key=f"{time.provider_id}-{int(time.starts_at.timestamp())}",
        text=date_format(local, f"{on(local, DAY)}, {CLOCK}" if dated else str(CLOCK)),
        label=", ".join(filter(None, (label, isolated(whom), _("held for you") if own else ""))),
        theirs=date_format(theirs, str(CLOCK)) if theirs.utcoffset() != local.utcoffset() else "",
        their_zone=schedule.timezone,
        whom=whom,
        own=own,
    )


def _their_zone(alone: Schedule | None, zone: ZoneInfo, times: list[FreeTime]) -> str:
    """Return the provider's timezone if its clocks differ, else ""."""
    if alone is None or not times:
        return ""
    start = times[0].starts_at
    return alone.timezone if start.astimezone(alone.zone).utcoffset() != start.astimezone(zone).utcoffset() else ""


def alternatives_in(details: dict[str, Any], schedule: Schedule, own: Collection[Reservation] = ()) -> list[Time]:
    """Return the nearest free times that a refusal lists, as buttons. The visitor's `own` holds are marked."""
    zone = ZoneInfo(timezone.get_current_timezone_name())
    theirs = {(one.provider_id, one.starts_at) for one in own}
    times = [
        FreeTime(
            each["slot"],
            schedule.provider_id,
            datetime.fromisoformat(each["start_time"]),
            datetime.fromisoformat(each["end_time"]),
        )
        for each in details.get("alternatives", [])
    ]
    return [
        labelled_time(time, schedule, zone, dated=True, own=(time.provider_id, time.starts_at) in theirs)
        for time in times
    ]
