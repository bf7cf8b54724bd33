"""The deadline of a hold: it is confirmed, or its time goes to somebody else, or it expires; one of these (R3, R8).

Whoever confirms has the last microsecond of the hold on their clock; for all others it has just run out.
"""

from datetime import timedelta

import pytest

from booking.appointments.operations import confirm
from booking.models import Appointment, Reservation
from booking.reservations.errors import HoldExpired, SlotTaken
from booking.reservations.operations import expire_due
from booking.signals import holds_expired
from scheduler_project.common.failpoints import Failpoint
from tests.factories import SYSTEM, ClientFactory, at, hold
from tests.looking import broken_promises
from tests.slow.races.failpoints import stop
from tests.slow.races.running import guards, overlaps, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=7)]

MOMENT = timedelta(microseconds=1)
NINE = at("2026-03-04 09:00")
CROWD = 8


@pytest.fixture
def held(provider):
    return hold(provider, NINE)


@pytest.fixture
def confirming(held):
    return lambda: confirm(reservation_id=held.pk, actor=SYSTEM, now=held.expires_at - MOMENT)


@pytest.fixture
def sweeping(held):
    return lambda: expire_due(now=held.expires_at)


@pytest.fixture
def reserving(held, provider):
    client = ClientFactory()
    return lambda: hold(provider, NINE, client=client, now=held.expires_at)


@pytest.fixture
def told(held):
    """Return the holds reported as expired."""
    listed = []

    def listen(reservations, **more):
        listed.extend(reservations)

    holds_expired.connect(listen)
    yield listed
    holds_expired.disconnect(listen)


# --- Confirming and sweeping ----------------------------------------------------------------------------------------


def test_a_hold_that_is_being_swept_cannot_be_confirmed(sweeping, confirming):
    answers = stop(Failpoint.HOLDS_FOUND_DEAD, sweeping, confirming)

    assert (answers[0], type(answers[1]), answers.waited) == (1, HoldExpired, [True])
    assert broken_promises() == {}


def test_control_without_lock_the_sweeper_expires_what_was_just_confirmed(sweeping, confirming):
    answers = stop(Failpoint.HOLDS_FOUND_DEAD, sweeping, confirming, locks=False)

    assert (answers[0], type(answers[1]), answers.waited) == (1, Appointment, [False])
    assert "an appointment and its reservation disagree" in broken_promises()


@pytest.mark.parametrize("place", [Failpoint.HOLD_JUDGED, Failpoint.BEFORE_COMMIT])
def test_a_hold_that_is_being_confirmed_is_left_by_the_sweeper(confirming, sweeping, place):
    answers = stop(place, confirming, sweeping)

    assert (type(answers[0]), answers[1], answers.waited) == (Appointment, 0, [False])
    assert broken_promises() == {}


def test_control_without_lock_what_is_confirmed_is_what_the_sweeper_expired(confirming, sweeping):
    answers = stop(Failpoint.HOLD_JUDGED, confirming, sweeping, locks=False)

    assert (type(answers[0]), answers[1]) == (Appointment, 1)
    assert "a slot is free though a live reservation claims its time" in broken_promises()


# --- Confirming and reserving ---------------------------------------------------------------------------------------


def test_a_hold_whose_time_somebody_is_taking_cannot_be_confirmed(reserving, confirming):
    answers = stop(Failpoint.HOLDS_FOUND_DEAD, reserving, confirming)

    assert (answers.kinds(), answers.waited) == ({"Reservation": 1, "HoldExpired": 1}, [True])
    assert broken_promises() == {}


def test_control_without_lock_a_hold_is_confirmed_whose_time_somebody_takes(reserving, confirming):
    answers = stop(Failpoint.HOLDS_FOUND_DEAD, reserving, confirming, locks=False)

    assert (answers.kinds(), answers.waited) == ({"Reservation": 1, "Appointment": 1}, [False])
    assert "an appointment and its reservation disagree" in broken_promises()


