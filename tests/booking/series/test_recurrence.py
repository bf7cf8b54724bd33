"""Recurrence rules, compared with the examples of RFC 5545, a day-by-day evaluator and, where it is right, dateutil."""

import calendar
import time as clock
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby, islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.series.errors import BadRule, NotInRule
from booking.series.recurrence import check_start, dates, last_date, occurrences
from booking.series.rule import MOST, read

DAY = timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")


def days(text, start, until="2100-01-01", number=MOST):
    """The first dates a rule produces."""
    start = date.fromisoformat(start)
    return [str(day) for day in islice(dates(read(text), start, start, date.fromisoformat(until)), number)]


# --- The examples of RFC 5545 §3.8.5.3, as its answers have them ------------------------------------------------------


def listed(text):
    """`"1997 Sep 5; Oct 3"` as dates."""
    found, year, month = [], 0, 0
    for word in text.replace(";", " ").replace(",", " ").split():
        if word.isdigit() and len(word) == 4:
            year = int(word)
        elif word.isdigit():
            found.append(f"{year}-{month:02}-{int(word):02}")
        else:
            month = list(calendar.month_abbr).index(word)
    return found


RFC = [
    ("FREQ=DAILY;COUNT=10", "1997-09-02", "1997 Sep 2 3 4 5 6 7 8 9 10 11"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "1997 Sep 2 12 22; Oct 2 12"),
    ("FREQ=WEEKLY;COUNT=10", "1997-09-02", "1997 Sep 2 9 16 23 30; Oct 7 14 21 28; Nov 4"),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02", "1997 Sep 2 4 9 11 16 18 23 25 30; Oct 2"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997-09-02", "1997 Sep 2 4 16 18 30; Oct 2 14 16"),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997-09-05",
        "1997 Sep 5; Oct 3; Nov 7; Dec 5; 1998 Jan 2; Feb 6; Mar 6; Apr 3; May 1; Jun 5",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09-07",
        "1997 Sep 7 28; Nov 2 30; 1998 Jan 4 25; Mar 1 29; May 3 31",
    ),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", "1997 Sep 22; Oct 20; Nov 17; Dec 22; 1998 Jan 19; Feb 16"),
    ("FREQ=MONTHLY;COUNT=6;BYMONTHDAY=-3", "1997-09-28", "1997 Sep 28; Oct 29; Nov 28; Dec 29; 1998 Jan 29; Feb 26"),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997-09-02",
        "1997 Sep 2 15; Oct 2 15; Nov 2 15; Dec 2 15; 1998 Jan 2 15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09-30",
        "1997 Sep 30; Oct 1 31; Nov 1 30; Dec 1 31; 1998 Jan 1 31; Feb 1",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09-10",
        "1997 Sep 10 11 12 13 14 15; 1999 Mar 10 11 12 13",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU;COUNT=18",
        "1997-09-02",
        "1997 Sep 2 9 16 23 30; Nov 4 11 18 25; 1998 Jan 6 13 20 27; Mar 3 10 17 24 31",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06-10",
        "1997 Jun 10; Jul 10; 1998 Jun 10; Jul 10; 1999 Jun 10; Jul 10; 2000 Jun 10; Jul 10; 2001 Jun 10; Jul 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03-10",
        "1997 Mar 10; 1999 Jan 10; Feb 10; Mar 10; 2001 Jan 10; Feb 10; Mar 10; 2003 Jan 10; Feb 10; Mar 10",
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01-01",
        "1997 Jan 1; Apr 10; Jul 19; 2000 Jan 1; Apr 9; Jul 18; 2003 Jan 1; Apr 10; Jul 19; 2006 Jan 1",
    ),
    ("FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1997-05-19", "1997 May 19; 1998 May 18; 1999 May 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "1997-05-12", "1997 May 12; 1998 May 11; 1999 May 17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=11",
        "1997-03-13",
        "1997 Mar 13 20 27; 1998 Mar 5 12 19 26; 1999 Mar 4 11 18 25",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8;COUNT=13",
        "1997-06-05",
        "1997 Jun 5 12 19 26; Jul 3 10 17 24 31; Aug 7 14 21 28",
    ),
    (
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5",
        "1998-02-13",
        "1998 Feb 13; Mar 13; Nov 13; 1999 Aug 13; 2000 Oct 13",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=10",
        "1997-09-13",
        "1997 Sep 13; Oct 11; Nov 8; Dec 13; 1998 Jan 10; Feb 7; Mar 7; Apr 11; May 9; Jun 13",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
        "1996-11-05",
        "1996 Nov 5; 2000 Nov 7; 2004 Nov 2",
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "1997 Sep 4; Oct 7; Nov 6"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7",
        "1997-09-29",
        "1997 Sep 29; Oct 30; Nov 27; Dec 30; 1998 Jan 29; Feb 26; Mar 30",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "1997 Aug 5 10 19 24"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "1997 Aug 5 17 19 31"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", "2007 Jan 15 30; Feb 15; Mar 15 30"),
]


