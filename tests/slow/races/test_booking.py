"""Many clients want the same time: one gets it, the others are refused (R8)."""

import random
from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest

from booking.appointments.enums import Action
from booking.appointments.errors import BadTransition
from booking.appointments.operations import confirm, reschedule, take_action
from booking.availability.operations import open_window, set_working_hours
from booking.models import Appointment, Reservation
from booking.reservations import claims
from booking.reservations.enums import Override
from booking.reservations.errors import OutsideHours, SlotTaken
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at, hold, minutes
from tests.looking import broken_promises, free_cells
from tests.slow.races.failpoints import stop
from tests.slow.races.running import Pause, everybody_looks_first, guards, overlaps, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=7)]

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
NINE, TEN, ELEVEN = at("2026-03-04 09:00"), at("2026-03-04 10:00"), at("2026-03-04 11:00")
SATURDAY = at("2026-03-07 10:00")
"""Outside the hours, where no slot stands behind the lock and the constraint."""

ANYWAY = {"actor": SYSTEM, "overrides": [Override.HOURS]}
CROWD = 8


def winners(answers, kind):
    return [answer for answer in answers if isinstance(answer, kind)]


# --- One time -------------------------------------------------------------------------------------------------------


def crowd(provider, start, **arguments):
    """As many clients as there are in a crowd, each about to book the same time."""
    return [
        lambda client=client: appoint(provider, start, client=client, **arguments)
        for client in ClientFactory.create_batch(CROWD)
    ]


@pytest.mark.parametrize("start", [NINE, SATURDAY])
def test_of_many_who_book_one_time_one_gets_it(provider, start):
    answers = together(*crowd(provider, start, **ANYWAY))

    assert answers.kinds() == {"Appointment": 1, "SlotTaken": CROWD - 1}
    assert broken_promises() == {}


def test_of_many_who_hold_one_slot_one_gets_it(provider):
    clients = ClientFactory.create_batch(CROWD)

    answers = together(*[lambda client=client: hold(provider, NINE, client=client) for client in clients])

    assert answers.kinds() == {"Reservation": 1, "SlotTaken": CROWD - 1}
    assert broken_promises() == {}


def test_those_who_lose_are_told_times_that_are_free(provider):
    answers = together(*crowd(provider, NINE, **ANYWAY))

    offered = [
        datetime.fromisoformat(time["start_time"])
        for answer in winners(answers, SlotTaken)
        for time in answer.details["alternatives"]
    ]
    assert len(offered) == 3 * (CROWD - 1)
    assert set(offered) <= {start for start, _ in free_cells(provider)}


@pytest.mark.parametrize(
    ("start", "lock", "constraint"), [(SATURDAY, True, False), (SATURDAY, False, True), (NINE, False, False)]
)
def test_each_guard_alone_keeps_one_time_from_being_booked_twice(provider, start, lock, constraint):
    """The lock, the exclusion constraint, or the slots that point at one reservation at most."""
    at_once = nullcontext() if lock else everybody_looks_first(claims, "_take", CROWD)
    with guards(lock=lock, constraint=constraint) as arguments:
        functions = crowd(provider, start, **ANYWAY)
        with at_once:
            answers = together(*functions, **arguments)

        kinds = answers.kinds()
        assert (kinds.pop("Appointment"), kinds.total()) == (1, CROWD - 1)
        assert set(kinds) <= {"SlotTaken", "TryAgain"}  # Without the lock, those who wait for each other may deadlock.
        assert broken_promises() == {}


def test_control_without_lock_and_constraint_one_time_is_booked_by_all(provider):
    with guards(lock=False, constraint=False) as arguments:
        functions = crowd(provider, SATURDAY, **ANYWAY)
        with everybody_looks_first(claims, "_take", CROWD):
            answers = together(*functions, **arguments)

        assert answers.kinds() == {"Appointment": CROWD}
        assert overlaps()


# --- Many times, of mixed lengths -----------------------------------------------------------------------------------


