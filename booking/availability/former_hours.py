"""The open hours of schedules over a period, past and future, by the weekly hours in force at each moment."""

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from django.db import connection
from django.db.models import Q

from accounts.providers.models import published_sql
from booking.availability.hours import OpeningRules, Weekly, compute_hours
from booking.models import (
    Closure,
    TimeOff,
)
from scheduler_project.common.time.intervals import DAY, Interval, clipped, merged

# Schedules with the same rules have the same JSON, and are parsed once; the ORM would build seven models for each:
# `make bench` (analytics).
RULES = """
SELECT provider.id, provider.name, schedule.timezone, schedule.slot_minutes,
       greatest(provider.created_at, %(start)s::timestamptz),
       (SELECT jsonb_agg(jsonb_build_array(weekday, start_time, end_time) ORDER BY weekday, start_time)
        FROM booking_workinghours WHERE schedule_id = schedule.id),
       (SELECT jsonb_agg(jsonb_build_array(until, timezone, slot_minutes, hours) ORDER BY until, id)
        FROM booking_formerhours WHERE schedule_id = schedule.id AND until > %(start)s::timestamptz),
       (SELECT jsonb_object_agg(date, hours)
        FROM booking_dateoverride WHERE schedule_id = schedule.id AND date BETWEEN %(first)s::date AND %(last)s::date),
       (SELECT jsonb_agg(jsonb_build_array(starts_at, ends_at))
        FROM booking_availabilitywindow
        WHERE schedule_id = schedule.id AND ends_at > %(start)s::timestamptz AND starts_at < %(until)s::timestamptz),
       (SELECT jsonb_agg(jsonb_build_array(starts_at, ends_at, start_date, end_date))
        FROM booking_timeoff
        WHERE schedule_id = schedule.id
          AND (ends_at > %(start)s::timestamptz AND starts_at < %(until)s::timestamptz
               OR end_date >= %(first)s::date AND start_date <= %(last)s::date))
FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
WHERE {whose}
ORDER BY provider.id
"""


class AvailabilityGroup(NamedTuple):
    """Providers with equal rules, and their open hours, past and future."""

    providers: dict[int, str]
    hours: list[Interval]


def availability_groups(start: datetime, until: datetime, provider_id: int | None = None) -> list[AvailabilityGroup]:
    """Return the past and future open hours of one provider, or of each published provider, in `[start, until)`.

    Weekly hours are those in force at the time (FormerHours), and no provider is open before they were added. Dated
    changes count as they stand now. Hours of providers with equal rules are computed once. Two queries.
    """
    published = published_sql("provider")
    whose = published if provider_id is None else "provider.id = %(provider)s"
    wide = (start - DAY, until + DAY)  # Compute whole cells of the grid, then cut.
    dates = {"first": wide[0].date() - DAY, "last": wide[1].date() + DAY}
    touching = Q(ends_at__gt=wide[0], starts_at__lt=wide[1])
    closures = list(Closure.objects.filter(touching | Q(end_date__gte=dates["first"], start_date__lte=dates["last"])))
    alike: dict[tuple[Any, ...], dict[int, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            RULES.format(whose=whose), {"start": wide[0], "until": wide[1], "provider": provider_id, **dates}
        )
        for pk, name, *rules in cursor.fetchall():
            alike.setdefault(tuple(rules), {})[pk] = name
    return [
        AvailabilityGroup(providers, clipped(_hours_over_time(rules, closures, wide[1]), start, until))
        for rules, providers in alike.items()
    ]


def _hours_over_time(rules: tuple[Any, ...], closures: list[Closure], until: datetime) -> list[Interval]:
    """Return the hours by one row of RULES. Each period of time has the weekly hours that were in force."""
    zone, slot_minutes, since, *written = rules
    weekly, former, overridden, windows, time_off = (orjson.loads(text) if text else [] for text in written)
    dated = [(_moment(a), _moment(b)) for a, b in windows]
    hours: list[Interval] = []
    for ends, name, minutes, stretches in [*former, [until.isoformat(), zone, slot_minutes, weekly]]:
        end = min(_moment(ends), until)
        if end <= since:
            continue
        place = ZoneInfo(name)
        by_weekday: Weekly = {}
        for weekday, a, b in stretches:
            by_weekday.setdefault(weekday, []).append((time.fromisoformat(a), time.fromisoformat(b)))
        overrides = {
            date.fromisoformat(day): [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in listed]
            for day, listed in dict(overridden).items()
        }
        away = [_absence(*columns).interval(place) for columns in time_off] + [one.interval(place) for one in closures]
        kept = OpeningRules(place, timedelta(minutes=minutes), by_weekday, overrides, dated, away)
        hours += compute_hours(kept, since, end)
        since = end
    return merged(hours)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _absence(starts_at: str | None, ends_at: str | None, start_date: str | None, end_date: str | None) -> TimeOff:
    return TimeOff(
        starts_at=starts_at and _moment(starts_at),
        ends_at=ends_at and _moment(ends_at),
        start_date=start_date and date.fromisoformat(start_date),
        end_date=end_date and date.fromisoformat(end_date),
    )
