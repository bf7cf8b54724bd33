"""Instants, zones and intervals, by example at the changes of the clock and by property in between."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from scheduler_project.common.time.intervals import ceil_to_step, clipped, covers, floor_to_step, merged, without
from scheduler_project.common.time.zones import (
    aligned,
    day_interval,
    days_between,
    offset_spans,
    to_utc,
    validate_timezone,
    zone_names,
)
from tests.factories import at

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
CASABLANCA = ZoneInfo("Africa/Casablanca")
SANTIAGO = ZoneInfo("America/Santiago")
BEIRUT = ZoneInfo("Asia/Beirut")
CHATHAM = ZoneInfo("Pacific/Chatham")
NEW_YORK = ZoneInfo("America/New_York")
UTC_ZONE = ZoneInfo("UTC")
ZONES = [BERLIN, KATHMANDU, LORD_HOWE, CASABLANCA, SANTIAGO, BEIRUT, CHATHAM, NEW_YORK, UTC_ZONE]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEPS = [timedelta(minutes=number) for number in (5, 6, 10, 12, 15, 20, 30, 60)]
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)

zones = st.sampled_from(ZONES)
steps = st.sampled_from(STEPS)
seconds = st.integers(0, 3 * 365 * 86400)
instants = st.builds(lambda number: EPOCH + timedelta(seconds=number), seconds)
intervals = st.builds(
    lambda number, length: (EPOCH + timedelta(minutes=number), EPOCH + timedelta(minutes=number + length)),
    st.integers(0, 600),
    st.integers(-5, 120),
)
stretches = st.builds(
    lambda number, length: (EPOCH + timedelta(seconds=number), EPOCH + timedelta(seconds=number + length)),
    seconds,
    st.integers(1, 400 * 86400),
)


def minutes_in(union):
    """The instants, minute by minute, that lie in some of the intervals: what a set of intervals means."""
    inside = set()
    for start, end in union:
        first = (start - EPOCH) // timedelta(minutes=1)
        inside.update(range(first, first + max(0, (end - start) // timedelta(minutes=1))))
    return inside


# --- Zones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"])
def test_validate_timezone_accepts(name):
    assert validate_timezone(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localtime",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "posixrules",
        "Factory",
        "America",
        "EST",
        "Etc/GMT+5",
        "GMT",
        "europe/berlin",
        "Europe/Berlin\n",
        "../etc/passwd",
        "Europe/../Europe/Berlin",
        "Mars/Olympus",
    ],
)
def test_validate_timezone_refuses(name):
    with pytest.raises(ValidationError) as refusal:
        validate_timezone(name)

    assert refusal.value.code == "unknown_timezone"


def test_zone_names_can_all_be_loaded():
    assert {ZoneInfo(name).key for name in zone_names()} == zone_names()


# --- Local to UTC ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        (BERLIN, "2026-03-29 01:59", "2026-03-29 00:59"),
        (BERLIN, "2026-03-29 02:00", "2026-03-29 01:00"),
        (BERLIN, "2026-03-29 02:30", "2026-03-29 01:30"),
        (BERLIN, "2026-03-29 03:00", "2026-03-29 01:00"),
        (BERLIN, "2026-10-25 01:59", "2026-10-24 23:59"),
        (BERLIN, "2026-10-25 02:00", "2026-10-25 00:00"),
        (BERLIN, "2026-10-25 02:59", "2026-10-25 00:59"),
        (BERLIN, "2026-10-25 03:00", "2026-10-25 02:00"),
        (LORD_HOWE, "2026-04-05 01:30", "2026-04-04 14:30"),
        (LORD_HOWE, "2026-04-05 01:59", "2026-04-04 14:59"),
        (LORD_HOWE, "2026-04-05 02:00", "2026-04-04 15:30"),
        (LORD_HOWE, "2026-10-04 02:00", "2026-10-03 15:30"),
        (LORD_HOWE, "2026-10-04 02:29", "2026-10-03 15:59"),
        (LORD_HOWE, "2026-10-04 02:30", "2026-10-03 15:30"),
        (KATHMANDU, "2026-03-02 09:00", "2026-03-02 03:15"),
        (CASABLANCA, "2026-02-15 02:30", "2026-02-15 01:30"),
        (CASABLANCA, "2026-03-22 02:30", "2026-03-22 02:30"),
        (SANTIAGO, "2026-09-06 00:00", "2026-09-06 04:00"),
        (SANTIAGO, "2026-09-06 00:30", "2026-09-06 04:30"),
        (SANTIAGO, "2026-09-06 01:00", "2026-09-06 04:00"),
        (BEIRUT, "2026-03-29 00:00", "2026-03-28 22:00"),
    ],
)
def test_to_utc_moves_gaps_forward_and_takes_the_first_of_two(zone, local, instant):
    assert to_utc(datetime.fromisoformat(local), zone) == at(instant)


@given(zones, instants)
def test_to_utc_undoes_local_time_up_to_the_choice_of_the_first(zone, instant):
    local = instant.astimezone(zone)

    back = to_utc(local.replace(tzinfo=None, fold=0), zone)

    assert back == (instant if local.fold == 0 else local.replace(fold=0).astimezone(UTC))
    assert back.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-28", 24),
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (LORD_HOWE, "2026-04-05", 24.5),
        (LORD_HOWE, "2026-10-04", 23.5),
        (SANTIAGO, "2026-09-06", 23),
        (BEIRUT, "2026-03-29", 23),
        (KATHMANDU, "2026-03-29", 24),
        (ZoneInfo("Pacific/Apia"), "2011-12-30", 0),
    ],
)
def test_day_interval_has_the_real_hours_of_that_day(zone, day, hours):
    start, end = day_interval(date.fromisoformat(day), zone)

    assert end - start == hours * HOUR


@given(zones, st.dates(date(2025, 1, 1), date(2027, 12, 31)))
def test_day_interval_ends_where_the_next_day_starts(zone, day):
    assert day_interval(day, zone)[1] == day_interval(day + DAY, zone)[0]


@given(zones, instants)
def test_day_interval_contains_the_instants_of_its_date(zone, instant):
    start, end = day_interval(instant.astimezone(zone).date(), zone)

    assert start <= instant < end


def test_days_between_includes_both_ends():
    assert list(days_between(date(2026, 2, 27), date(2026, 3, 1))) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]


def test_days_between_is_empty_backwards():
    assert list(days_between(date(2026, 3, 2), date(2026, 3, 1))) == []


# --- Offsets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "start", "end", "pieces"),
    [
        (BERLIN, "2026-03-28", "2026-03-30", [("2026-03-29 01:00", 1), ("2026-03-30", 2)]),
        (BERLIN, "2026-03-29 01:00", "2026-03-29 02:00", [("2026-03-29 02:00", 2)]),
        (BERLIN, "2026-03-29 00:59", "2026-03-29 01:00", [("2026-03-29 01:00", 1)]),
        (LORD_HOWE, "2026-04-04", "2026-04-05", [("2026-04-04 15:00", 11), ("2026-04-05", 10.5)]),
        (
            CASABLANCA,
            "2026-02-01",
            "2026-04-01",
            [("2026-02-15 02:00", 1), ("2026-03-22 02:00", 0), ("2026-04-01", 1)],
        ),
        (KATHMANDU, "2026-01-01", "2027-01-01", [("2027-01-01", 5.75)]),
    ],
)
def test_offset_spans_cut_where_the_clock_changes(zone, start, end, pieces):
    found = list(offset_spans(zone, at(start), at(end)))

    assert [(until, offset) for _, until, offset in found] == [(at(until), hours * HOUR) for until, hours in pieces]


@given(zones, stretches)
def test_offset_spans_tile_the_interval_and_differ_from_their_neighbours(zone, stretch):
    spans = list(offset_spans(zone, *stretch))

    assert [start for start, _, _ in spans] == [stretch[0], *(until for _, until, _ in spans[:-1])]
    assert spans[-1][1] == stretch[1]
    assert all(before[2] != after[2] for before, after in pairwise(spans))


@given(zones, stretches, st.floats(0, 1))
def test_offset_spans_tell_the_offset_of_every_instant(zone, stretch, place):
    for start, until, offset in offset_spans(zone, *stretch):
        for instant in (start, start + (until - start) * place * 0.999999, until - timedelta(microseconds=1)):
            assert instant.astimezone(zone).utcoffset() == offset


def test_offset_spans_of_nothing_is_nothing():
    assert list(offset_spans(BERLIN, EPOCH, EPOCH)) == []


# --- Sets of intervals ----------------------------------------------------------------------------------------------


def test_merged_joins_touching_and_drops_empty_ones():
    a, b, c, d = (EPOCH + number * HOUR for number in range(4))

    assert merged([(c, d), (a, b), (b, c), (d, d)]) == [(a, d)]


@given(st.lists(intervals, max_size=8))
def test_merged_means_the_same_in_fewest_pieces(some):
    union = merged(some)

    assert minutes_in(union) == minutes_in(some)
    assert all(start < end for start, end in union)
    assert all(before[1] < after[0] for before, after in pairwise(union))


@given(st.lists(intervals, max_size=6), st.lists(intervals, max_size=6))
def test_without_means_the_difference(some, holes):
    left = without(some, holes)

    assert minutes_in(left) == minutes_in(some) - minutes_in(holes)
    assert left == merged(left)


@given(st.lists(intervals, max_size=6), intervals)
def test_clipped_means_the_intersection(some, frame):
    assert minutes_in(clipped(some, *frame)) == minutes_in(some) & minutes_in([frame])


@given(st.lists(intervals, max_size=6), intervals.filter(lambda interval: interval[0] < interval[1]))
def test_covers_means_to_contain(some, inner):
    assert covers(merged(some), *inner) == (minutes_in([inner]) <= minutes_in(some))


# --- The grid -------------------------------------------------------------------------------------------------------


@given(zones, steps, instants)
@example(KATHMANDU, HOUR, at("2026-03-02 03:15"))
def test_floor_to_step_is_the_last_time_on_the_local_clocks_grid(zone, step, instant):
    offset = instant.astimezone(zone).utcoffset()

    floor = floor_to_step(instant, step, offset)

    clock = (floor + offset).replace(tzinfo=None)
    assert floor <= instant < floor + step
    assert (clock - datetime.combine(clock, time.min)) % step == timedelta()


@given(zones, steps, instants)
def test_ceil_to_step_is_the_floor_or_one_step_later(zone, step, instant):
    offset = instant.astimezone(zone).utcoffset()
    floor = floor_to_step(instant, step, offset)

    assert ceil_to_step(instant, step, offset) == (instant if floor == instant else floor + step)


@pytest.mark.parametrize(
    ("zone", "step", "stretch", "pieces"),
    [
        (UTC_ZONE, HOUR, ("2026-03-02 09:10", "2026-03-02 11:50"), [("2026-03-02 10:00", "2026-03-02 11:00")]),
        (UTC_ZONE, HOUR, ("2026-03-02 09:10", "2026-03-02 10:50"), []),
        (KATHMANDU, HOUR, ("2026-03-02 03:00", "2026-03-02 06:00"), [("2026-03-02 03:15", "2026-03-02 05:15")]),
        (
            LORD_HOWE,  # forward by half an hour at 15:30 UTC: 02:00 becomes 02:30, the next full hour is 03:00
            HOUR,
            ("2026-10-03 13:30", "2026-10-03 18:00"),
            [("2026-10-03 13:30", "2026-10-03 15:30"), ("2026-10-03 16:00", "2026-10-03 18:00")],
        ),
        (
            LORD_HOWE,  # back by half an hour at 15:00 UTC: 02:00 becomes 01:30, the next full hour is 02:00
            HOUR,
            ("2026-04-04 13:00", "2026-04-04 17:30"),
            [("2026-04-04 13:00", "2026-04-04 15:00"), ("2026-04-04 15:30", "2026-04-04 17:30")],
        ),
    ],
)
def test_aligned_shrinks_to_each_sides_own_clock(zone, step, stretch, pieces):
    assert aligned([(at(stretch[0]), at(stretch[1]))], zone, step) == [(at(a), at(b)) for a, b in pieces]


@given(zones, steps, st.lists(stretches, max_size=3))
def test_aligned_pieces_stand_on_the_local_grid_inside_what_was_given(zone, step, some):
    for start, end in aligned(merged(some), zone, step):
        clock = start.astimezone(zone)
        assert (clock.hour * 60 + clock.minute) * timedelta(minutes=1) % step == timedelta()
        assert (clock.second, clock.microsecond) == (0, 0)
        assert (end - start) % step == timedelta()
        assert covers(merged(some), start, end)


@given(zones, steps, stretches)
def test_aligned_wastes_less_than_a_step_at_each_end_of_a_piece(zone, step, stretch):
    spans = list(offset_spans(zone, *stretch))

    kept = sum((end - start for start, end in aligned([stretch], zone, step)), timedelta())

    assert stretch[1] - stretch[0] - kept < 2 * step * len(spans)