def mixed(provider, first, seed):
    """Bookings of one to four slots within the same ten, in an order of chance."""
    chance = random.Random(seed)

    def booking(client):
        start = first + minutes(15 * chance.randrange(7))
        ends_at = start + minutes(15 * chance.randint(1, 4))
        return lambda: appoint(provider, start, client=client, ends_at=ends_at, **ANYWAY)

    return [booking(client) for client in ClientFactory.create_batch(CROWD)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("first", [NINE, SATURDAY])
def test_many_who_book_mixed_lengths_never_overlap_and_never_deadlock(provider, first, seed):
    answers = together(*mixed(provider, first, seed))

    assert set(answers.kinds()) == {"Appointment", "SlotTaken"}
    assert answers.sqlstates == []
    assert broken_promises() == {}


def test_control_without_lock_and_constraint_mixed_lengths_overlap(provider):
    with guards(lock=False, constraint=False) as arguments:
        functions = mixed(provider, SATURDAY, 0)
        with everybody_looks_first(claims, "_take", CROWD):
            answers = together(*functions, **arguments)

        assert answers.kinds() == {"Appointment": CROWD}
        assert overlaps()


# --- Confirming ----------------------------------------------------------------------------------------------------


def test_confirm_many_times_at_once_makes_one_appointment(provider):
    held = hold(provider, NINE)

    answers = together(*[lambda: confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)] * CROWD)

    assert answers.kinds() == {"Appointment": CROWD}
    assert {answer.pk for answer in answers} == {Appointment.objects.get().pk}
    assert broken_promises() == {}


def confirm_twice(provider, *, locks):
    held = hold(provider, NINE)
    confirming = [lambda: confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)] * 2
    return stop(Failpoint.HOLD_JUDGED, *confirming, locks=locks)


def test_confirm_waits_for_another_who_confirms_the_same(provider):
    answers = confirm_twice(provider, locks=True)

    assert (answers.kinds(), answers.sqlstates) == ({"Appointment": 2}, [])


def test_control_without_lock_confirming_twice_at_once_breaks_on_the_constraint(provider):
    answers = confirm_twice(provider, locks=False)

    assert answers.sqlstates == ["23505"]


# --- Moving ---------------------------------------------------------------------------------------------------------


def move_two_to(provider, start):
    booked = [appoint(provider, NINE), appoint(provider, TEN)]
    return [
        lambda made=made: reschedule(appointment_id=made.pk, starts_at=start, now=NOON, **ANYWAY) for made in booked
    ]


@pytest.mark.parametrize("start", [ELEVEN, SATURDAY])
def test_of_two_who_move_to_one_time_one_does_and_the_other_stands(provider, start):
    answers = together(*move_two_to(provider, start))

    assert answers.kinds() == {"Appointment": 1, "SlotTaken": 1}
    starts = sorted(appointment.starts_at for appointment in Appointment.objects.all())
    assert starts in ([NINE, start], [TEN, start])
    assert broken_promises() == {}


def test_control_without_lock_and_constraint_two_move_to_one_time(provider):
    with guards(lock=False, constraint=False) as arguments:
        functions = move_two_to(provider, SATURDAY)
        with everybody_looks_first(claims, "_take", 2):
            answers = together(*functions, **arguments)

        assert answers.kinds() == {"Appointment": 2}
        assert overlaps()


def swap(provider):
    """Two clients, each moving to the time of the other."""
    first, second = appoint(provider, NINE), appoint(provider, TEN)
    return [
        lambda: reschedule(appointment_id=first.pk, starts_at=TEN, now=NOON, **ANYWAY),
        lambda: reschedule(appointment_id=second.pk, starts_at=NINE, now=NOON, **ANYWAY),
    ]


def test_two_who_want_each_others_time_both_stand(provider):
    answers = together(*swap(provider))

    assert (answers.kinds(), answers.sqlstates) == ({"SlotTaken": 2}, [])
    assert [made.starts_at for made in Appointment.objects.order_by("pk")] == [NINE, TEN]
    assert broken_promises() == {}


