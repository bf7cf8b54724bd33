"""One answer to whether a hold is live: `state`, the words of the queryset, and their SQL."""

from datetime import timedelta

import pytest
from django.db import connection

from booking.models import Reservation
from booking.reservations.enums import ReservationStatus, held_sql, stale_sql
from tests.factories import NOON, HoldFactory, ReservationFactory

SECOND = timedelta(seconds=1)
HELD, CONFIRMED, EXPIRED, RELEASED = ReservationStatus


@pytest.fixture
def rows(db):
    """A reservation of each kind, by the state it has at NOON; of holds the last moment, and the first too late."""
    return {
        "hold": HoldFactory(expires_at=NOON + SECOND),
        "hold at its end": HoldFactory(expires_at=NOON),
        "expired": ReservationFactory(status=EXPIRED, expires_at=NOON - SECOND),
        "released": ReservationFactory(status=RELEASED, expires_at=NOON + SECOND),
        "confirmed": ReservationFactory(expires_at=NOON - SECOND),
        "booked": ReservationFactory(expires_at=None),
    }


def names(rows, found):
    return {name for name, row in rows.items() if row in found}


def test_hold_is_expired_from_its_end_on_whatever_its_status_says(rows):
    assert {name: row.state(NOON) for name, row in rows.items()} == {
        "hold": HELD,
        "hold at its end": EXPIRED,
        "expired": EXPIRED,
        "released": RELEASED,
        "confirmed": CONFIRMED,
        "booked": CONFIRMED,
    }


@pytest.mark.parametrize("state", ReservationStatus)
def test_queryset_finds_what_is_in_a_state(rows, state):
    found = Reservation.objects.in_state(state, now=NOON)

    assert names(rows, found) == {name for name, row in rows.items() if row.state(NOON) == state}


def test_live_are_those_that_claim_their_time(rows):
    live = {name for name, row in rows.items() if row.state(NOON) in (HELD, CONFIRMED)}

    assert names(rows, Reservation.objects.live(now=NOON)) == live == {"hold", "confirmed", "booked"}


@pytest.mark.parametrize(("sql", "word"), [(held_sql, "held"), (stale_sql, "stale")])
def test_sql_says_what_the_queryset_says(rows, sql, word):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM booking_reservation one WHERE {sql('one')}", {"now": NOON})
        found = {pk for (pk,) in cursor.fetchall()}

    assert found == set(getattr(Reservation.objects, word)(now=NOON).values_list("pk", flat=True))
    assert len(found) == 1
