"""Counts under concurrency: a client's holds, swept holds, generated slots, repeated requests."""

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments import operations as appointments
from booking.appointments.operations import confirm
from booking.availability import slots
from booking.availability.slots import extend, extend_all
from booking.models import Reservation, Schedule
from booking.reservations import claims
from booking.reservations import operations as reservations
from booking.reservations.operations import expire_due, reserve
from scheduler_project.common.models import IdempotentRequest
from tests.conftest import logged_in
from tests.factories import NOON, ClientFactory, ScheduleFactory, actor_of, appoint, at, hold, minutes, open_provider
from tests.looking import broken_promises, grid
from tests.slow.races.running import Pause, nobody_commits_first, together

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
NINE = at("2026-03-04 09:00")


# --- Holds of one client --------------------------------------------------------------------------------------------


def hoard(client, number):
    """One client, about to hold a time of each of that many providers."""
    actor = actor_of(client)
    providers = [open_provider(horizon_days=3, slot_minutes=60) for _ in range(number)]
    return [lambda provider=provider: hold(provider, NINE, client=client, actor=actor) for provider in providers]


def test_a_client_who_holds_many_times_at_once_gets_five():
    answers = together(*hoard(ClientFactory(), 8))

    assert answers.kinds() == {"Reservation": 5, "TooManyHolds": 3}


def test_control_without_lock_a_client_gets_as_many_holds_as_they_ask_for_at_once():
    functions = hoard(ClientFactory(), 8)

    with nobody_commits_first(claims, "_take", 8):
        answers = together(*functions, locks=False)

    assert answers.kinds() == {"Reservation": 8}


def test_holding_and_sweeping_across_many_calendars_never_deadlocks():
    clients = ClientFactory.create_batch(4)
    providers = [open_provider(horizon_days=5, slot_minutes=60) for _ in range(2)]
    for client, provider, start in zip(clients, providers * 2, (NINE, NINE, NINE + DAY, NINE + DAY), strict=True):
        hold(provider, start, client=client, now=NOON - DAY)
    crossing = [(client, provider) for client in clients[:3] for provider in providers]

    answers = together(
        *[
            lambda client=client, provider=provider: hold(provider, NINE, client=client)
            for client, provider in crossing
        ],
        lambda: expire_due(now=NOON),
        lambda: expire_due(now=NOON),
    )

    assert answers.sqlstates == []
    assert answers.kinds()["Reservation"] == 2
    assert broken_promises() == {}


# --- Appointments of one person -------------------------------------------------------------------------------------


def book_much(client, number):
    """One client, about to book a time of each of that many providers."""
    providers = [open_provider(horizon_days=3, slot_minutes=60) for _ in range(number)]
    return [lambda provider=provider: appoint(provider, NINE, client=client) for provider in providers]


def test_a_client_who_books_many_times_at_once_gets_three_while_unverified():
    answers = together(*book_much(ClientFactory(), 6))

    assert answers.kinds() == {"Appointment": 3, "TooManyAppointments": 3}
    assert answers.sqlstates == []


def test_control_without_lock_a_client_books_as_many_as_they_ask_for_at_once():
    functions = book_much(ClientFactory(), 6)

    with nobody_commits_first(appointments, "check_open_appointments", 6):
        answers = together(*functions, locks=False)

    assert answers.kinds() == {"Appointment": 6}


def confirm_much_as_guests(number):
    """That many guests of one mailbox, who spell it differently, about to confirm what each of them holds."""
    provider = open_provider(horizon_days=3, slot_minutes=60)
    guests = [ClientFactory(user=None, email=f"ada+{which}@example.org") for which in range(number)]
    actors = [Actor(None, Source.PAGE, guest=guest) for guest in guests]
    times = [NINE + minutes(60 * which) for which in range(number)]
    held = [
        reserve(provider_id=provider.pk, client_id=actor.guest.pk, starts_at=start, actor=actor, now=NOON)
        for start, actor in zip(times, actors, strict=True)
    ]
    return [
        lambda one=one, actor=actor: confirm(reservation_id=one.pk, actor=actor, now=NOON)
        for one, actor in zip(held, actors, strict=True)
    ]


def test_guests_of_one_mailbox_who_confirm_at_once_get_as_many_as_one(settings):
    settings.MAX_OPEN_APPOINTMENTS = 2

    answers = together(*confirm_much_as_guests(5))

    assert answers.kinds() == {"Appointment": 2, "TooManyAppointments": 3}
    assert answers.sqlstates == []


def test_control_without_lock_guests_of_one_mailbox_get_one_each(settings):
    settings.MAX_OPEN_APPOINTMENTS = 2
    functions = confirm_much_as_guests(5)

    with nobody_commits_first(appointments, "confirm_if_few", 5):
        answers = together(*functions, locks=False)

    assert answers.kinds() == {"Appointment": 5}