@pytest.mark.parametrize(("rule", "start", "answer"), RFC)
def test_expands_as_the_rfc_does(rule, start, answer):
    assert days(rule, start) == listed(answer)


def test_expands_every_day_in_january_for_three_years_in_both_of_the_rfcs_ways():
    yearly = days("FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998-01-01", "2000-01-31")

    assert days("FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01-01", "2000-01-31") == yearly
    assert len(yearly) == 93


# --- What other libraries get wrong -----------------------------------------------------------------------------------


def test_weekdays_with_and_without_a_number_add_up():
    assert days("FREQ=MONTHLY;BYDAY=MO,1TU", "2026-03-02", number=7) == [
        *("2026-03-02", "2026-03-03", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06")
    ]


def test_setpos_counts_in_the_whole_first_week_and_not_from_the_start():
    assert days("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2026-03-04", number=2) == ["2026-03-09", "2026-03-16"]


def test_week_numbers_are_those_of_the_iso():
    for number in (1, 2, 52, 53):
        rule = f"FREQ=YEARLY;BYWEEKNO={number};BYDAY=MO,TU,WE,TH,FR,SA,SU"
        found = days(rule, "2000-01-03", "2060-12-31", number=10_000)
        every = (date(2000, 1, 3) + n * DAY for n in range(22_300))
        assert found == [str(day) for day in every if day.isocalendar().week == number and day <= date(2060, 12, 31)]


def test_every_second_year_of_weeks_is_one_of_weeks():
    """Week 1 of 2026 begins in December 2025, and belongs to 2026."""
    assert days("FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO", "2024-01-01", number=3) == [
        *("2024-01-01", "2025-12-29", "2028-01-03")
    ]


def test_a_week_number_alone_means_the_weekday_of_the_start():
    assert days("FREQ=YEARLY;BYWEEKNO=20", "2026-05-13", number=2) == ["2026-05-13", "2027-05-19"]


def test_week_numbers_from_the_end_and_with_another_first_day_of_the_week():
    assert days("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "2026-12-28", number=2) == ["2026-12-28", "2027-12-27"]
    assert days("FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU", "2026-01-04", number=2) == ["2026-01-04", "2027-01-03"]


def test_days_that_a_month_does_not_have_are_left_out():
    assert days("FREQ=MONTHLY", "2026-01-31", number=4) == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    assert days("FREQ=YEARLY", "2028-02-29", number=2) == ["2028-02-29", "2032-02-29"]


# --- A day-by-day evaluator -------------------------------------------------------------------------------------------


@cache
def weeks_of(year, week_start):
    """The weeks of a year as lists of days: those with at least four days in it."""
    day = date(year, 1, 1) - 6 * DAY
    while day.weekday() != week_start:
        day += DAY
    weeks = []
    while day <= date(year, 12, 31):
        week = [day + n * DAY for n in range(7)]
        if sum(one.year == year for one in week) >= 4:
            weeks.append(week)
        day += 7 * DAY
    return weeks


@cache
def week_year_and_number(day, week_start):
    for year in (day.year - 1, day.year, day.year + 1):
        weeks = weeks_of(year, week_start)
        for number, week in enumerate(weeks, 1):
            if day in week:
                return year, number, number - len(weeks) - 1
    raise AssertionError


def fits(parts, day, start, week_start):
    """Return whether a day satisfies each part of the rule."""

    def numbers(name):
        return [int(word) for word in parts[name].split(",")]

    in_month, in_year, like_in_month, like_in_year = scopes(day)
    wanted = {"BYMONTH": {day.month}, "BYMONTHDAY": in_month, "BYYEARDAY": in_year}
    if "BYWEEKNO" in parts:
        wanted["BYWEEKNO"] = set(week_year_and_number(day, week_start)[1:])
    if not all(found & set(numbers(name)) for name, found in wanted.items() if name in parts):
        return False
    if "BYDAY" in parts:
        among = like_in_year if parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts else like_in_month
        name = calendar.day_abbr[day.weekday()][:2].upper()
        return bool({name, *(f"{number}{name}" for number in among)} & set(parts["BYDAY"].split(",")))
    if {"BYMONTHDAY", "BYYEARDAY"} & set(parts) or parts["FREQ"] == "DAILY":
        return True
    if parts["FREQ"] == "WEEKLY" or "BYWEEKNO" in parts:
        return day.weekday() == start.weekday()
    return day.day == start.day and (parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts or day.month == start.month)


@cache
def days_of(year):
    return [date(year, 1, 1) + n * DAY for n in range(365 + calendar.isleap(year))]


@cache
def scopes(day):
    """Return the positions of a day, from both ends: in its month and year, and among the same weekdays."""
    year = days_of(day.year)
    month = [one for one in year if one.month == day.month]
    like = [[one for one in scope if one.weekday() == day.weekday()] for scope in (month, year)]
    return [places(day, among) for among in (month, year, *like)]


def places(day, among):
    return {among.index(day) + 1, among.index(day) - len(among)}


def period(parts, day, week_start):
    """Return the number of the day's period (day, week, month or year), from some origin."""
    return {
        "DAILY": day.toordinal(),
        "WEEKLY": (day.toordinal() - 1 - week_start) // 7,
        "MONTHLY": day.year * 12 + day.month,
        "YEARLY": week_year_and_number(day, week_start)[0] if "BYWEEKNO" in parts else day.year,
    }[parts["FREQ"]]


def evaluated(text, start, until):
    """Evaluate the rule one day after the other."""
    parts = dict(part.split("=") for part in text.split(";"))
    week_start = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].index(parts.get("WKST", "MO"))
    first, interval = period(parts, start, week_start), int(parts.get("INTERVAL", 1))
    every = [start - 400 * DAY + n * DAY for n in range((until - start).days + 800)]
    found = []
    for number, group in groupby(every, key=lambda day: period(parts, day, week_start)):
        if (number - first) % interval:
            continue
        chosen = [day for day in group if fits(parts, day, start, week_start)]
        if "BYSETPOS" in parts:
            positions = {int(word) for word in parts["BYSETPOS"].split(",")}
            chosen = [day for day in chosen if places(day, chosen) & positions]
        found += [day for day in chosen if day >= start]
    return [day for day in found[: int(parts.get("COUNT", len(found)))] if day <= until]


WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


def some(values, most=3):
    return st.lists(values, min_size=1, max_size=most, unique=True).map(lambda found: ",".join(map(str, found)))


def numbers(most):
    return st.integers(-most, most).filter(bool)


@st.composite
def rules(draw, *, week_numbers=True):
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {"FREQ": freq}
    maybe = st.integers(0, 2).map(lambda number: not number)
    if draw(maybe):
        parts["BYMONTH"] = draw(some(st.integers(1, 12), 5))
    if freq == "YEARLY" and week_numbers and draw(maybe):
        parts["BYWEEKNO"] = draw(some(numbers(53)))
    if freq == "YEARLY" and draw(maybe):
        parts["BYYEARDAY"] = draw(some(numbers(366), 8))
    if freq != "WEEKLY" and draw(maybe):
        parts["BYMONTHDAY"] = draw(some(numbers(31), 8))
    if draw(st.booleans()):
        ordinal = numbers(5).map(str) | st.just("")
        numbered = freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts and draw(st.booleans())
        one = st.tuples(ordinal, WEEKDAYS).map("".join) if numbered else WEEKDAYS
        parts["BYDAY"] = draw(some(one, 4))
    if len(parts) > 1 and draw(maybe):
        parts["BYSETPOS"] = draw(some(numbers(4)))
    if draw(st.booleans()):
        parts["INTERVAL"] = str(draw(st.integers(1, 5)))
    if draw(maybe):
        parts["COUNT"] = str(draw(st.integers(1, 40)))
    if draw(st.booleans()):
        parts["WKST"] = draw(WEEKDAYS)
    return ";".join(f"{name}={value}" for name, value in parts.items())


STARTS = st.dates(date(2019, 1, 1), date(2033, 12, 31))


@settings(max_examples=120)
@given(rules(), STARTS)
@example("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;INTERVAL=3", date(2024, 12, 30))
@example("FREQ=YEARLY;BYWEEKNO=-1,1;BYDAY=SA,SU;BYSETPOS=1,-1;WKST=SU", date(2022, 1, 1))
@example("FREQ=MONTHLY;BYDAY=MO,1TU,-1FR;BYMONTHDAY=1,2,3,-1", date(2026, 3, 3))
def test_expands_as_a_day_by_day_evaluator_does(rule, start):
    until = start + 900 * DAY

    assert list(dates(read(rule), start, start, until)) == evaluated(rule, start, until)


@settings(max_examples=60)
@given(rules(), STARTS, st.integers(0, 4000))
def test_a_later_window_shows_the_same_as_the_whole(rule, start, later):
    rule, first, last = read(rule), start + later * DAY, start + (later + 400) * DAY

    assert list(dates(rule, start, first, last)) == [day for day in dates(rule, start, start, last) if day >= first]


@settings(max_examples=150)
@given(rules(week_numbers=False), STARTS)
def test_expands_as_dateutil_does_where_that_is_right(rule, start):
    """Excluded: weekdays mixed with numbered ones, BYSETPOS in weeks, BYWEEKNO, and rules without a match."""
    by_day = dict(part.split("=") for part in rule.split(";")).get("BYDAY", "").split(",")
    if len({len(word) > 2 for word in by_day}) > 1 or ("WEEKLY" in rule and "BYSETPOS" in rule):
        return
    until = start + 800 * DAY
    ours = list(dates(read(rule), start, start, until))
    if not ours:
        return

    theirs = rrulestr(rule, dtstart=datetime(start.year, start.month, start.day))

    assert [found.date() for found in islice(theirs, len(ours))] == ours


@settings(max_examples=60)
@given(rules(), STARTS)
def test_one_spelling_is_read_back_as_the_same_rule(rule, start):
    assert read(str(read(rule))) == read(rule)


# --- Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("FREQ=WEEKLY", "FREQ=WEEKLY"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=1;WKST=MO", "FREQ=WEEKLY"),
        ("freq=weekly;byday=we,mo,mo;interval=02", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
        ("COUNT=3;FREQ=MONTHLY;BYDAY=+1MO,-1FR", "FREQ=MONTHLY;COUNT=3;BYDAY=-1FR,1MO"),
        ("FREQ=YEARLY;UNTIL=20271231T235959Z;BYMONTH=12,1", "FREQ=YEARLY;UNTIL=20271231T235959Z;BYMONTH=1,12"),
        ("FREQ=DAILY;UNTIL=20271231T235959", "FREQ=DAILY;UNTIL=20271231T235959"),
        ("FREQ=DAILY;UNTIL=20271231;WKST=SU", "FREQ=DAILY;UNTIL=20271231;WKST=SU"),
        ("FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1"),
    ],
)
def test_read_gives_a_rule_one_spelling(text, spelled):
    assert str(read(text)) == spelled


