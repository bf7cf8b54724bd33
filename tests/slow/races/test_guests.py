"""Guests by API take one time at once, guess a code at once, and book at once from one mailbox.

That locks and constraints keep a time from being booked twice is shown in `test_booking.py`: guests claim it alike.
"""

import pytest
import time_machine
from rest_framework.test import APIClient

from booking.appointments import operations as appointments
from booking.models import Appointment, Reservation
from booking.reservations import claims, codes
from booking.reservations.codes import MOST_TRIES, code_of, is_right
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


# --- One mailbox ------------------------------------------------------------------------------------------------------


def book_from_one_mailbox(number):
    """Return as many bookings of one mailbox, each with another provider, which may have three."""
    providers = [open_provider(horizon_days=3, slot_minutes=60) for _ in range(number)]

    def booking(provider):
        body = {"provider": provider.pk, "start_time": NINE, "client": ADA}
        return lambda: APIClient().post("/api/v1/appointments", body).status_code

    return [booking(provider) for provider in providers]


def test_mailbox_that_books_at_once_gets_as_many_as_it_may(settings):
    settings.GUESTS_CONFIRM = False

    answers = together(*book_from_one_mailbox(6))

    assert sorted(answers) == [201] * 3 + [409] * 3
    assert Appointment.objects.count() == 3
    assert broken_promises() == {}


def test_control_without_lock_a_mailbox_gets_as_many_as_it_asks_for_at_once(settings, monkeypatch):
    settings.GUESTS_CONFIRM = False
    monkeypatch.setattr(appointments, "lock_mailbox", lambda email: None)
    functions = book_from_one_mailbox(6)

    with nobody_commits_first(claims, "_take", 6):
        answers = together(*functions)

    assert sorted(answers) == [201] * 6
