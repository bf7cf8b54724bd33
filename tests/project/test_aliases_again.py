"""An alias that is carried out again after a deadlock reads the same body."""

import pytest
from django.db import connection

from scheduler_project.common.failpoints import Failpoint, armed
from tests.conftest import logged_in
from tests.factories import ClientFactory, at, hold, open_provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("at_noon")]


def deadlock():
    """Fail the transaction once, as PostgreSQL does."""
    armed.clear()
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")


@pytest.fixture
def deadlocked():
    armed[Failpoint.TIME_FOUND] = armed[Failpoint.HOLD_JUDGED] = deadlock
    yield
    armed.clear()


def written(client, action, body):
    answer = logged_in(client.user).post(f"/api/clients/{client.pk}/{action}", body, headers={"idempotency-key": "one"})
    assert not armed  # it did fail once
    return answer


def test_time_is_held(request):
    slot = open_provider().slots.get(starts_at=at("2026-03-04 09:00"))
    client = ClientFactory()
    request.getfixturevalue("deadlocked")

    answer = written(client, "reserve", {"slot": slot.pk})

    assert answer.status_code == 201, answer.content


def test_hold_is_confirmed(request):
    client = ClientFactory()
    held = hold(open_provider(), at("2026-03-04 10:00"), client=client)
    request.getfixturevalue("deadlocked")

    answer = written(client, "confirm", {"reservation": held.pk})

    assert answer.status_code == 200, answer.content
