"""A connection that breaks as an operation ends: all of it is done or nothing, and asking again does it once."""

import pytest

from booking.appointments.enums import Action
from booking.appointments.operations import confirm, take_action
from booking.models import Appointment, AppointmentEvent, Reservation
from scheduler_project.common.failpoints import Failpoint
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at, hold
from tests.looking import broken_promises, dump
from tests.slow.races.failpoints import connections_break
from tests.slow.races.running import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=4)]

NINE = at("2026-03-04 09:00")


def break_off(place, function):
    """Return the error of a function whose connection breaks at that place."""
    with connections_break(place):
        (answer,) = together(function)
    return answer


def a_confirmation(provider):
    held = hold(provider, NINE)
    return lambda: confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)


def a_cancellation(provider):
    made = appoint(provider, NINE)
    return lambda: take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)


def a_booking(provider):
    client = ClientFactory()
    return lambda: appoint(provider, NINE, client=client)


@pytest.mark.parametrize("change", [a_confirmation, a_cancellation, a_booking])
def test_what_breaks_before_the_commit_leaves_no_trace(provider, change):
    function, before = change(provider), dump()

    answer = break_off(Failpoint.BEFORE_COMMIT, function)

    assert type(answer).__name__ == "OperationalError"
    assert dump() == before


@pytest.mark.parametrize("change", [a_confirmation, a_cancellation, a_booking])
def test_what_breaks_after_the_commit_is_done(provider, change):
    function, before = change(provider), dump()

    answer = break_off(Failpoint.AFTER_COMMIT, function)

    assert type(answer).__name__ == "OperationalError"
    assert dump() != before
    assert broken_promises() == {}


def test_whoever_confirms_again_after_a_break_finds_the_appointment(provider):
    confirming = a_confirmation(provider)
    break_off(Failpoint.AFTER_COMMIT, confirming)

    made = confirming()

    assert Appointment.objects.get() == made
    assert AppointmentEvent.objects.filter(event="booked").count() == 1


def reserve_again_after_a_break(provider, **headers):
    """Return the answer to a program whose hold was committed before the connection broke, and that to its retry."""
    client = ClientFactory()
    body = {"provider": provider.pk, "start_time": "2026-03-04T09:00:00Z"}

    def send():
        return logged_in(client.user).post("/api/reservations", body, headers=headers)

    return break_off(Failpoint.AFTER_COMMIT, send), send()


@pytest.mark.usefixtures("at_noon")
def test_a_request_sent_again_with_its_key_after_a_break_is_answered(provider):
    broken, again = reserve_again_after_a_break(provider, **{"Idempotency-Key": "one"})

    assert (broken.status_code, again.status_code) == (503, 201)
    assert Reservation.objects.get().pk == again.json()["id"]


@pytest.mark.usefixtures("at_noon")
def test_control_without_a_key_a_request_sent_again_finds_its_time_taken(provider):
    broken, again = reserve_again_after_a_break(provider)

    assert (broken.status_code, again.status_code) == (503, 409)


@pytest.mark.usefixtures("at_noon")
def test_whose_connection_breaks_is_not_told_that_nothing_was_changed(provider):
    broken, _ = reserve_again_after_a_break(provider)

    assert "Nothing was changed" not in broken.json()["errors"][0]["detail"]
