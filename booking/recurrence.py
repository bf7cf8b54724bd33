"""Recurrence rules as RFC 5545 §3.3.10 has them, at DAILY or slower: read strictly, expanded within bounds.

A rule yields at most one occurrence a local day, so an occurrence is named by its date. Everything here is reckoned on
dates and wall clocks; the zone is attached last, by `common.times.to_utc`. No expansion looks further than it is told
to, whatever the rule says. (dateutil looks for the next match until the year 9999, and reads `BYDAY=MO,1TU`, a weekly
BYSETPOS and BYWEEKNO in another way than the RFC; the tests compare with it where it is right.)
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.utils.translation import gettext as _

from booking.errors import BadRule, NotInRule
from scheduler_project.common.times import to_utc

MOST = 1000
"""The highest COUNT of a rule, and the most occurrences that one expansion gives (R14)."""

LONGEST_TEXT = 500
MOST_INTERVAL = 1000
LOOK_AHEAD = relativedelta(years=8)
"""The time within which a matching start is suggested for one that does not fit: 29 February can be that far away."""

DAY = timedelta(days=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Freq(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True)
class Rule:
    """A rule that was read. Empty tuples are parts that were not given.

    `until` is a date (that whole local day), a naive datetime (local) or an aware one (UTC); included, as the RFC says.
    `by_day` holds `(ordinal, weekday)` with 0 for every one and 0 for Monday.
    """

    freq: Freq
    interval: int = 1
    count: int | None = None
    until: date | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    def __str__(self) -> str:
        """The rule in one spelling, whichever it came in."""
        parts: list[tuple[str, Any]] = [
            ("FREQ", self.freq),
            ("UNTIL", _until_text(self.until) if self.until else ""),
            ("COUNT", self.count or ""),
            ("INTERVAL", "" if self.interval == 1 else self.interval),
            *((name, ",".join(map(str, getattr(self, field)))) for name, (field, _low, _high) in NUMBERS.items()),
            ("BYDAY", ",".join(f"{ordinal or ''}{WEEKDAYS[weekday]}" for ordinal, weekday in self.by_day)),
            ("BYSETPOS", ",".join(map(str, self.by_set_pos))),
            ("WKST", WEEKDAYS[self.week_start] if self.week_start else ""),
        ]
        return ";".join(f"{name}={value}" for name, value in parts if value != "")


# --- Reading ----------------------------------------------------------------------------------------------------------

NUMBERS = {
    "BYMONTH": ("by_month", 1, 12),
    "BYWEEKNO": ("by_week_no", -53, 53),
    "BYYEARDAY": ("by_year_day", -366, 366),
    "BYMONTHDAY": ("by_month_day", -31, 31),
}
"""The lists of numbers: field, least and most. Zero is in none of them."""

FORBIDDEN = {
    Freq.DAILY: ("BYWEEKNO", "BYYEARDAY"),
    Freq.WEEKLY: ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    Freq.MONTHLY: ("BYWEEKNO", "BYYEARDAY"),
    Freq.YEARLY: (),
}
"""The fields marked N/A in the table of RFC 5545 §3.3.10."""

TOO_FAST = ("HOURLY", "MINUTELY", "SECONDLY")
KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYSETPOS", "WKST", *NUMBERS}
UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)
COUNT = re.compile(r"\d{1,9}", re.ASCII)


@lru_cache(maxsize=1024)
def read(text: str) -> Rule:
    """The rule in `text` (with or without `RRULE:` before it). Raises BadRule for what RFC 5545 or R14 does not allow.

    Refused: anything faster than daily, BYHOUR and the like, COUNT with UNTIL, parts twice or unknown, COUNT over 1000.
    """
    parts = _parts(text)
    freq = _freq(parts)
    rule = Rule(
        freq,
        interval=_whole(parts, "INTERVAL", MOST_INTERVAL) or 1,
        count=_whole(parts, "COUNT", MOST),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        by_day=_by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        by_set_pos=_numbers(parts, "BYSETPOS", -366, 366),
        week_start=_weekday(parts["WKST"]) if "WKST" in parts else 0,
        **{field: _numbers(parts, name, low, high) for name, (field, low, high) in NUMBERS.items()},
    )
    _check(rule, parts)
    return rule


def _parts(text: str) -> dict[str, str]:
    if len(text) > LONGEST_TEXT:
        raise BadRule(_("A rule is at most %d characters long.") % LONGEST_TEXT)
    if not (text.isascii() and text.isprintable()):
        raise BadRule(_("A rule is one line of plain letters, digits and signs."))
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not (equals and value):
            raise BadRule(_("“%s” is not a part of a rule. Write NAME=VALUE, parted by semicolons.") % part[:40])
        if name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            raise BadRule(_("%s is for rules faster than daily, which cannot be booked.") % name)
        if name not in KNOWN:
            raise BadRule(_("There is no rule part called %s.") % name[:40])
        if name in parts:
            raise BadRule(_("%s is given twice.") % name)
        parts[name] = value
    return parts


def _freq(parts: dict[str, str]) -> Freq:
    name = parts.get("FREQ", "")
    if name in TOO_FAST:
        raise BadRule(_("Appointments recur daily, weekly, monthly or yearly, not faster."))
    if name not in Freq.__members__:
        raise BadRule(_("Say how often: FREQ=DAILY, WEEKLY, MONTHLY or YEARLY."))
    return Freq(name)


def _whole(parts: dict[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    if not COUNT.fullmatch(parts[name]) or not 1 <= int(parts[name]) <= most:
        raise BadRule(_("%(name)s is a number from 1 to %(most)d.") % {"name": name, "most": most})
    return int(parts[name])


def _numbers(parts: dict[str, str], name: str, low: int, high: int) -> tuple[int, ...]:
    if name not in parts:
        return ()
    words = parts[name].split(",")
    numbers = {int(word) for word in words if NUMBER.fullmatch(word)}
    if not all(NUMBER.fullmatch(word) for word in words) or not all(low <= n <= high and n for n in numbers):
        raise BadRule(
            _("%(name)s is a list of numbers from %(low)d to %(high)d, without zero.")
            % {"name": name, "low": low, "high": high}
        )
    return tuple(sorted(numbers))


def _by_day(value: str) -> tuple[tuple[int, int], ...]:
    days = set()
    for word in value.split(","):
        match = BY_DAY.fullmatch(word)
        ordinal = int(match[1] or 0) if match else 54
        if match is None or abs(ordinal) > 53 or (match[1] and not ordinal):
            raise BadRule(_("BYDAY is a list of weekdays, such as MO, 1FR or -1SU."))
        days.add((ordinal, WEEKDAYS.index(match[2])))
    return tuple(sorted(days))


def _weekday(value: str) -> int:
    if value not in WEEKDAYS:
        raise BadRule(_("WKST is one of MO, TU, WE, TH, FR, SA, SU."))
    return WEEKDAYS.index(value)


def _until(value: str) -> date:
    match = UNTIL.fullmatch(value)
    day, clock, utc = match.groups() if match else ("", "", "")
    try:
        until = datetime.strptime(day + (clock or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007  (local, or a date)
    except ValueError:
        raise BadRule(_("UNTIL is a date or a time: 20271231, 20271231T235959 or 20271231T235959Z.")) from None
    if clock is None:
        return until.date()
    return until.replace(tzinfo=UTC) if utc else until


def _until_text(until: date) -> str:
    if not isinstance(until, datetime):
        return f"{until.year:04}{until:%m%d}"
    return f"{until.year:04}{until:%m%dT%H%M%S}{'Z' if until.tzinfo else ''}"


def _check(rule: Rule, parts: dict[str, str]) -> None:
    """The table of RFC 5545 §3.3.10, and what its text forbids beside it."""
    for name in FORBIDDEN[rule.freq]:
        if name in parts:
            raise BadRule(_("%(name)s cannot stand in a %(freq)s rule.") % {"name": name, "freq": rule.freq})
    if rule.count is not None and rule.until is not None:
        raise BadRule(_("Give COUNT or UNTIL, not both."))
    if any(ordinal for ordinal, _weekday in rule.by_day):
        if rule.freq not in (Freq.MONTHLY, Freq.YEARLY):
            raise BadRule(_("BYDAY with a number, such as 1MO, stands in MONTHLY and YEARLY rules only."))
        if rule.by_week_no:
            raise BadRule(_("BYDAY with a number, such as 1MO, cannot stand beside BYWEEKNO."))
    if rule.by_set_pos and not (parts.keys() & {"BYDAY", *NUMBERS}):
        raise BadRule(_("BYSETPOS chooses among what another BY… part gives."))


# --- Expanding --------------------------------------------------------------------------------------------------------


def check_start(rule: Rule, start: datetime, zone: ZoneInfo) -> None:
    """Raise NotInRule, with the next date that fits, unless `start` (local) is the first occurrence of `rule`.

    BadRule if no date fits for years, or none before UNTIL.

    RFC 5545 leaves undefined what a start means that its rule does not produce. Refusing it also refuses, in a bounded
    time, every rule that never produces anything.
    """
    day = first_fitting(rule, start.date())
    if day == start.date():
        if _over(rule.until, day, start.time(), to_utc(start, zone)):
            raise BadRule(_("UNTIL lies before the start."))
        return
    if day is None:
        raise BadRule(_("This rule produces no date within %d years of its start.") % LOOK_AHEAD.years)
    raise NotInRule(
        _("The rule does not produce its own start. The next date that fits is %s.") % day,
        field="start_time",
        details={"nearest": [day.isoformat()]},
    )


def first_fitting(rule: Rule, day: date) -> date | None:
    """The first date on or after `day` with which a series of this rule can begin; None if there is none for years."""
    last = day + LOOK_AHEAD
    return next(dates(replace(rule, interval=1, count=None), day, day, last), None)


def occurrences(
    rule: Rule, start: datetime, zone: ZoneInfo, since: datetime, until: datetime
) -> list[tuple[date, datetime]]:
    """The occurrences whose instants lie in `[since, until)`: local date and instant in UTC, in order.

    `start` is the first, in local time. Raises BadRule for more than 1000.
    """
    clock = start.time()
    first = since.astimezone(zone).date() - DAY
    last = min(until.astimezone(zone).date(), _last_date(rule))
    days = dates(rule, start.date(), first, last)
    laid = ((day, to_utc(datetime.combine(day, clock), zone)) for day in days)
    if rule.until:
        laid = ((day, instant) for day, instant in laid if not _over(rule.until, day, clock, instant))
    found = list(islice(((day, instant) for day, instant in laid if since <= instant < until), MOST + 1))
    if len(found) > MOST:
        raise BadRule(_("This rule gives more than %d appointments within the booking horizon.") % MOST)
    return found


def last_date(rule: Rule, start: datetime, zone: ZoneInfo) -> date | None:
    """The date of the last occurrence; None if the series does not end, or not within a century."""
    if rule.count is None and rule.until is None:
        return None
    horizon = date(start.year + 100, 12, 31)
    until = min(_last_date(rule), horizon)
    if rule.count is None and until == horizon:
        return None
    number, last = 0, start.date()
    for day in dates(rule, start.date(), start.date(), until):
        if _over(rule.until, day, start.time(), to_utc(datetime.combine(day, start.time()), zone)):
            break
        number, last = number + 1, day
    return last if rule.count is None or number == rule.count else None


def dates(rule: Rule, start: date, first: date, last: date) -> Iterator[date]:
    """The dates in `[first, last]` that `rule` produces from `start` on, in order. UNTIL is left to the caller.

    COUNT counts from the start. Looks at nothing after `last`, and without COUNT at nothing long before `first`.
    """
    rule = _with_the_starts(rule, start)
    if rule.count is None:
        return _dates(rule, max(start, first), last, start)
    counted = islice(_dates(rule, start, last, start), rule.count)
    return (day for day in counted if day >= first)


def _last_date(rule: Rule) -> date:
    """No occurrence has a later date than this."""
    until = rule.until
    if until is None or until.year > 9000:
        return date(9000, 1, 1)
    if isinstance(until, datetime):
        return until.date() + DAY
    return until


def _over(until: date | None, day: date, clock: time, instant: datetime) -> bool:
    if until is None:
        return False
    if not isinstance(until, datetime):
        return day > until
    return instant > until if until.tzinfo else datetime.combine(day, clock) > until


def _with_the_starts(rule: Rule, start: date) -> Rule:
    """Return the rule with its missing parts taken from the start (RFC 5545 §3.3.10)."""
    if rule.by_day or rule.by_month_day or rule.by_year_day or rule.freq == Freq.DAILY:
        return rule
    if rule.freq == Freq.WEEKLY or rule.by_week_no:
        return replace(rule, by_day=((0, start.weekday()),))
    months = rule.by_month or ((start.month,) if rule.freq == Freq.YEARLY else ())
    return replace(rule, by_month=months, by_month_day=(start.day,))


def _dates(rule: Rule, first: date, last: date, start: date) -> Iterator[date]:
    fits = _filter(rule)
    for days in _periods(rule, first, last, start):
        chosen: Iterable[date] = filter(fits, days) if fits else days
        if rule.by_set_pos:
            every = list(chosen)
            positions = (position - 1 if position > 0 else len(every) + position for position in rule.by_set_pos)
            chosen = [every[place] for place in sorted({place for place in positions if 0 <= place < len(every)})]
        for day in chosen:
            if first <= day <= last:
                yield day


# --- Days, weeks, months and years ------------------------------------------------------------------------------------


def _periods(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    """Every `interval`-th day, week, month or year from the start's own, from about `first` to `last`: their days.

    Not all of them: what BYMONTH, BYWEEKNO, BYMONTHDAY or BYDAY exclude at one glance is left out already.
    """
    if rule.by_week_no:
        return _years_of_weeks(rule, first, last, start)
    return PERIODS[rule.freq](rule, first, last, start)


def _every(interval: int, begin: int, first: int, last: int) -> range:
    """`begin` and every `interval`-th number after it, from the last one at or before `first` to `last`."""
    return range(begin + max(0, first - begin) // interval * interval, last + 1, interval)


def _single_days(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    for number in _every(rule.interval, start.toordinal(), first.toordinal(), last.toordinal()):
        yield (date.fromordinal(number),)


def _weeks(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    places = sorted((weekday - rule.week_start) % 7 for _ordinal, weekday in rule.by_day)
    begin = start.toordinal() - (start.weekday() - rule.week_start) % 7
    from_ordinal = date.fromordinal
    for week in _every(7 * rule.interval, begin, first.toordinal(), last.toordinal()):
        yield [from_ordinal(week + place) for place in places]


def _months(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    months = (day.year * 12 + day.month - 1 for day in (start, first, last))
    for number in _every(rule.interval, *months):
        year, month = divmod(number, 12)
        if not rule.by_month or month + 1 in rule.by_month:
            yield _days_of_month(rule, year, month + 1)


def _years(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    for year in _every(rule.interval, start.year, first.year, last.year):
        yield [day for month in rule.by_month or range(1, 13) for day in _days_of_month(rule, year, month)]


PERIODS = {Freq.DAILY: _single_days, Freq.WEEKLY: _weeks, Freq.MONTHLY: _months, Freq.YEARLY: _years}


def _years_of_weeks(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    """Years made of whole weeks, so that the days of week 1 that lie in December belong to the year of their week."""
    begin = _week_year(start, rule.week_start)
    for year in _every(rule.interval, begin, first.year - 1, last.year + 1):
        opening = _first_week(year, rule.week_start)
        count = (_first_week(year + 1, rule.week_start) - opening).days // 7
        weeks = {number if number > 0 else count + number + 1 for number in rule.by_week_no}
        yield [
            opening + (7 * (week - 1) + place) * DAY
            for week in sorted(weeks)
            if 1 <= week <= count
            for place in range(7)
        ]


def _days_of_month(rule: Rule, year: int, month: int) -> list[date]:
    length = monthrange(year, month)[1]
    before = date(year, month, 1).toordinal() - 1
    if rule.by_month_day:
        numbers = {number if number > 0 else length + number + 1 for number in rule.by_month_day}
    elif rule.by_day:
        numbers = set()
        for ordinal, weekday in rule.by_day:
            every = range(1 + (weekday - before) % 7, length + 1, 7)
            if not ordinal or _in_year(rule):
                numbers.update(every)
            elif abs(ordinal) <= len(every):
                numbers.add(every[ordinal - 1 if ordinal > 0 else ordinal])
    else:
        numbers = set(range(1, length + 1))
    return [date.fromordinal(before + number) for number in sorted(numbers) if 1 <= number <= length]


def _in_year(rule: Rule) -> bool:
    """Return True if the ordinals of BYDAY count within the year, False if within the month."""
    return rule.freq == Freq.YEARLY and not rule.by_month


def _first_week(year: int, week_start: int) -> date:
    """The first day of week 1: the week, beginning on `week_start`, with at least four days in that year."""
    fourth = date(year, 1, 4)
    return fourth - (fourth.weekday() - week_start) % 7 * DAY


def _week_year(day: date, week_start: int) -> int:
    """The year whose weeks `day` belongs to."""
    year = day.year
    if day < _first_week(year, week_start):
        return year - 1
    return year + 1 if day >= _first_week(year + 1, week_start) else year


# --- Which days fit ---------------------------------------------------------------------------------------------------


def _filter(rule: Rule) -> Callable[[date], bool] | None:
    """Return a test of a day by those BY… parts that the periods have not applied yet; None if there are none left."""
    tests: list[Callable[[date], bool]] = []
    if rule.by_month and (rule.freq in (Freq.DAILY, Freq.WEEKLY) or rule.by_week_no):
        months = frozenset(rule.by_month)
        tests.append(lambda day: day.month in months)
    if rule.by_year_day:
        tests.append(_counted(frozenset(rule.by_year_day), _place_in_year))
    if rule.by_month_day and (rule.freq == Freq.DAILY or rule.by_week_no):
        tests.append(_counted(frozenset(rule.by_month_day), _place_in_month))
    if rule.by_day and rule.freq != Freq.WEEKLY:
        ordinals = _in_year(rule) and any(ordinal for ordinal, _weekday in rule.by_day)
        if rule.freq == Freq.DAILY or rule.by_week_no or rule.by_month_day or ordinals:
            tests.append(_on_weekdays(rule))
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda day: all(test(day) for test in tests)


def _place_in_year(day: date) -> tuple[int, int]:
    """Return the number of the day in its year, and the number of days of that year."""
    return day.timetuple().tm_yday, 365 + isleap(day.year)


def _place_in_month(day: date) -> tuple[int, int]:
    return day.day, monthrange(day.year, day.month)[1]


def _counted(wanted: frozenset[int], place: Callable[[date], tuple[int, int]]) -> Callable[[date], bool]:
    """Return a test of a day: its place, counted from the front or from the back, is among the wanted ones."""

    def fits(day: date) -> bool:
        number, length = place(day)
        return number in wanted or number - length - 1 in wanted

    return fits


def _on_weekdays(rule: Rule) -> Callable[[date], bool]:
    wanted = frozenset(rule.by_day)
    every = frozenset(weekday for ordinal, weekday in rule.by_day if not ordinal)
    place = _place_in_year if _in_year(rule) else _place_in_month

    def fits(day: date) -> bool:
        weekday = day.weekday()
        if weekday in every:
            return True
        number, length = place(day)
        return ((number - 1) // 7 + 1, weekday) in wanted or (-((length - number) // 7) - 1, weekday) in wanted

    return fits
