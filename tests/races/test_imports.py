"""The same file imported by two at once, and a booking while an import runs."""

import pytest

from accounts.models import Client
from accounts.operations import imports
from accounts.operations.imports import CLIENTS
from booking.models import Appointment
from booking.operations.appointments import book
from booking.operations.imports import APPOINTMENTS, SERVICES
from tests.factories import NOON, SYSTEM, ClientFactory, at, open_provider
from tests.importing.helpers import ALL_OR_NOTHING, ROW_BY_ROW, outcomes, run
from tests.looking import broken_promises
from tests.races.running import everybody_looks_first, together

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "name,email\nKim,kim@example.org\nSam,sam@example.org\n"
MEETINGS = "reference,provider,client_email,start\n" + "".join(
    f"{name},ada,kim@example.org,2026-03-0{4 + day} {hour}:00\n"
    for day, name in enumerate(("a", ""))
    for hour in (10, 11)
).replace("a,ada,kim@example.org,2026-03-04 11", "b,ada,kim@example.org,2026-03-04 11")


def twice(sheet, text, policy):
    answers = together(*[lambda: run(sheet, text, policy)] * 2)
    return sorted(map(outcomes, answers))


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
@pytest.mark.parametrize(
    ("sheet", "text"), [(CLIENTS, PEOPLE), (SERVICES, "name,duration_minutes\nVisit,30\nTalk,20\n")]
)
def test_the_same_rows_at_once_are_added_once(sheet, text, policy):
    assert twice(sheet, text, policy) == [["new", "new"], ["unchanged", "unchanged"]]


def test_control_without_turns_the_same_clients_are_added_twice(monkeypatch):
    monkeypatch.setattr(imports, "take_turns", lambda name: None)

    with everybody_looks_first(imports, "new_reference", 2):
        together(*[lambda: run(CLIENTS, "name,email\nKim,kim@example.org\n")] * 2)

    assert Client.objects.count() == 2


@pytest.mark.parametrize("policy", [ROW_BY_ROW, ALL_OR_NOTHING])
def test_the_same_appointments_at_once_are_booked_once(policy):
    open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")

    assert twice(APPOINTMENTS, MEETINGS, policy) == [["new"] * 4, ["unchanged"] * 4]
    assert Appointment.objects.count() == 4
    assert broken_promises() == {}


def test_clients_added_on_the_way_at_once_are_added_once():
    open_provider(provider__slug="ada", horizon_days=5)

    answers = together(*[lambda: run(APPOINTMENTS, MEETINGS, add_clients=True)] * 2)

    assert sorted(map(outcomes, answers)) == [["new"] * 4, ["unchanged"] * 4]
    assert Client.objects.count() == 1


def test_an_import_and_bookings_at_once_take_no_time_twice():
    ada = open_provider(provider__slug="ada", horizon_days=5)
    ClientFactory(user=None, email="kim@example.org")
    others = ClientFactory.create_batch(3)

    def booking(client):
        return lambda: book(
            provider_id=ada.pk, client_id=client.pk, starts_at=at("2026-03-04 10:00"), actor=SYSTEM, now=NOON
        )

    together(lambda: run(APPOINTMENTS, MEETINGS), *map(booking, others))

    assert Appointment.objects.filter(reservation__starts_at=at("2026-03-04 10:00")).count() == 1
    assert broken_promises() == {}
