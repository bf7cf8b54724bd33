"""Expansion of recurrence rules (RFC 5545 §3.3.10), DAILY or slower, within bounds.

A rule yields at most one occurrence per local day, so an occurrence is named by its date. All computation uses dates
and local times; `common/time/zones.py` adds the zone last. No expansion looks further than its arguments, whatever the
rule. (dateutil looks for the next match until the year 9999, and reads `BYDAY=MO,1TU`, a weekly BYSETPOS and BYWEEKNO
differently from the RFC; the tests compare with it where it is right.)
"""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.utils.translation import gettext as _

from booking.series.errors import BadRule, NotInRule
from booking.series.rule import MOST, Freq, Rule
from scheduler_project.common.time.zones import to_utc

LOOK_AHEAD = relativedelta(years=8)
"""The time within which a matching start is suggested for one that does not fit: 29 February can be that far away."""


DAY = timedelta(days=1)


def check_start(rule: Rule, start: datetime, zone: ZoneInfo) -> None:
    """Raise NotInRule, with the next date that fits, unless `start` (local) is the first occurrence of `rule`.

    Raises BadRule if no date fits for years, or none before UNTIL. RFC 5545 leaves undefined what a start means that
    its rule does not produce. Refusing it also refuses, in bounded time, every rule that never produces anything.
    """
    day = first_fitting(rule, start.date())
    if day == start.date():
        if _over(rule.until, day, start.time(), to_utc(start, zone)):
            raise BadRule(_("UNTIL is before the start."))
        return
    if day is None:
        raise BadRule(_("This rule produces no date within %d years of its start.") % LOOK_AHEAD.years)
    raise NotInRule(
        _("The rule doesn't produce its own start date. The next matching date is %s.") % day,
        field="start_time",
        details={"nearest": [day.isoformat()]},
    )


def first_fitting(rule: Rule, day: date) -> date | None:
    """Return the first date on or after `day` with which a series of this rule can begin; None for none in years."""
    last = day + LOOK_AHEAD
    return next(dates(replace(rule, interval=1, count=None), day, day, last), None)


def occurrences(
    rule: Rule, start: datetime, zone: ZoneInfo, since: datetime, until: datetime
) -> list[tuple[date, datetime]]:
    """Return the occurrences with instants in `[since, until)`, as local date and instant in UTC, in order.

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
        raise BadRule(
            _("This rule produces more than %d appointments within the booking horizon. Choose fewer.") % MOST
        )
    return found


def last_date(rule: Rule, start: datetime, zone: ZoneInfo) -> date | None:
    """Return the date of the last occurrence; None if the series does not end, or not within a century."""
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
    """Return the dates in `[first, last]` that `rule` produces from `start` on, in order. The caller applies UNTIL.

    COUNT counts from the start. Nothing after `last` is computed, and without COUNT nothing long before `first`.
    """
    rule = _with_the_starts(rule, start)
    if rule.count is None:
        return _dates(rule, max(start, first), last, start)
    counted = islice(_dates(rule, start, last, start), rule.count)
    return (day for day in counted if day >= first)


def _last_date(rule: Rule) -> date:
    """Return a date after which there is no occurrence."""
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


def _periods(rule: Rule, first: date, last: date, start: date) -> Iterator[Iterable[date]]:
    """Yield the days of each `interval`-th day, week, month or year since the start's, from about `first` to `last`.

    Days that BYMONTH, BYWEEKNO, BYMONTHDAY or BYDAY exclude cheaply are already left out.
    """
    if rule.by_week_no:
        return _years_of_weeks(rule, first, last, start)
    return PERIODS[rule.freq](rule, first, last, start)


def _every(interval: int, begin: int, first: int, last: int) -> range:
    """Return `begin` and every `interval`-th number after it, from the last one at or before `first` to `last`."""
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
    """Yield the days of years of whole weeks: days of week 1 that lie in December belong to the year of their week."""
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
    """Return the first day of week 1, the first week from a `week_start` that has at least four days in that year."""
    fourth = date(year, 1, 4)
    return fourth - (fourth.weekday() - week_start) % 7 * DAY


def _week_year(day: date, week_start: int) -> int:
    """Return the year to whose weeks `day` belongs."""
    year = day.year
    if day < _first_week(year, week_start):
        return year - 1
    return year + 1 if day >= _first_week(year + 1, week_start) else year


def _filter(rule: Rule) -> Callable[[date], bool] | None:
    """Return a test of a day by the BY… parts that the periods have not applied yet; None if there are none."""
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
