"""Giving an appointment to another client, while that client is erased or the former one acts on it."""

import pytest

from accounts.actors import Actor, Source
from accounts.models import Client
from accounts.privacy.operations import erase_client
from booking.appointments import operations as appointments
from booking.appointments.operations import change, reschedule
from booking.models import Appointment
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at
from tests.looking import broken_promises
from tests.slow.races.running import Pause, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=7)]

NINE, TEN = at("2026-03-04 09:00"), at("2026-03-04 10:00")


@pytest.fixture
def ada():
    return ClientFactory(user=None, name="Ada")


@pytest.fixture
def ben(provider):
    return ClientFactory(user=None, owner=provider, name="Ben")


@pytest.fixture
def made(provider, ada):
    return appoint(provider, NINE, client=ada, overrides=["notice"])


def give_while(made, ben, meanwhile, *, place, locks):
    """Give the appointment to Ben; once the look at `place` is over, somebody does something else."""
    pause = Pause()
    with pause.after(appointments, place):
        return together(
            lambda: change(appointment_id=made.pk, client_id=ben.pk, actor=SYSTEM, now=NOON),
            pause.meanwhile(meanwhile),
            locks=locks,
        )


def erase_meanwhile(made, ben, *, locks):
    erasing = lambda: erase_client(client_id=ben.pk, actor=SYSTEM, now=NOON)  # noqa: E731
    answers = give_while(made, ben, erasing, place="check_bookable", locks=locks)
    return answers.kinds(), Client.objects.get(pk=ben.pk).is_erased


def test_client_who_gets_an_appointment_is_not_erased_meanwhile(made, ben):
    kinds, erased = erase_meanwhile(made, ben, locks=True)

    assert kinds == {"Appointment": 1, "AppointmentsComing": 1}
    assert not erased
    assert broken_promises() == {}


def test_control_without_locks_an_erased_client_has_an_appointment_to_come(made, ben):
    kinds, erased = erase_meanwhile(made, ben, locks=False)

    assert kinds == {"Appointment": 1, "NoneType": 1}
    assert erased
    assert Appointment.objects.get(pk=made.pk).reservation.client == ben


def move_meanwhile(made, ada, ben, *, locks):
    guest = Actor(None, Source.PAGE, guest=ada)
    moving = lambda: reschedule(appointment_id=made.pk, starts_at=TEN, actor=guest, now=NOON)  # noqa: E731
    return give_while(made, ben, moving, place="locked_appointment", locks=locks).kinds()


def test_former_client_moves_nothing_that_is_given_away_meanwhile(made, ada, ben):
    kinds = move_meanwhile(made, ada, ben, locks=True)

    assert kinds == {"Appointment": 1, "NotAllowed": 1}
    assert broken_promises() == {}


def test_control_without_locks_the_former_client_moves_it_and_a_time_is_lost(made, ada, ben):
    kinds = move_meanwhile(made, ada, ben, locks=False)

    assert kinds == {"Appointment": 2}
    assert broken_promises() != {}
