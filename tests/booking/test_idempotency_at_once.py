"""Repeats of one write that arrive at the same time (R13)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from booking.models import Reservation
from booking.reservations import claims
from booking.reservations import operations as reservations
from scheduler_project.common.operations import ATTEMPTS
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import ClientFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("at_noon"),
    pytest.mark.provider(horizon_days=4),
]


@pytest.fixture
def booker(transactional_db):
    return ClientFactory()


def test_repeats_at_once_make_one_reservation(booker, provider):
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}
    together = Barrier(4)

    def reserve(_):
        api = logged_in(booker.user)
        together.wait()
        try:
            answer = api.post("/api/reservations", body, HTTP_IDEMPOTENCY_KEY="one")
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(reserve, range(4)))

    assert len(answers) == 1
    assert {status for status, _ in answers} == {201}
    assert Reservation.objects.count() == 1


def test_different_keys_at_once_make_one_reservation_too(booker, provider):
    """The control: without a common key three of four find the time taken."""
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}
    together = Barrier(4)

    def reserve(number):
        api = logged_in(booker.user)
        together.wait()
        try:
            return api.post("/api/reservations", body, HTTP_IDEMPOTENCY_KEY=str(number)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(reserve, range(4)))

    assert statuses == [201, 409, 409, 409]


def in_a_deadlock(monkeypatch, times):
    """Make the next locks of a client fail that many times as PostgreSQL's victim of a deadlock."""
    lock, tries = claims.lock_client, []

    def stumble(client_id, *others):
        tries.append(client_id)
        if len(tries) <= times:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = 'deadlock_detected'; END $$")
        lock(client_id, *others)

    monkeypatch.setattr(reservations, "lock_client", stumble)
    return tries


def test_a_write_with_a_key_is_tried_again_after_a_deadlock(booker, provider, monkeypatch):
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}
    tries = in_a_deadlock(monkeypatch, ATTEMPTS - 1)
    api = logged_in(booker.user)

    first, second = (api.post("/api/reservations", body, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2))

    assert (first.status_code, second.content, len(tries)) == (201, first.content, ATTEMPTS)
    assert Reservation.objects.count() == 1


def test_a_write_with_a_key_that_loses_every_deadlock_leaves_no_trace(booker, provider, monkeypatch):
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}
    tries = in_a_deadlock(monkeypatch, ATTEMPTS)
    api = logged_in(booker.user)

    first, second = (api.post("/api/reservations", body, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2))

    assert refusal(first) == (409, "try_again", None)
    assert (second.status_code, len(tries)) == (201, ATTEMPTS + 1)