@pytest.mark.parametrize(
    ("lock", "constraint", "refused"),
    [(True, False, HoldExpired), (False, True, SlotTaken)],
    ids=["lock alone", "constraint alone"],
)
def test_each_guard_alone_keeps_a_hold_from_being_confirmed_once_its_time_is_taken(
    reserving, confirming, lock, constraint, refused
):
    """It was found free and is not committed, so that whoever confirms cannot see it."""
    with guards(lock=lock, constraint=constraint) as arguments:
        answers = stop(Failpoint.TIME_FOUND, reserving, confirming, **arguments)

        assert (type(answers[0]), type(answers[1])) == (Reservation, refused)
        assert broken_promises() == {}


def test_control_without_lock_and_constraint_a_hold_is_confirmed_once_its_time_is_taken(reserving, confirming):
    with guards(lock=False, constraint=False) as arguments:
        answers = stop(Failpoint.TIME_FOUND, reserving, confirming, **arguments)

        assert answers.kinds() == {"Reservation": 1, "Appointment": 1}
        assert overlaps()


@pytest.mark.parametrize(
    ("lock", "constraint", "kinds"),
    [(True, False, {"Appointment": 1, "SlotTaken": 1}), (False, True, {"SlotTaken": 1, "Reservation": 1})],
    ids=["lock alone", "constraint alone"],
)
def test_each_guard_alone_keeps_the_time_of_a_hold_that_is_being_confirmed_from_being_taken_too(
    confirming, reserving, lock, constraint, kinds
):
    with guards(lock=lock, constraint=constraint) as arguments:
        answers = stop(Failpoint.HOLD_JUDGED, confirming, reserving, **arguments)

        assert (answers.kinds(), answers.waited) == (kinds, [lock])
        assert broken_promises() == {}


def test_control_without_lock_and_constraint_the_deadline_lets_both_have_the_time(confirming, reserving):
    with guards(lock=False, constraint=False) as arguments:
        answers = stop(Failpoint.HOLD_JUDGED, confirming, reserving, **arguments)

        assert answers.kinds() == {"Appointment": 1, "Reservation": 1}
        assert overlaps()


def test_confirm_and_reserve_at_the_deadline_in_whatever_order(confirming, reserving):
    confirmed, reserved = together(confirming, reserving)

    assert (type(confirmed), type(reserved)) in {(Appointment, SlotTaken), (HoldExpired, Reservation)}
    assert broken_promises() == {}


# --- Reserving and sweeping -----------------------------------------------------------------------------------------


def test_the_time_of_a_hold_that_is_being_swept_can_be_had_once_it_is(sweeping, reserving, held, told):
    answers = stop(Failpoint.HOLDS_FOUND_DEAD, sweeping, reserving)

    assert (answers[0], type(answers[1]), answers.waited) == (1, Reservation, [True])
    assert told == [held.pk]
    assert broken_promises() == {}


def test_a_hold_whose_time_somebody_is_taking_is_left_by_the_sweeper(reserving, sweeping, held, told):
    answers = stop(Failpoint.TIME_FOUND, reserving, sweeping)

    assert (type(answers[0]), answers[1], answers.waited) == (Reservation, 0, [False])
    assert told == [held.pk]
    assert broken_promises() == {}


@pytest.mark.parametrize("sweeper_looks_first", [True, False])
def test_control_without_lock_a_hold_whose_time_is_taken_expires_twice(
    reserving, sweeping, held, told, sweeper_looks_first
):
    """Its time is taken once, all the same: whoever reserves locks what they expire by writing it."""
    if sweeper_looks_first:
        answers = stop(Failpoint.HOLDS_FOUND_DEAD, sweeping, reserving, locks=False)
    else:
        answers = stop(Failpoint.TIME_FOUND, reserving, sweeping, locks=False)

    assert answers.kinds() == {"int": 1, "Reservation": 1}
    assert 1 in answers
    assert told == [held.pk] * 2
    assert broken_promises() == {}


def test_many_who_reserve_the_time_of_a_dead_hold_while_two_sweep_it(provider, held, sweeping):
    now = held.expires_at
    clients = ClientFactory.create_batch(CROWD - 2)
    reserving = [lambda client=client: hold(provider, NINE, client=client, now=now) for client in clients]

    answers = together(*reserving, *[sweeping] * 2)

    held.refresh_from_db()
    assert answers.kinds() == {"Reservation": 1, "SlotTaken": CROWD - 3, "int": 2}
    assert (held.status, held.closed_at) == ("expired", now)
    assert broken_promises() == {}
