"""The days of a period, and the starts of their hours."""

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from analytics.errors import HalfASpan, SpanEndsBeforeStart, SpanTooLong
from analytics.periods import Period, Span, chosen_span, span_of
from tests.factories import at

BERLIN, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, date(2026, 3, 1), date(2026, 3, 1)),
        (Period.WEEK, date(2026, 2, 23), date(2026, 3, 1)),
        (Period.MONTH, date(2026, 3, 1), date(2026, 3, 31)),
        (Period.LAST_7_DAYS, date(2026, 2, 23), date(2026, 3, 1)),
        (Period.LAST_30_DAYS, date(2026, 1, 31), date(2026, 3, 1)),
        (Period.LAST_MONTH, date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_span_is_that_of_the_local_day(period, first, last):
    span = span_of(period, BERLIN, at("2026-02-28 23:00"))

    assert (span.first, span.last) == (first, last)


def test_span_of_the_day_before_ends_at_midnight():
    assert span_of(Period.DAY, BERLIN, at("2026-02-28 22:59")).last == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), [0, 1, *range(3, 24)]),
        (BERLIN, date(2026, 10, 25), [0, 1, 2, 2, *range(3, 24)]),
        (LORD_HOWE, date(2026, 4, 5), [0, 1, 1, *range(2, 24)]),
        (LORD_HOWE, date(2026, 10, 4), [0, 1, 2, *range(3, 24)]),
        (ZoneInfo("America/Sao_Paulo"), date(2018, 11, 4), list(range(1, 24))),
        (ZoneInfo("America/Havana"), date(2020, 11, 1), [0, 0, *range(1, 24)]),
        (ZoneInfo("Pacific/Apia"), date(2011, 12, 30), []),
    ],
)
def test_hours_are_those_the_local_clock_shows(zone, day, hours):
    assert [hour.hour for hour in Span(day, day, zone).hours] == hours


def test_hours_leave_no_gap():
    span = Span(date(2026, 4, 4), date(2026, 4, 6), LORD_HOWE)
    begins = [hour.starts_at for hour in span.hours] + [span.until]

    lengths = {later - earlier for earlier, later in pairwise(begins)}
    assert (begins[0], lengths) == (span.start, {timedelta(hours=1), timedelta(minutes=30)})


def test_span_takes_366_days():
    span = chosen_span(FIRST, FIRST + timedelta(days=365), BERLIN)

    assert span
    assert len(span.dates) == 366


def test_span_refuses_a_day_more():
    with pytest.raises(SpanTooLong):
        chosen_span(FIRST, FIRST + timedelta(days=366), BERLIN)


def test_span_refuses_an_end_before_its_beginning():
    with pytest.raises(SpanEndsBeforeStart):
        chosen_span(FIRST, FIRST - timedelta(days=1), BERLIN)


@pytest.mark.parametrize(("first", "last", "field"), [(FIRST, None, "to"), (None, FIRST, "from")])
def test_span_refuses_half_of_one(first, last, field):
    with pytest.raises(HalfASpan) as refusal:
        chosen_span(first, last, BERLIN)

    assert refusal.value.field == field
