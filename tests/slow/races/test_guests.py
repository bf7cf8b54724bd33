"""Guests by API take one time at once, guess a code at once, and book at once from one network.

That locks and constraints keep a time from being booked twice is shown in `test_booking.py`: guests claim it alike.
"""

import pytest
import time_machine
from rest_framework.test import APIClient

from booking.models import Appointment, Reservation
from booking.reservations import claims, codes
from booking.reservations.codes import MOST_TRIES, code_of, is_right
from scheduler_project.common.limits import throttling
from scheduler_project.common.models import Tally
from tests.factories import NOON, open_provider
from tests.looking import broken_promises
from tests.project.world import by_token
from tests.slow.races.running import nobody_commits_first, together

pytestmark = pytest.mark.django_db(transaction=True)

NINE = "2026-03-04T09:00:00Z"
ADA = {"name": "Ada", "email": "ada@example.org"}


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOON, tick=False):
        yield


def reserve(provider):
    return APIClient().post("/api/v1/reservations", {"provider": provider.pk, "start_time": NINE})


def test_one_of_two_guests_gets_the_time_and_the_other_is_offered_others():
    provider = open_provider(horizon_days=3)

    answers = together(*[lambda: reserve(provider)] * 2)

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (201, 409)
    assert "guest_token" in won.json()
    assert len(lost.json()["details"]["alternatives"]) == 3
    assert Reservation.objects.count() == 1
    assert broken_promises() == {}


# --- A code -----------------------------------------------------------------------------------------------------------


def guess_at_once(number):
    """Return as many guesses of the code of one hold, all right, so that each that is compared is found to be so."""
    body = reserve(open_provider(horizon_days=3)).json()
    by_token(body["guest_token"]).post(f"/api/v1/reservations/{body['id']}/details", ADA)
    held = Reservation.objects.get()
    right = code_of(held)
    return [lambda: is_right(right, held, NOON)] * number


def test_of_many_codes_at_once_no_more_are_compared_than_one_after_another(monkeypatch):
    monkeypatch.setattr(codes, "uncount", lambda key: None)  # Each guess stays counted, as a wrong one does.

    answers = together(*guess_at_once(12))

    assert list(answers).count(True) == MOST_TRIES


def test_control_codes_that_are_not_counted_are_all_compared(monkeypatch):
    monkeypatch.setattr(codes, "tallied", lambda key, limit, ends_at: 1)

    assert list(together(*guess_at_once(12))).count(True) == 12


# --- One network ------------------------------------------------------------------------------------------------------


def book_from_one_network(number):
    """Return as many bookings from one network, each with another provider, in another name."""
    providers = [open_provider(horizon_days=3, slot_minutes=60) for _ in range(number)]

    def booking(provider):
        details = {"name": "Ada", "email": f"ada{provider.pk}@example.org"}
        body = {"provider": provider.pk, "start_time": NINE, "client": details}
        return lambda: APIClient().post("/api/v1/appointments", body).status_code

    return [booking(provider) for provider in providers]


def test_network_that_books_at_once_gets_as_many_as_it_may(settings, throttle):
    settings.GUESTS_CONFIRM = False
    throttle["unconfirmed"] = "3/day"

    answers = together(*book_from_one_network(6))

    assert sorted(answers) == [201] * 3 + [429] * 3
    assert Appointment.objects.count() == 3
    assert broken_promises() == {}


def test_control_a_count_that_does_not_wait_lets_a_network_book_what_it_asks_for_at_once(
    settings, throttle, monkeypatch
):
    settings.GUESTS_CONFIRM = False
    throttle["unconfirmed"] = "3/day"
    looked = Tally.objects.filter(key__contains="unconfirmed").count
    monkeypatch.setattr(throttling, "tallied", lambda key, limit, ends_at: looked() + 1)
    functions = book_from_one_network(6)

    with nobody_commits_first(claims, "_take", 6):
        answers = together(*functions)

    assert sorted(answers) == [201] * 6
