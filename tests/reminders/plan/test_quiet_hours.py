"""Quiet hours on a client's own clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.plan.quiet_hours import MINUTE, before_quiet
from tests.factories import at

NIGHT = {"quiet_from": time(22), "quiet_until": time(7)}


def moved(due, zone="UTC", **hours):
    return before_quiet(at(due), zone=ZoneInfo(zone), **(hours or NIGHT))


@pytest.mark.parametrize(
    ("due", "wanted"),
    [
        ("2026-03-03 21:59", "2026-03-03 21:59"),
        ("2026-03-03 22:00", "2026-03-03 21:59"),
        ("2026-03-04 00:00", "2026-03-03 21:59"),
        ("2026-03-04 06:59", "2026-03-03 21:59"),
        ("2026-03-04 07:00", "2026-03-04 07:00"),
        ("2026-03-04 12:00", "2026-03-04 12:00"),
    ],
)
def test_before_quiet_moves_to_the_minute_before_the_night(due, wanted):
    assert moved(due) == at(wanted)


@pytest.mark.parametrize(
    ("due", "wanted"),
    [
        ("2026-03-03 11:59", "2026-03-03 11:59"),
        ("2026-03-03 12:00", "2026-03-03 11:59"),
        ("2026-03-03 12:29", "2026-03-03 11:59"),
        ("2026-03-03 12:30", "2026-03-03 12:30"),
    ],
)
def test_before_quiet_knows_hours_within_a_day(due, wanted):
    assert moved(due, quiet_from=time(12), quiet_until=time(12, 30)) == at(wanted)


def test_before_quiet_goes_by_the_clients_own_clocks():
    assert moved("2026-03-03 21:30", "Europe/Berlin") == at("2026-03-03 20:59")
    assert moved("2026-03-03 21:30", "America/New_York") == at("2026-03-03 21:30")


def test_before_quiet_without_quiet_hours_changes_nothing():
    assert moved("2026-03-03 22:00", quiet_from=time(22), quiet_until=time(22)) == at("2026-03-03 22:00")


def test_before_quiet_ending_at_midnight_ends_there():
    hours = {"quiet_from": time(20), "quiet_until": time(0)}

    assert moved("2026-03-03 23:59", **hours) == at("2026-03-03 19:59")
    assert moved("2026-03-04 00:00", **hours) == at("2026-03-04 00:00")


def test_before_quiet_on_the_night_without_two_o_clock():
    """29 March 2026 in Berlin: 02:00 becomes 03:00."""
    assert moved("2026-03-29 04:59", "Europe/Berlin") == at("2026-03-28 20:59")
    assert moved("2026-03-29 05:00", "Europe/Berlin") == at("2026-03-29 05:00")
    gap = {"quiet_from": time(2, 30), "quiet_until": time(5)}
    assert moved("2026-03-29 01:29", "Europe/Berlin", **gap) == at("2026-03-29 01:29")
    assert moved("2026-03-29 01:30", "Europe/Berlin", **gap) == at("2026-03-29 01:29")


def test_before_quiet_on_the_night_with_two_o_clock_twice():
    """25 October 2026 in Berlin: 03:00 becomes 02:00; a time that comes twice means the first."""
    begins = {"quiet_from": time(2, 30), "quiet_until": time(7)}
    assert moved("2026-10-25 01:10", "Europe/Berlin", **begins) == at("2026-10-25 00:29")
    ends = {"quiet_from": time(22), "quiet_until": time(2, 30)}
    assert moved("2026-10-25 00:29", "Europe/Berlin", **ends) == at("2026-10-24 19:59")
    assert moved("2026-10-25 01:10", "Europe/Berlin", **ends) == at("2026-10-25 01:10")


def test_before_quiet_goes_on_to_the_night_before_when_two_nights_meet():
    """Quiet but for one minute that the clocks skip: the hours before it are quiet too."""
    hours = {"quiet_from": time(3), "quiet_until": time(2, 59)}

    assert moved("2026-03-29 10:00", "Europe/Berlin", **hours) == at("2026-03-28 01:59")


def test_before_quiet_over_a_day_that_never_was():
    """Samoa had no 30 December 2011."""
    assert moved("2011-12-30 09:00", "Pacific/Apia") == at("2011-12-30 07:59")
    assert moved("2011-12-30 17:00", "Pacific/Apia") == at("2011-12-30 17:00")


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "Asia/Kathmandu"]
clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 29, 30, 59]))
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)) | st.builds(
    lambda zone_change, minutes: zone_change + timedelta(minutes=minutes),
    st.sampled_from([at("2026-03-29 01:00"), at("2026-10-25 01:00"), at("2026-03-08 07:00"), at("2026-04-04 15:00")]),
    st.integers(-3 * 1440, 3 * 1440),
)


@given(due=instants, quiet_from=clocks, quiet_until=clocks, zone=st.sampled_from(ZONES))
def test_before_quiet_comes_earlier_by_less_than_two_days_and_rests_there(due, quiet_from, quiet_until, zone):
    hours = {"quiet_from": quiet_from, "quiet_until": quiet_until, "zone": ZoneInfo(zone)}

    told = before_quiet(due, **hours)

    assert due - timedelta(days=2) < told <= due
    assert before_quiet(told, **hours) == told


@given(due=instants, quiet_from=clocks, quiet_until=clocks)
def test_before_quiet_without_changing_clocks_is_plain_arithmetic(due, quiet_from, quiet_until):
    clock = due.time()
    night = quiet_from <= clock < quiet_until
    if quiet_from > quiet_until:
        night = clock >= quiet_from or clock < quiet_until

    told = before_quiet(due, quiet_from=quiet_from, quiet_until=quiet_until, zone=ZoneInfo("UTC"))

    if night:
        since = (datetime.combine(due, clock) - datetime.combine(due, quiet_from)) % timedelta(days=1)
        assert told == due - since - MINUTE
    else:
        assert told == due
