"""Reads that span models: what hours a provider keeps, which times are free, whom a change would strand."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.contrib.postgres.aggregates import StringAgg
from django.db import connection
from django.db.models import Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import MD5, Cast, Coalesce, Concat, TruncDate
from django.utils.translation import get_language
from psycopg.pq import Format

from accounts.models import Client, ClientQuerySet, Provider, published_sql
from booking.enums import AppointmentStatus, Event, ReservationStatus
from booking.models import (
    Appointment,
    AvailabilityWindow,
    CalendarFeed,
    Closure,
    DateOverride,
    Reservation,
    Schedule,
    Service,
    Slot,
    TimeOff,
    WorkingHours,
)
from booking.models.appointments import AppointmentQuerySet
from booking.models.reservations import ReservationQuerySet
from booking.models.schedules import Absence
from scheduler_project.common.times import (
    Interval,
    aligned,
    clipped,
    day_interval,
    days_between,
    merged,
    to_utc,
    without,
)

DAY = timedelta(days=1)
CHUNKS = (timedelta(days=2), timedelta(days=7), timedelta(days=30), timedelta(days=400))
"""The stretches that a search for the next free time tries one after another: most searches end in the first."""


# --- Hours ----------------------------------------------------------------------------------------------------------


def local_stretch(day: date, start: time, end: time, zone: ZoneInfo) -> Interval:
    """Local hours that begin on `day`, in UTC. An end at or before the start lies on the next day."""
    ends = datetime.combine(day if end > start else day + DAY, end)
    return to_utc(datetime.combine(day, start), zone), to_utc(ends, zone)


def open_hours(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """Return the provider's open hours within `[start, until)`: UTC stretches, merged, sorted, on the slot grid.

    Weekly hours, unless a date override replaces those that begin that day; and dated windows; without time off and
    closures.
    """
    windows = schedule.windows.filter(ends_at__gt=start, starts_at__lt=until).values_list("starts_at", "ends_at")
    return opened(
        schedule,
        start,
        until,
        weekly=schedule.working_hours.all(),
        overrides=schedule.date_overrides.filter(date__range=_local_dates(start, until, schedule.zone)),
        windows=windows,
        absent=absences(schedule, start, until),
    )


def opened(
    schedule: Schedule,
    start: datetime,
    until: datetime,
    *,
    weekly: Iterable[WorkingHours],
    overrides: Iterable[DateOverride],
    windows: Iterable[Interval],
    absent: Iterable[Interval],
) -> list[Interval]:
    """`open_hours`, of rows that are at hand."""
    usual: Weekly = {}
    for hours in weekly:
        usual.setdefault(hours.weekday, []).append((hours.start_time, hours.end_time))
    overridden = {
        override.date: [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in override.hours]
        for override in overrides
    }
    return hours_by(Rules(schedule.zone, schedule.slot, usual, overridden, windows, absent), start, until)


Weekly = dict[int, list[tuple[time, time]]]


class Rules(NamedTuple):
    """The rules from which a calendar's open hours are computed."""

    zone: ZoneInfo
    slot: timedelta
    weekly: Weekly
    overridden: dict[date, list[tuple[time, time]]]
    windows: Iterable[Interval]
    absences: Iterable[Interval]


def hours_by(rules: Rules, start: datetime, until: datetime) -> list[Interval]:
    """The open hours that some rules make of `[start, until)`: merged, sorted, on the slot grid."""
    hours_open = (
        local_stretch(day, a, b, rules.zone)
        for day in days_between(*_local_dates(start, until, rules.zone))
        for a, b in rules.overridden.get(day, rules.weekly.get(day.weekday(), []))
    )
    available = clipped(merged(chain(hours_open, rules.windows)), start, until)
    return aligned(without(available, rules.absences), rules.zone, rules.slot)