HOSTILE = [
    "",
    ";",
    "FREQ",
    "FREQ=",
    "FREQ=SECONDLY",
    "FREQ=MINUTELY;INTERVAL=1440",
    "FREQ=HOURLY",
    "FREQ=FORTNIGHTLY",
    "FREQ=DAILY;FREQ=DAILY",
    "FREQ=DAILY;BYHOUR=9",
    "FREQ=DAILY;BYMINUTE=0",
    "FREQ=DAILY;BYSECOND=0",
    "FREQ=DAILY;BYEASTER=0",
    "FREQ=DAILY;X-NAME=1",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;INTERVAL=-1",
    "FREQ=DAILY;INTERVAL=1001",
    "FREQ=DAILY;INTERVAL=1.5",
    "FREQ=DAILY;INTERVAL=٣",
    "FREQ=DAILY;COUNT=0",
    "FREQ=DAILY;COUNT=1001",
    "FREQ=DAILY;COUNT=1000000000000000000000",
    "FREQ=DAILY;COUNT=3;UNTIL=20270101",
    "FREQ=DAILY;UNTIL=20270230",
    "FREQ=DAILY;UNTIL=2027",
    "FREQ=DAILY;UNTIL=00000101",
    "FREQ=DAILY;UNTIL=20270101T250000Z",
    "FREQ=DAILY;UNTIL=20270101T090000+0100",
    "FREQ=DAILY;BYWEEKNO=1",
    "FREQ=DAILY;BYYEARDAY=1",
    "FREQ=WEEKLY;BYMONTHDAY=1",
    "FREQ=WEEKLY;BYWEEKNO=1",
    "FREQ=WEEKLY;BYYEARDAY=1",
    "FREQ=MONTHLY;BYWEEKNO=1",
    "FREQ=MONTHLY;BYYEARDAY=1",
    "FREQ=WEEKLY;BYDAY=1MO",
    "FREQ=DAILY;BYDAY=1MO",
    "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
    "FREQ=MONTHLY;BYDAY=0MO",
    "FREQ=MONTHLY;BYDAY=54MO",
    "FREQ=MONTHLY;BYDAY=MO,",
    "FREQ=MONTHLY;BYDAY=MONDAY",
    "FREQ=MONTHLY;BYMONTHDAY=0",
    "FREQ=MONTHLY;BYMONTHDAY=32",
    "FREQ=MONTHLY;BYMONTH=13",
    "FREQ=MONTHLY;BYMONTH=-1",
    "FREQ=YEARLY;BYYEARDAY=367",
    "FREQ=YEARLY;BYWEEKNO=54",
    "FREQ=MONTHLY;BYSETPOS=1",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367",
    "FREQ=WEEKLY;WKST=1",
    "FREQ=WEEKLY\nRRULE:FREQ=DAILY",
    "FREQ=WEEKLY\r\nEXRULE:FREQ=WEEKLY",
    "FREQ=WEEKLY;\n BYDAY=MO",
    "FREQ=WEEKLY\x00",
    "FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 1000),
    "EXRULE:FREQ=WEEKLY",
    "DTSTART:20260302T090000\nRRULE:FREQ=WEEKLY",
    "ＦＲＥＱ=WEEKLY",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40].encode("unicode_escape").decode())
