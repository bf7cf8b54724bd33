"""A series is booked in time that is being closed: the conflict is reported, or the booking refused (R6, R14)."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from booking.availability.enums import Weekday
from booking.availability.operations import close_business, set_working_hours, take_time_off
from booking.availability.slots import extend_all
from booking.models import Appointment
from booking.reservations import claims
from booking.series.enums import ConflictPolicy
from booking.series.operations import create_series, extend_series
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, SYSTEM, WEEKDAYS, ClientFactory, at
from tests.looking import broken_promises
from tests.slow.races.failpoints import stop
from tests.slow.races.test_series import wanted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=30)]

DAY = timedelta(days=1)
LATER = NOON + 14 * DAY


class Booking(NamedTuple):
    """A series that is about to be booked, the first day it will be booked on, and the clock meanwhile."""

    function: Callable[[], Any]
    first: date
    now: datetime


def begun(asked):
    """A series that begins."""

    def begin():
        return create_series(wanted=asked, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON)

    return Booking(begin, date(2026, 3, 9), NOON)


def generated(asked):
    """A series that began a fortnight ago, and has come within the horizon with two more dates."""
    series = create_series(wanted=asked, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series
    extend_all(now=LATER)
    return Booking(lambda: extend_series(series_id=series.pk, now=LATER, actor=SYSTEM), date(2026, 4, 6), LATER)


def by_time_off(provider, booking):
    stretch = {"starts_at": at(f"{booking.first} 08:00"), "ends_at": at(f"{booking.first} 12:00")}
    return lambda: take_time_off(provider_id=provider.pk, fields=stretch, actor=SYSTEM, now=booking.now)


def by_weekly_hours(provider, booking):
    hours = [stretch for stretch in WEEKDAYS if stretch[0] != Weekday.MONDAY]
    return lambda: set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=booking.now)


def by_closure(provider, booking):
    days = {"start_date": booking.first, "end_date": booking.first}
    return lambda: close_business(fields=days, actor=SYSTEM, now=booking.now)


WAYS = [(begun, by_time_off), (begun, by_weekly_hours), (begun, by_closure), (generated, by_time_off)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0].__name__} {way[1].__name__}")
def way(request):
    return request.param


@pytest.fixture
def booking(way, provider):
    return way[0](wanted(provider, ClientFactory()))


@pytest.fixture
def closing(way, provider, booking):
    return way[1](provider, booking)


@contextmanager
def no_slots_counted():
    """Disable the check that the slots found are still there to be taken."""
    take = claims._take

    def take_as_found(columns, slots, most_holds):
        made, _taken, had_room = take(columns, slots, most_holds)
        return made, len(slots), had_room

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "_take", take_as_found)
        yield


def booked_on(day):
    start = at(f"{day} 00:00")
    return list(Appointment.objects.filter(reservation__starts_at__gte=start, reservation__starts_at__lt=start + DAY))


BOOKED_FIRST = Failpoint.TIME_FOUND
"""The place where the series pauses while the time is closed. At other places the closing pauses instead."""


def close_and_book(place, closing, booking, **arguments):
    """Return the reported conflicts, the bookings on that day, and whether the second waited for the first."""
    functions = [booking.function, closing] if place == BOOKED_FIRST else [closing, booking.function]
    answers = stop(place, *functions, **arguments)
    closed = answers[functions.index(closing)]
    return closed.conflicts, booked_on(booking.first), answers.waited


def test_a_series_that_is_being_booked_is_told_to_whoever_closes_its_time(closing, booking):
    told, booked, waited = close_and_book(BOOKED_FIRST, closing, booking)

    assert (len(booked), waited) == (1, [True])
    assert set(booked) <= set(told)
    assert broken_promises() == {}


def test_a_series_leaves_out_the_time_that_is_being_closed(closing, booking):
    _told, booked, waited = close_and_book(Failpoint.BEFORE_COMMIT, closing, booking)

    assert (booked, waited) == ([], [True])
    assert broken_promises() == {}


def test_a_series_leaves_out_the_time_whose_slots_are_about_to_go(provider):
    booking = begun(wanted(provider, ClientFactory()))

    told, booked, waited = close_and_book(Failpoint.HOURS_CHANGED, by_time_off(provider, booking), booking)

    assert (told, booked, waited) == ([], [], [True])
    assert broken_promises() == {}


@pytest.mark.parametrize("place", [BOOKED_FIRST, Failpoint.BEFORE_COMMIT])
def test_the_lock_alone_keeps_a_series_out_of_closed_time(closing, booking, place):
    with no_slots_counted():
        told, booked, _ = close_and_book(place, closing, booking)

    assert set(booked) <= set(told)
    assert broken_promises() == {}


@pytest.mark.parametrize("place", [BOOKED_FIRST, Failpoint.BEFORE_COMMIT])
def test_the_slots_alone_keep_a_series_out_of_closed_time(closing, booking, place):
    """A slot that somebody has deleted meanwhile cannot be taken."""
    _told, booked, _ = close_and_book(place, closing, booking, locks=False)

    assert booked == []
    assert broken_promises() == {}


@pytest.mark.parametrize("place", [BOOKED_FIRST, Failpoint.BEFORE_COMMIT])
def test_control_without_lock_and_slots_a_series_is_booked_in_closed_time_and_nobody_is_told(closing, booking, place):
    with no_slots_counted():
        told, booked, _ = close_and_book(place, closing, booking, locks=False)

    assert len(booked) == 1
    assert not set(booked) & set(told)