# --- Sweeping -------------------------------------------------------------------------------------------------------


def dead_holds(number):
    provider = open_provider(horizon_days=3)
    for which in range(number):
        hold(provider, NINE + minutes(15 * which))


def test_two_sweepers_at_once_count_each_hold_once(monkeypatch):
    monkeypatch.setattr(reservations, "SWEEP", 4)
    dead_holds(12)
    now = NOON + minutes(30)

    answers = together(*[lambda: expire_due(now=now)] * 3)
    left = expire_due(now=now)

    assert sum(answers) + left == 12
    assert set(Reservation.objects.values_list("status", flat=True)) == {"expired"}
    assert broken_promises() == {}


def sweep_twice(*, locks):
    dead_holds(1)
    now = NOON + minutes(30)
    pause = Pause()
    with pause.before(reservations, "expire"):
        return together(lambda: expire_due(now=now), pause.meanwhile(lambda: expire_due(now=now)), locks=locks)


def test_a_sweeper_leaves_what_another_is_busy_with():
    answers = sweep_twice(locks=True)

    assert answers == [1, 0]


def test_control_without_lock_two_sweepers_count_a_hold_twice():
    answers = sweep_twice(locks=False)

    assert answers == [1, 1]


# --- Extending ------------------------------------------------------------------------------------------------------


def test_two_extenders_at_once_lay_each_slot_once():
    schedule = ScheduleFactory(weekdays=True, horizon_days=5)
    ScheduleFactory(weekdays=True, horizon_days=5)
    expected = open_provider(horizon_days=5)
    wanted = grid(expected)

    answers = together(*[lambda: extend_all(now=NOON)] * 3)

    assert sum(answers) == 2 * len(wanted)
    assert grid(schedule.provider) == wanted
    assert broken_promises() == {}


def extend_while_somebody_extends_further(*, locks):
    schedule = open_provider(horizon_days=1).schedule
    pause = Pause()
    with pause.before(slots, "regenerate_slots"):
        together(
            lambda: extend(schedule_id=schedule.pk, now=NOON + DAY),
            pause.meanwhile(lambda: extend(schedule_id=schedule.pk, now=NOON + 2 * DAY)),
            locks=locks,
        )
    return Schedule.objects.get(pk=schedule.pk).slots_until


def test_the_end_of_the_slots_never_moves_back():
    assert extend_while_somebody_extends_further(locks=True) == NOON + 5 * DAY


def test_control_without_lock_the_end_of_the_slots_moves_back():
    assert extend_while_somebody_extends_further(locks=False) == NOON + 4 * DAY


# --- The same request, sent many times at once ----------------------------------------------------------------------


def sending(user, bodies, **headers):
    """As many writes to an address book as there are bodies."""

    def send(body):
        return lambda: logged_in(user).post("/api/clients", body, headers=headers)

    return [send(body) for body in bodies]


def test_a_request_sent_many_times_at_once_with_a_key_is_done_once():
    user = open_provider(horizon_days=1).user

    answers = together(*sending(user, [{"name": "Grace"}] * 6, **{"Idempotency-Key": "one"}))

    made = Client.objects.get()
    assert [answer.status_code for answer in answers] == [201] * 6
    assert {answer.json()["id"] for answer in answers} == {made.pk}
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 5


def test_control_without_a_key_a_request_sent_many_times_is_done_many_times():
    user = open_provider(horizon_days=1).user

    together(*sending(user, [{"name": "Grace"}] * 6))

    assert Client.objects.count() == 6


def test_different_requests_sent_at_once_with_one_key_are_done_once():
    user = open_provider(horizon_days=1).user
    bodies = [{"name": f"Grace {number}"} for number in range(4)]

    answers = together(*sending(user, bodies, **{"Idempotency-Key": "one"}))

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert Client.objects.count() == 1


def test_a_key_of_one_user_does_not_wait_for_that_of_another():
    first, second = (open_provider(horizon_days=1).user for _ in range(2))
    with transaction.atomic():
        IdempotentRequest.objects.create(user=first, key="one", fingerprint="", created_at=NOON)

        (answer,) = together(*sending(second, [{"name": "Grace"}], **{"Idempotency-Key": "one"}))

    assert answer.status_code == 201


def connected() -> set[int]:
    """The processes of PostgreSQL that serve somebody in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return {pid for (pid,) in cursor.fetchall()}


def test_no_connection_of_a_thread_is_left_over():
    before = connected()

    together(*[lambda: expire_due(now=NOON)] * 4)

    deadline = time.monotonic() + 10
    while connected() - before and time.monotonic() < deadline:  # PostgreSQL notices a moment later that one has gone.
        time.sleep(0.05)
    assert connected() <= before