def test_read_refuses_what_the_rfc_does_not_allow(text):
    with pytest.raises(BadRule) as refusal:
        read(text)

    assert (refusal.value.code, refusal.value.field) == ("bad_rule", "rrule")


# --- The start --------------------------------------------------------------------------------------------------------

NINE = datetime(2026, 3, 2, 9)
"""A Monday."""


@pytest.mark.parametrize(
    ("rule", "nearest"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", "2026-03-03"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "2026-04-01"),
        ("FREQ=MONTHLY;INTERVAL=7;BYMONTHDAY=1", "2026-04-01"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=-1;COUNT=3", "2026-03-06"),
    ],
)
def test_a_start_that_the_rule_does_not_produce_is_refused_with_the_next_that_fits(rule, nearest):
    with pytest.raises(NotInRule) as refusal:
        check_start(read(rule), NINE, NEW_YORK)

    assert (refusal.value.field, refusal.value.details) == ("start_time", {"nearest": [nearest]})
    check_start(read(rule), datetime.combine(date.fromisoformat(nearest), NINE.time()), NEW_YORK)


NEVER = [
    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=4,6,9,11;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=6MO",
    "FREQ=MONTHLY;BYDAY=-53SU",
    "FREQ=YEARLY;BYMONTH=1;BYYEARDAY=60",
    "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=12",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO,TU,WE,TH,FR,SA,SU;INTERVAL=1000",
    "FREQ=YEARLY;BYYEARDAY=1;BYSETPOS=2",
    "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
    "FREQ=DAILY;BYDAY=MO;BYSETPOS=366",
    "FREQ=MONTHLY;INTERVAL=1000;BYDAY=5MO;BYMONTHDAY=1",
]


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_that_never_comes_true_is_refused_at_once(rule):
    before = clock.thread_time()

    with pytest.raises(BadRule):
        check_start(read(rule), NINE, NEW_YORK)

    assert clock.thread_time() - before < 0.5


def test_an_end_before_the_start_is_refused():
    with pytest.raises(BadRule):
        check_start(read("FREQ=DAILY;UNTIL=20260302T135959Z"), NINE, NEW_YORK)

    check_start(read("FREQ=DAILY;UNTIL=20260302T140000Z"), NINE, NEW_YORK)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=1000",
        "FREQ=DAILY;COUNT=1000",
        "FREQ=YEARLY;COUNT=1000;INTERVAL=1000",
        "FREQ=DAILY;UNTIL=99991231T235959Z",
        "FREQ=DAILY;UNTIL=21501231T235959Z",
        "FREQ=YEARLY;BYYEARDAY=" + ",".join(map(str, range(1, 100))),
    ],
)
@pytest.mark.parametrize("start", [datetime(2000, 1, 1, 9), datetime(2100, 1, 1, 9)])
def test_long_rules_are_expanded_at_once(rule, start):
    before = clock.thread_time()

    check_start(read(rule), start, NEW_YORK)
    last_date(read(rule), start, NEW_YORK)
    occurrences(read(rule), start, NEW_YORK, datetime(2100, 6, 1, tzinfo=UTC), datetime(2101, 6, 1, tzinfo=UTC))

    assert clock.thread_time() - before < 1