def test_control_without_lock_and_look_two_who_want_each_others_time_deadlock(provider, monkeypatch):
    functions = swap(provider)
    monkeypatch.setattr(claims, "_fills", lambda *arguments: True)

    with everybody_looks_first(claims, "_take", 2):
        answers = together(*functions, locks=False)

    assert "40P01" in answers.sqlstates
    assert broken_promises() == {}


def cancel_while_somebody_moves(provider, *, locks):
    booked = appoint(provider, NINE)
    return stop(
        Failpoint.BEFORE_COMMIT,
        lambda: take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON),
        lambda: reschedule(appointment_id=booked.pk, starts_at=TEN, actor=SYSTEM, now=NOON),
        locks=locks,
    )


def test_what_is_being_cancelled_cannot_be_moved(provider):
    answers = cancel_while_somebody_moves(provider, locks=True)

    assert answers.kinds() == {"Appointment": 1, "BadTransition": 1}
    assert (Appointment.objects.get().status, Reservation.objects.get().status) == ("cancelled", "released")
    assert broken_promises() == {}


def test_control_without_lock_a_cancelled_appointment_keeps_the_time_it_moved_to(provider):
    cancel_while_somebody_moves(provider, locks=False)

    assert "an appointment and its reservation disagree" in broken_promises()


def test_many_who_cancel_and_move_one_appointment_leave_it_cancelled(provider):
    booked = appoint(provider, NINE)
    deeds = [lambda: take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)] * 3 + [
        lambda start=start: reschedule(appointment_id=booked.pk, starts_at=start, actor=SYSTEM, now=NOON)
        for start in (TEN, ELEVEN, NINE)
    ]

    answers = together(*deeds)

    assert len(winners(answers[:3], Appointment)) == 1
    assert {type(answer) for answer in answers} <= {Appointment, BadTransition}
    assert Appointment.objects.get().status == "cancelled"
    assert not Reservation.objects.filter(status="confirmed").exists()
    assert broken_promises() == {}


# --- Changing the hours ---------------------------------------------------------------------------------------------


def test_hours_that_close_while_many_reserve_leave_each_slot_free_claimed_or_gone(provider):
    closing = {"provider_id": provider.pk, "hours": [(2, TEN.time(), ELEVEN.time())], "actor": SYSTEM, "now": NOON}
    times = [NINE + minutes(15 * number) for number in range(CROWD - 1)]
    clients = ClientFactory.create_batch(len(times))

    answers = together(
        *[lambda s=s, c=c: hold(provider, s, client=c) for s, c in zip(times, clients, strict=True)],
        lambda: set_working_hours(**closing),
    )

    assert {type(answer) for answer in answers[:-1]} <= {Reservation, OutsideHours}
    assert broken_promises() == {}


def open_hours_while_somebody_books_outside_them(provider, *, locks):
    pause = Pause()
    client = ClientFactory()
    with pause.before(claims, "_take"):
        return together(
            lambda: appoint(provider, SATURDAY, client=client, **ANYWAY),
            pause.meanwhile(
                lambda: open_window(
                    provider_id=provider.pk,
                    starts_at=SATURDAY,
                    ends_at=SATURDAY + minutes(30),
                    actor=SYSTEM,
                    now=NOON,
                )
            ),
            locks=locks,
        )


def test_hours_that_open_over_a_booking_being_made_claim_its_slots(provider):
    answers = open_hours_while_somebody_books_outside_them(provider, locks=True)

    assert answers.kinds() == {"Appointment": 1, "AvailabilityChange": 1}
    assert broken_promises() == {}


def test_control_without_lock_hours_that_open_offer_what_is_just_being_booked(provider):
    open_hours_while_somebody_books_outside_them(provider, locks=False)

    assert "a slot is free though a live reservation claims its time" in broken_promises()