def _local_dates(start: datetime, until: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first and last local date on which hours may begin that reach into `[start, until)`."""
    return (start.astimezone(zone) - DAY).date(), until.astimezone(zone).date()


def absences(schedule: Schedule, start: datetime, until: datetime) -> list[Interval]:
    """Time off and closures that may touch `[start, until)`, in UTC."""
    return [absence.interval(schedule.zone) for absence in away(schedule, start, until)]


def away(schedule: Schedule, start: datetime, until: datetime) -> list[Absence]:
    """The time off and closures themselves, with their reasons."""
    zone = schedule.zone
    touching = Q(ends_at__gt=start, starts_at__lt=until) | Q(
        end_date__gte=start.astimezone(zone).date(), start_date__lte=until.astimezone(zone).date()
    )
    return [*schedule.time_off.filter(touching), *Closure.objects.filter(touching)]


CALENDARS = """
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


class Offer(NamedTuple):
    """The hours that some providers, alike in them, were and will be open."""

    providers: dict[int, str]
    hours: list[Interval]


def offers(start: datetime, until: datetime, provider_id: int | None = None) -> list[Offer]:
    """Return the past and future open hours of one provider, or of each who takes bookings, in `[start, until)`.

    Weekly hours are those kept at the time (FormerHours), and nobody is open before they were there; dated changes
    count as they stand now. The hours of providers who are alike are reckoned once. Two queries.
    """
    published = published_sql("provider")
    whose = published if provider_id is None else "provider.id = %(provider)s"
    wide = (start - DAY, until + DAY)  # A cell of a grid is reckoned whole, and then cut.
    dates = {"first": wide[0].date() - DAY, "last": wide[1].date() + DAY}
    touching = Q(ends_at__gt=wide[0], starts_at__lt=wide[1])
    closures = list(Closure.objects.filter(touching | Q(end_date__gte=dates["first"], start_date__lte=dates["last"])))
    alike: dict[tuple[Any, ...], dict[int, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            CALENDARS.format(whose=whose), {"start": wide[0], "until": wide[1], "provider": provider_id, **dates}
        )
        for pk, name, *rules in cursor.fetchall():
            alike.setdefault(tuple(rules), {})[pk] = name
    return [
        Offer(providers, clipped(_hours_over_time(rules, closures, wide[1]), start, until))
        for rules, providers in alike.items()
    ]


def _hours_over_time(rules: tuple[Any, ...], closures: list[Closure], until: datetime) -> list[Interval]:
    """The hours by one row of CALENDARS, each stretch of time by the weekly hours it had."""
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
        kept = Rules(place, timedelta(minutes=minutes), by_weekday, overrides, dated, away)
        hours += hours_by(kept, since, end)
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


# --- Free slots -----------------------------------------------------------------------------------------------------


class Stretch(NamedTuple):
    """The time one booking takes: the meeting, and with its buffers what is claimed, in whole slots."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime


def stretch(
    schedule: Schedule, service: Service | None, starts_at: datetime, length: timedelta | None = None
) -> Stretch:
    """Return the time of the calendar that a booking takes if it begins at `starts_at` (on the grid).

    It takes `length`, or as long as the service does, or one slot.
    """
    slot = schedule.slot
    meeting = length or (service.duration if service else slot)
    before = service.buffer_before if service else timedelta()
    after = service.buffer_after if service else timedelta()
    return Stretch(
        starts_at,
        starts_at + meeting,
        starts_at - ceil(before / slot) * slot,
        starts_at + ceil((meeting + after) / slot) * slot,
    )


@dataclass(frozen=True)
class Search:
    """A search for free times: those that start in `[start, until)` and that `now` allows to be booked.

    Of one provider, or of all who offer the service. `service` None asks for single slots. Notice and horizon are each
    schedule's own; `any_notice` sets them aside. `hidden` looks also at providers who are not published. The time of
    holds that are `besides` counts as free: the asker's own, which goes with their next pick.
    """

    start: datetime
    until: datetime
    now: datetime
    provider_id: int | None = None
    service: Service | None = None
    any_notice: bool = False
    hidden: bool = False
    besides: Sequence[int] = ()


# What a search asks of each calendar, in cells of its grid: `stretch` says the same of one booking.
CALENDAR = """
calendar AS NOT MATERIALIZED (
    SELECT provider_id, earliest, latest, slot, before, after, length,
           earliest - before * slot AS cells_from, latest + after * slot AS cells_until
    FROM (
        SELECT schedule.provider_id, {earliest} AS earliest, {latest} AS latest,
               make_interval(mins => slot_minutes) AS slot, {length} AS length, {before} AS before, {after} AS after
        FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
        WHERE {whose}
    ) AS policy
)"""

POLICY = {
    "earliest": "greatest(%(start)s::timestamptz, %(now)s::timestamptz + make_interval(mins => notice_minutes))",
    "latest": "least(%(until)s::timestamptz, %(now)s::timestamptz + make_interval(hours => 24 * horizon_days))",
    "length": "make_interval(mins => slot_minutes)",
    "before": "0",
    "after": "0",
    "whose": f"schedule.provider_id = %(provider)s AND {published_sql('provider')}",
}
ANY_NOTICE = {
    "earliest": "greatest(%(start)s::timestamptz, %(now)s::timestamptz)",
    "latest": "%(until)s::timestamptz",
}
FOR_SERVICE = {
    "length": "make_interval(mins => %(length)s::int)",
    "before": "(%(before)s::int + slot_minutes - 1) / slot_minutes",
    "after": "(%(length)s::int + %(after)s::int - 1) / slot_minutes",
}
WHO_OFFERS = f"""{published_sql("provider")} AND schedule.provider_id IN (
            SELECT provider_id FROM booking_service_providers WHERE service_id = %(service)s)"""

CELLS = """
cells AS (
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id IS NULL AND slot.starts_at >= cells_from AND slot.starts_at < cells_until
    UNION ALL
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar
    JOIN booking_reservation dead ON dead.provider_id = calendar.provider_id
         AND dead.status = 'held' AND dead.expires_at <= %(now)s
    JOIN booking_slot slot ON slot.reservation_id = dead.id
    WHERE NOT slot.withdrawn AND slot.starts_at >= cells_from AND slot.starts_at < cells_until{besides}
)"""
"""The free cells, those of holds past their end among them."""

CELLS_BESIDES = """
    UNION ALL
    SELECT slot.id, slot.starts_at, calendar.*
    FROM calendar JOIN booking_slot slot USING (provider_id)
    WHERE slot.reservation_id = ANY(%(besides)s::bigint[]) AND NOT slot.withdrawn
      AND slot.starts_at >= cells_from AND slot.starts_at < cells_until"""

FREE_CELLS = f"""
{CELLS}, free AS (
    SELECT id, provider_id, starts_at, starts_at + length AS ends_at FROM cells
)"""

FREE_RUNS = f"""
{CELLS}, neighbours AS (
    SELECT *, lag(starts_at, before) OVER grid AS first_cell, lead(starts_at, after) OVER grid AS last_cell
    FROM cells
    WINDOW grid AS (PARTITION BY provider_id ORDER BY starts_at)
), free AS (
    SELECT id, provider_id, starts_at, starts_at + length AS ends_at
    FROM neighbours
    WHERE first_cell = starts_at - before * slot AND last_cell = starts_at + after * slot
      AND starts_at >= earliest AND starts_at < latest
)"""
"""The cells with enough free ones around them: if the cell n places on starts n slot lengths later, none is missing."""


class FreeTime(NamedTuple):
    """A time that can be booked: from the start of the slot with that id."""

    slot_id: int
    provider_id: int
    starts_at: datetime
    ends_at: datetime


def _free(search: Search) -> tuple[str, dict[str, Any]]:
    policy = dict(POLICY)
    params: dict[str, Any] = {
        "provider": search.provider_id,
        "now": search.now,
        "start": search.start,
        "until": search.until,
    }
    if search.any_notice:
        policy |= ANY_NOTICE
    if search.provider_id is None:
        policy["whose"] = WHO_OFFERS
    elif search.hidden:
        policy["whose"] = "schedule.provider_id = %(provider)s"
    if (service := search.service) is not None:
        policy |= FOR_SERVICE
        params |= {
            "service": service.pk,
            "length": service.duration_minutes,
            "before": service.buffer_before_minutes,
            "after": service.buffer_after_minutes,
        }
    if search.besides:
        params["besides"] = list(search.besides)
    free = (FREE_RUNS if service else FREE_CELLS).format(besides=CELLS_BESIDES if search.besides else "")
    return f"WITH {CALENDAR.format(**policy)}, {free}", params


def free_times(search: Search, *, nearest_to: datetime | None = None, limit: int = 1000) -> list[FreeTime]:
    """The free times of a search: the first `limit`, or those nearest to an instant."""
    sql, params = _free(search)
    order = "abs(extract(epoch FROM starts_at - %(near)s::timestamptz)), " if nearest_to else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at FROM free "
            f"ORDER BY {order} starts_at, provider_id LIMIT %(limit)s",
            {**params, "limit": limit} | ({"near": nearest_to} if nearest_to else {}),
        )
        return [FreeTime(*row) for row in cursor.fetchall()]


def free_page(search: Search, *, limit: int, offset: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Return the number of free times found (0 beyond the last page), and a page of FreeTimes with the count behind."""
    sql, params = _free(search)
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # Binary instants are read in C; as text they cost half of this answer.
        cursor.execute(
            f"{sql} SELECT id, provider_id, starts_at, ends_at, count(*) OVER () FROM free "
            "ORDER BY starts_at, provider_id LIMIT %(limit)s OFFSET %(offset)s",
            {**params, "limit": limit, "offset": offset},
        )
        rows = cursor.fetchall()
    return rows[0][-1] if rows else 0, rows


def next_free(search: Search) -> FreeTime | None:
    """The first free time of a search, looked for near at hand first."""
    start = search.start
    for chunk in CHUNKS:
        until = min(search.start + chunk, search.until)
        found = free_times(replace(search, start=start, until=until), limit=1)
        if found or until == search.until:
            return found[0] if found else None
        start = until
    return None


def alternatives(
    provider_id: int, service: Service | None, start: datetime, now: datetime, *, besides: Sequence[int] = ()
) -> list[FreeTime]:
    """Up to three free times of the same provider nearest to `start`, from three days before to a fortnight after.

    `besides` is that of a Search.
    """
    near = max(start, now)
    search = Search(near - 3 * DAY, near + 14 * DAY, now, provider_id, service, hidden=True, besides=besides)
    return free_times(search, nearest_to=start, limit=3)


BY_DAY = """
SELECT width_bucket(starts_at, %(days)s::timestamptz[]) AS day, count(DISTINCT starts_at) FROM free GROUP BY 1
"""


def free_by_day(search: Search, days: Sequence[datetime]) -> dict[int, int]:
    """Return the number of free times on each day, by its index in `days`: their beginnings, in order.

    The day of the last begins ends with the search. Times at which several providers are free count once.
    """
    sql, params = _free(search)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} {BY_DAY}", {**params, "days": list(days)})
        return {bucket - 1: count for bucket, count in cursor.fetchall()}


NEXT_TIMES = """
SELECT schedule.provider_id, next.starts_at
FROM booking_schedule schedule
LEFT JOIN LATERAL (
    SELECT (service.buffer_before_minutes + slot_minutes - 1) / slot_minutes AS before,
           (service.duration_minutes + service.buffer_after_minutes - 1) / slot_minutes AS after
    FROM booking_service service JOIN booking_service_providers offered ON offered.service_id = service.id
    WHERE offered.provider_id = schedule.provider_id AND service.is_active
    ORDER BY service.buffer_before_minutes + service.duration_minutes + service.buffer_after_minutes, service.id
    LIMIT 1
) AS shortest ON true
CROSS JOIN LATERAL (
    SELECT cell.starts_at
    FROM booking_slot cell
    WHERE cell.provider_id = schedule.provider_id AND cell.reservation_id IS NULL
      AND cell.starts_at >= %(now)s::timestamptz + make_interval(mins => notice_minutes)
      AND cell.starts_at < %(now)s::timestamptz + make_interval(hours => 24 * horizon_days)
      AND coalesce(before, 0) + coalesce(after, 0) + 1 = (
          SELECT count(*) FROM booking_slot needed
          WHERE needed.provider_id = schedule.provider_id AND needed.reservation_id IS NULL
            AND needed.starts_at >= cell.starts_at - coalesce(before, 0) * make_interval(mins => slot_minutes)
            AND needed.starts_at <= cell.starts_at + coalesce(after, 0) * make_interval(mins => slot_minutes))
    ORDER BY cell.starts_at LIMIT 1
) AS next
WHERE schedule.provider_id IN (SELECT unnest(%(providers)s::bigint[]))
"""


def next_times(provider_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """Return the next free time of each provider, for the shortest of their services or else for one slot.

    One statement that looks no further than it must. Times of holds that ended in the last seconds are left to the
    sweeper: this is a hint on a list, and whoever opens the calendar sees them.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEXT_TIMES, {"providers": list(provider_ids), "now": now})
        return dict(cursor.fetchall())


def slot_start(slot_id: int) -> tuple[int, datetime] | None:
    """Return a slot's provider id and start (UTC); None if there is no such slot."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT provider_id, starts_at FROM booking_slot WHERE id = %s", [slot_id])
        return cursor.fetchone()


# --- Appointments ---------------------------------------------------------------------------------------------------


def diary(schedule: Schedule, start: datetime, until: datetime, now: datetime) -> ReservationQuerySet:
    """Return a provider's reservations in `[start, until)`, in order: appointments past or present, and live holds."""
    live = Q(status=ReservationStatus.CONFIRMED) | Q(status=ReservationStatus.HELD, expires_at__gt=now)
    rows = Reservation.objects.filter(live, provider=schedule.provider_id, starts_at__lt=until, ends_at__gt=start)
    return rows.select_related("client", "service", "appointment").order_by("starts_at")


def gaps(schedule: Schedule, start: datetime, until: datetime, now: datetime) -> list[Interval]:
    """Return the open and unclaimed time in `[start, until)`: without buffers, and regardless of the notice."""
    claims = Reservation.objects.filter(provider=schedule.provider_id).claiming(start, until)
    live = claims.exclude(status=ReservationStatus.HELD, expires_at__lte=now)
    return without(open_hours(schedule, start, until), live.values_list("blocked_from", "blocked_until"))


@dataclass
class DayOf:
    """A local day of one calendar: what is open, away, taken, and both open and unclaimed (`free`)."""

    schedule: Schedule
    start: datetime
    until: datetime
    hours: list[Interval]
    absent: list[tuple[Interval, str]]
    taken: list[Reservation]
    free: list[Interval]


def days_of(schedules: Sequence[Schedule], day: date, now: datetime) -> list[DayOf]:
    """The same date of many calendars, each in its own zone. A constant number of queries."""
    bounds = {schedule.pk: day_interval(day, schedule.zone) for schedule in schedules}
    if not bounds:
        return []
    start, until = min(first for first, _ in bounds.values()), max(last for _, last in bounds.values())
    dates = (day - 2 * DAY, day + 2 * DAY)
    touching = Q(ends_at__gt=start, starts_at__lt=until) | Q(end_date__gte=dates[0], start_date__lte=dates[1])
    weekly = _by_schedule(WorkingHours.objects.filter(schedule__in=schedules))
    overrides = _by_schedule(DateOverride.objects.filter(schedule__in=schedules, date__range=dates))
    windows = _by_schedule(AvailabilityWindow.objects.filter(schedule__in=schedules, ends_at__gt=start))
    time_off = _by_schedule(TimeOff.objects.filter(touching, schedule__in=schedules))
    closures = list(Closure.objects.filter(touching))
    claims: dict[int, list[Reservation]] = {}
    claiming = Reservation.objects.filter(provider__in=[schedule.provider_id for schedule in schedules])
    live = claiming.claiming(start, until).exclude(status=ReservationStatus.HELD, expires_at__lte=now)
    for claim in live.select_related("client", "service", "appointment").order_by("starts_at"):
        claims.setdefault(claim.provider_id, []).append(claim)
    found = []
    for schedule in schedules:
        first, last = bounds[schedule.pk]
        away = [(row.interval(schedule.zone), row.reason) for row in (*time_off.get(schedule.pk, ()), *closures)]
        hours = opened(
            schedule,
            first,
            last,
            weekly=weekly.get(schedule.pk, ()),
            overrides=overrides.get(schedule.pk, ()),
            windows=[(row.starts_at, row.ends_at) for row in windows.get(schedule.pk, ())],
            absent=[interval for interval, _ in away],
        )
        theirs = claims.get(schedule.provider_id, [])
        taken = [claim for claim in theirs if claim.starts_at < last and claim.ends_at > first]
        free = without(hours, [(claim.blocked_from, claim.blocked_until) for claim in theirs])
        found.append(DayOf(schedule, first, last, hours, away, taken, free))
    return found


def _by_schedule(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.schedule_id, []).append(row)
    return found


def of_today(now: datetime) -> AppointmentQuerySet:
    """The appointments of today, in order: of each provider those that begin on the date their own clock shows."""
    zones: dict[str, list[int]] = {}
    for provider_id, zone in Schedule.objects.order_by().values_list("provider_id", "timezone"):
        zones.setdefault(zone, []).append(provider_id)
    today = Q(pk__in=[])
    for name, providers in zones.items():
        start, until = day_interval(now.astimezone(ZoneInfo(name)).date(), ZoneInfo(name))
        today |= Q(
            reservation__provider__in=providers, reservation__starts_at__gte=start, reservation__starts_at__lt=until
        )
    return Appointment.objects.filter(today).order_by("reservation__starts_at", "pk")


def left_outside(appointments: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """Those still to end that a change of hours left outside, wholly or in part (R6); what was booked so is not one."""
    lying_there = Slot.objects.filter(
        reservation=OuterRef("reservation"),
        withdrawn=True,
        starts_at__lt=OuterRef("reservation__ends_at"),
        ends_at__gt=OuterRef("reservation__starts_at"),
    )
    return appointments.filter(Exists(lying_there), reservation__ends_at__gt=now)


def attendance(days: Sequence[date], zone: ZoneInfo) -> dict[date, tuple[int, int]]:
    """Count the appointments that stood on each of some consecutive days of `zone`, and the missed ones among them."""
    start, until = day_interval(days[0], zone)[0], day_interval(days[-1], zone)[1]
    stood = Appointment.objects.filter(
        reservation__provider__in=Schedule.objects.order_by().values("provider"),
        reservation__starts_at__gte=start,
        reservation__starts_at__lt=until,
    ).exclude(status__in=(AppointmentStatus.CANCELLED, AppointmentStatus.DECLINED))
    counted = (
        stood.order_by()
        .values(day=TruncDate("reservation__starts_at", tzinfo=zone))
        .annotate(number=Count("pk"), missed=Count("pk", filter=Q(status=AppointmentStatus.MISSED)))
    )
    found = {row["day"]: (row["number"], row["missed"]) for row in counted}
    return {day: found.get(day, (0, 0)) for day in days}


def moved_from(reservation: Reservation) -> Appointment | None:
    """The appointment that was made of a reservation and has been moved to another time since."""
    if reservation.status != ReservationStatus.RELEASED:
        return None
    moved = Appointment.objects.detailed().filter(
        reservation__client=reservation.client_id,
        events__event=Event.RESCHEDULED,
        events__details__reservation=reservation.pk,
    )
    return moved.first()


# --- Feeds ----------------------------------------------------------------------------------------------------------

FEED_KEEPS = timedelta(days=60)
"""The time for which an appointment stays in subscribed calendars, from its start."""


def feed_appointments(feed: CalendarFeed, now: datetime) -> AppointmentQuerySet:
    """Return a feed's appointments: all that are to come or began within FEED_KEEPS, cancelled ones among them."""
    whose = {"provider": feed.provider_id} if feed.provider_id else {"client": feed.client_id}
    mine = {f"reservation__{name}": pk for name, pk in whose.items()}
    return Appointment.objects.filter(**mine, reservation__starts_at__gte=now - FEED_KEEPS)


def feed_etag(feed: CalendarFeed, now: datetime) -> str:
    """Return an ETag that changes with the feed, quotes included. One statement whose answer is one row."""
    other = "reservation__client__name" if feed.provider_id else "reservation__provider__name"
    parts = (Cast(name, TextField()) for name in ("pk", "sequence", "updated_at"))
    line = Concat(*(piece for part in parts for piece in (part, Value(" "))), F(other), output_field=TextField())
    found = feed_appointments(feed, now).aggregate(digest=MD5(StringAgg(line, delimiter="\n", order_by="pk")))
    facts = (feed.pk, settings.SITE_NAME, feed.owner.name, get_language(), found["digest"])
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'


# --- A provider's desk ----------------------------------------------------------------------------------------------


def clients_of(provider: Provider) -> ClientQuerySet:
    """A provider's address book, and whoever else has an appointment with them, past or to come."""
    return Client.objects.of_provider(provider).order_by("name", "pk")


def has_appointment_with(provider: Provider) -> Q:
    """The clients with an appointment with this provider, past or to come."""
    return Q(Exists(Appointment.objects.filter(reservation__provider=provider, reservation__client=OuterRef("pk"))))


def with_visits(clients: ClientQuerySet, provider: Provider, now: datetime) -> ClientQuerySet:
    """Clients with `visits`, how many appointments with the provider, and `next_at`, when the next begins."""
    theirs = Appointment.objects.filter(reservation__provider=provider, reservation__client=OuterRef("pk"))
    count = theirs.order_by().values("reservation__client").annotate(number=Count("pk")).values("number")
    coming = theirs.coming(now=now).order_by("reservation__starts_at").values("reservation__starts_at")[:1]
    return clients.annotate(visits=Coalesce(Subquery(count), 0), next_at=Subquery(coming))


def ending_after(absences: QuerySet[Any], now: datetime, zone: ZoneInfo) -> QuerySet[Any]:
    """The absences that are not over, in order; whole days are those of `zone`."""
    today = now.astimezone(zone).date()
    begins = Coalesce("starts_at", Cast("start_date", DateTimeField()))
    return absences.filter(Q(ends_at__gt=now) | Q(end_date__gte=today)).order_by(begins, "pk")