# --- Zones ------------------------------------------------------------------------------------------------------------


def clocks(rule, start, zone, months=14):
    """Return the local times of the occurrences in `zone`."""
    since = start.replace(tzinfo=UTC) - 2 * DAY
    found = occurrences(read(rule), start, ZoneInfo(zone), since, since + months * 31 * DAY)
    return [(day, instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for day, instant in found]


@pytest.mark.parametrize(
    ("zone", "offsets"),
    [
        ("America/New_York", {"-0500", "-0400"}),
        ("Europe/London", {"+0000", "+0100"}),
        ("Australia/Lord_Howe", {"+1030", "+1100"}),
        ("Africa/Casablanca", {"+0100", "+0000"}),
        ("Asia/Kathmandu", {"+0545"}),
    ],
)
def test_nine_o_clock_stays_nine_o_clock_across_every_change(zone, offsets):
    found = clocks("FREQ=WEEKLY", datetime(2026, 1, 5, 9), zone)

    assert len(found) > 55
    assert {local.strftime("%a %H:%M") for _day, local in found} == {"Mon 09:00"}
    assert {f"{local.replace(tzinfo=ZoneInfo(zone)):%z}" for _day, local in found} == offsets


def test_a_time_that_does_not_exist_moves_forward_by_the_gap():
    found = clocks("FREQ=WEEKLY;COUNT=3", datetime(2026, 3, 1, 2, 30), "America/New_York")

    assert [f"{day} {local:%d %H:%M}" for day, local in found] == [
        "2026-03-01 01 02:30",
        "2026-03-08 08 03:30",
        "2026-03-15 15 02:30",
    ]


def test_half_an_hour_of_gap_in_lord_howe():
    found = clocks("FREQ=WEEKLY;COUNT=2", datetime(2026, 9, 27, 2, 15), "Australia/Lord_Howe")

    assert [f"{local:%d %H:%M}" for _day, local in found] == ["27 02:15", "04 02:45"]


def test_an_ambiguous_time_is_the_first():
    new_york = ZoneInfo("America/New_York")
    found = occurrences(
        read("FREQ=WEEKLY;COUNT=2"),
        datetime(2026, 10, 25, 1, 30),
        new_york,
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )

    assert [f"{instant:%d %H:%M}" for _day, instant in found] == ["25 05:30", "01 05:30"]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260308T125959Z", "2026-03-07"),  # 09:00 in New York is 13:00 UTC from that day on
        ("20260308T130000Z", "2026-03-08"),
        ("20260308T085959", "2026-03-07"),
        ("20260308T090000", "2026-03-08"),
        ("20260308", "2026-03-08"),
    ],
)
def test_until_is_included_in_utc_locally_and_as_a_day(until, last):
    rule = read(f"FREQ=DAILY;UNTIL={until}")
    start = datetime(2026, 3, 2, 9)
    found = occurrences(rule, start, NEW_YORK, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))

    assert str(found[-1][0]) == last == str(last_date(rule, start, NEW_YORK))


def test_count_counts_from_the_start_however_long_ago():
    rule = read("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=500")
    start = datetime(2022, 1, 3, 9)
    since = datetime(2026, 10, 1, tzinfo=UTC)

    found = occurrences(rule, start, NEW_YORK, since, since + 365 * DAY)

    assert str(found[-1][0]) == "2026-10-14" == str(last_date(rule, start, NEW_YORK))


def test_the_last_date_of_a_rule_that_recurs_rarely():
    assert last_date(read("FREQ=YEARLY;INTERVAL=20;UNTIL=20610101"), NINE, NEW_YORK) == date(2046, 3, 2)


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=YEARLY;UNTIL=99991231"])
def test_a_series_without_an_end_has_no_last_date(rule):
    assert last_date(read(rule), NINE, NEW_YORK) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_window_shows_what_begins_in_it_however_far_the_zone_is(zone):
    start, since = datetime(2026, 3, 1, 23, 45), datetime(2026, 3, 10, 10, tzinfo=UTC)

    found = occurrences(read("FREQ=DAILY"), start, ZoneInfo(zone), since, since + DAY)

    assert len(found) == 1
    assert since <= found[0][1] < since + DAY
