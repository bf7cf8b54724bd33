"""Lists after a change: once it is committed every list shows it, kept ones too; before that, none does.

Free times are a kept list: the slots. So is a calendar that somebody has subscribed to, for it is not sent again to
whoever has it by its ETag.
"""

from contextlib import contextmanager
from datetime import datetime

import pytest
from django.test import Client as Browser

from booking.appointments.enums import Action
from booking.appointments.operations import reschedule, take_action
from booking.availability.operations import change, open_window, set_working_hours, take_time_off
from booking.availability.slots import SlotDiff
from booking.calendars import views as calendars
from booking.calendars import views as feed_views
from booking.calendars.operations import open_feed
from booking.calendars.queries import feed_appointments
from booking.links import feed_link
from booking.reservations import claims
from booking.reservations.operations import expire_due
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, SYSTEM, ClientFactory, ServiceFactory, appoint, at, hold, minutes
from tests.html import times_of
from tests.looking import free_cells
from tests.slow.races.failpoints import stop
from tests.slow.races.running import wrapped

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("at_noon"),
    pytest.mark.provider(horizon_days=4),
]

DAY = "2026-03-04"
NINE, TEN, ELEVEN = at(f"{DAY} 09:00"), at(f"{DAY} 10:00"), at(f"{DAY} 11:00")


@pytest.fixture
def look(provider):
    """Return the free times on that day, by the API and by the page."""
    service = ServiceFactory(providers=[provider], duration_minutes=15)
    page = f"/p/{provider.slug}/book/{service.pk}/?day={DAY}"
    listed = f"/api/slots?provider={provider.pk}&start={DAY}T00:00:00Z&end={DAY}T23:00:00Z&page_size=200"

    def read():
        by_api = [time["start_time"] for time in Browser().get(listed).json()["results"]]
        return by_api, sorted(times_of(Browser().get(page)))

    return read


# --- What is free ---------------------------------------------------------------------------------------------------


def a_hold(provider):
    client = ClientFactory()
    return lambda: hold(provider, NINE, client=client)


def a_booking(provider):
    client = ClientFactory()
    return lambda: appoint(provider, NINE, client=client)


def an_expiry(provider):
    dead = hold(provider, NINE)
    return lambda: expire_due(now=dead.expires_at)


def a_move(provider):
    made = appoint(provider, NINE)
    return lambda: reschedule(appointment_id=made.pk, starts_at=TEN, actor=SYSTEM, now=NOON)


def a_cancellation(provider):
    made = appoint(provider, NINE)
    return lambda: take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)


def a_series(provider):
    asked = SeriesSpec(provider.pk, ClientFactory().pk, "FREQ=DAILY;COUNT=2", starts=datetime(2026, 3, 4, 9))
    return lambda: create_series(wanted=asked, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON)


def time_off(provider):
    stretch = {"starts_at": NINE, "ends_at": ELEVEN}
    return lambda: take_time_off(provider_id=provider.pk, fields=stretch, actor=SYSTEM, now=NOON)


def other_hours(provider):
    hours = [(2, TEN.time(), ELEVEN.time())]
    return lambda: set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=NOON)


CHANGES = [a_hold, a_booking, an_expiry, a_move, a_cancellation, a_series, time_off, other_hours]
every_change = pytest.mark.parametrize("change", CHANGES)


@every_change
def test_a_list_read_after_the_commit_shows_the_change(provider, look, change):
    """The author of the change has no response yet."""
    function, before = change(provider), look()

    _, seen = stop(Failpoint.AFTER_COMMIT, function, look)

    assert seen == look()
    assert seen != before


@every_change
def test_control_an_answer_before_the_commit_would_be_denied_by_lists(provider, look, change):
    function = change(provider)
    before = look()

    _, seen = stop(Failpoint.BEFORE_COMMIT, function, look)

    assert seen == before != look()


@contextmanager
def slots_that_follow_later():
    """Slots are given back and laid out in a transaction of their own, after that of the change: gives what is due."""
    due = []

    def later(function, answer):
        def note(**arguments):
            due.append(lambda: function(**arguments))
            return answer

        return note

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "release_slots", later(claims.release_slots, None))
        patch.setattr(change, "regenerate_portion", later(change.regenerate_portion, SlotDiff(0, 0)))
        yield due


@pytest.mark.parametrize("change", [an_expiry, a_cancellation, time_off, other_hours])
def test_control_slots_that_follow_later_leave_lists_as_they_were(provider, look, change):
    function, before = change(provider), look()

    with slots_that_follow_later() as due:
        _, seen = stop(Failpoint.AFTER_COMMIT, function, look)
    for work in due:
        work()

    assert seen == before != look()


# --- Two changes at once ----------------------------------------------------------------------------------------------

SATURDAY = at("2026-03-07 10:00")


def open_and_take_off(provider, *, locks):
    """Somebody opens hours; before they are committed somebody else takes that day off. Gives what is free then."""
    absent = {"start_date": SATURDAY.date(), "end_date": SATURDAY.date()}
    answers = stop(
        Failpoint.BEFORE_COMMIT,
        lambda: open_window(
            provider_id=provider.pk, starts_at=SATURDAY, ends_at=SATURDAY + minutes(60), actor=SYSTEM, now=NOON
        ),
        lambda: take_time_off(provider_id=provider.pk, fields=absent, actor=SYSTEM, now=NOON),
        locks=locks,
    )
    assert answers.kinds() == {"AvailabilityChange": 2}
    return [start for start, _ in free_cells(provider) if start >= SATURDAY], answers.waited


def test_the_list_shows_both_of_two_changes_at_once(provider):
    assert open_and_take_off(provider, locks=True) == ([], [True])


def test_control_without_lock_the_list_shows_time_off_as_free(provider):
    free, waited = open_and_take_off(provider, locks=False)

    assert (free[0], waited) == (SATURDAY, [False])


# --- A calendar somebody has ------------------------------------------------------------------------------------------


@pytest.fixture
def made(provider):
    return appoint(provider, NINE)


@pytest.fixture
def subscribed(made):
    """Fetch the calendar as the program of its reader does, who has it by this ETag or not at all."""
    feed = open_feed(client_id=made.reservation.client_id, actor=SYSTEM, now=NOON)
    path = feed_link(feed).removeprefix("http://localhost:8000")
    return lambda tag="": Browser().get(path, headers={"If-None-Match": tag})


def cancel(appointment):
    take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)


def test_a_calendar_shows_what_changed_while_it_was_fetched(subscribed, made):
    with wrapped(feed_views, "feed_etag", after=lambda: cancel(made)):
        first = subscribed()

    second = subscribed(first.headers["ETag"])
    assert second.status_code == 200
    assert b"STATUS:CANCELLED" in second.content
    assert subscribed(second.headers["ETag"]).status_code == 304


def test_control_a_calendar_read_before_its_etag_stays_as_it_was(subscribed, made, monkeypatch):
    find, write, found = feed_appointments, calendars.to_feed, []

    def read_and_cancel():
        if not found:
            found.extend(find(made.reservation.client.feed, NOON).detailed())
            cancel(made)

    monkeypatch.setattr(calendars, "to_feed", lambda row, rows: write(row, found))
    with wrapped(feed_views, "feed_etag", before=read_and_cancel):
        first = subscribed()

        assert b"STATUS:CANCELLED" not in first.content
        assert subscribed(first.headers["ETag"]).status_code == 304
