"""Conditional requests while slots change: after the commit nobody is told that an older answer still holds."""

import pytest
from django.test import Client as Browser

from booking.availability import search
from booking.availability.operations import take_time_off
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, SYSTEM, at, hold
from tests.slow.races.failpoints import stop
from tests.slow.races.running import no_versions, wrapped
from tests.slow.races.test_lists import (
    DAY,
    NINE,
    a_booking,
    a_cancellation,
    a_hold,
    a_move,
    a_series,
    an_expiry,
    every_change,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("at_noon"),
    pytest.mark.provider(horizon_days=4),
]


@pytest.fixture
def ask(provider):
    """Ask for the free times of that day, as somebody who has the answer with this tag."""
    address = f"/api/slots?provider={provider.pk}&start={DAY}T00:00:00Z&end={DAY}T23:00:00Z&page_size=200"
    return lambda tag="": Browser().get(address, headers={"If-None-Match": tag} if tag else {})


@every_change
def test_whoever_asks_after_the_commit_gets_the_change(provider, ask, change):
    """The author of the change has no response yet."""
    function = change(provider)
    before = ask()

    _, seen = stop(Failpoint.AFTER_COMMIT, function, lambda: ask(before.headers["ETag"]))

    assert (seen.status_code, seen.content) == (200, ask().content)
    assert seen.content != before.content


@every_change
def test_until_the_commit_the_answer_stays_as_it_is(provider, ask, change):
    function = change(provider)
    before = ask()

    _, seen = stop(Failpoint.BEFORE_COMMIT, function, lambda: ask(before.headers["ETag"]))

    assert seen.status_code == 304


def time_off_at_noon(provider):
    stretch = {"starts_at": at(f"{DAY} 12:00"), "ends_at": at(f"{DAY} 13:00")}
    return lambda: take_time_off(provider_id=provider.pk, fields=stretch, actor=SYSTEM, now=NOON)


@pytest.mark.parametrize("change", [a_hold, a_booking, an_expiry, a_move, a_cancellation, a_series, time_off_at_noon])
def test_control_without_versions_an_old_answer_is_said_to_hold(provider, ask, change):
    function = change(provider)
    before = ask()

    with no_versions():
        _, seen = stop(Failpoint.AFTER_COMMIT, function, lambda: ask(before.headers["ETag"]))

    assert seen.status_code == 304
    assert before.content != ask().content


def test_the_tag_of_an_answer_is_that_of_its_moment(provider, ask):
    """A time is taken between the look at the tag and the list."""
    before = ask()
    with wrapped(search, "digest_of", after=lambda: hold(provider, NINE)):
        seen = ask('"another"')

    assert (seen.content != before.content, seen.headers["ETag"] != before.headers["ETag"]) == (True, True)
    assert ask(seen.headers["ETag"]).status_code == 304
