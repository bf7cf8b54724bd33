"""Short addresses lead where the addresses they stand for lead."""

import time

import pytest

from accounts.models import Client, Provider, User
from booking.models import Appointment, AvailabilityWindow, Reservation, Slot
from scheduler_project.aliases import ALIASES
from tests.booking.answers import refusal
from tests.factories import ClientFactory, at, hold
from tests.project.schema import schema

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

NINE = "2026-03-04T09:00:00Z"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "notes-on-the-engine"}


@pytest.fixture
def slot(provider) -> Slot:
    return Slot.objects.get(provider=provider, starts_at=at("2026-03-04 09:00"))


@pytest.fixture
def held(provider, booker) -> Reservation:
    return hold(provider, at("2026-03-04 10:00"), client=booker)


@pytest.mark.parametrize("path", ["", "/{0}", "/{0}/availability?date=2026-03-04", "?specialization=law"])
def test_doctors_are_the_providers(api, provider, path):
    path = path.format(provider.pk)

    assert api.get(f"/api/doctors{path}").json() == api.get(f"/api/v1/providers{path}").json()


def test_time_is_held_by_its_slot(booker_api, slot):
    answer = booker_api.post(f"/api/appointments/{slot.pk}/reserve")

    assert answer.status_code == 201
    assert answer.json()["start_time"] == NINE


@pytest.mark.parametrize(("body", "status"), [({"confirmed": True}, "scheduled"), ({"confirmed": False}, "released")])
def test_hold_is_confirmed_or_given_back(booker_api, held, body, status):
    answer = booker_api.post(f"/api/appointments/{held.pk}/confirm", body)

    assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_window_is_opened_for_the_callers_own_calendar(provider_api, provider):
    body = {"startTime": "2026-03-07T09:00:00Z", "endTime": "2026-03-07T10:00:00Z"}

    answer = provider_api.post("/api/appointments/availability", body)

    assert answer.status_code == 201
    assert AvailabilityWindow.objects.get().schedule.provider == provider


# --- Of a client ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["slot", "slotId", "slot_id"])
def test_client_holds_a_slot(booker_api, booker, slot, name):
    answer = booker_api.post(f"/api/clients/{booker.pk}/reserve", {name: slot.pk})

    assert answer.status_code == 201, answer.content
    assert (answer.json()["client"], answer.json()["start_time"]) == (booker.pk, NINE)


def test_client_holds_a_time_of_a_provider(booker_api, booker, provider):
    answer = booker_api.post(f"/api/clients/{booker.pk}/reserve", {"providerId": provider.pk, "startTime": NINE})

    assert answer.status_code == 201, answer.content
    assert answer.json()["start_time"] == NINE


def test_hold_needs_a_time(booker_api, booker):
    assert refusal(booker_api.post(f"/api/clients/{booker.pk}/reserve", {})) == (400, "required", "provider")


def test_slot_must_be_there(booker_api, booker):
    assert refusal(booker_api.post(f"/api/clients/{booker.pk}/reserve", {"slot": 10**9})) == (404, "not_found", "slot")


def test_client_stands_in_the_path_only(booker_api, booker, slot):
    answer = booker_api.post(f"/api/clients/{booker.pk}/reserve", {"slot": slot.pk, "client": booker.pk})

    assert refusal(answer) == (400, "unknown_field", "client")


def test_nobody_holds_for_a_stranger(booker_api, slot):
    answer = booker_api.post(f"/api/clients/{ClientFactory().pk}/reserve", {"slot": slot.pk})

    assert refusal(answer) == (404, "not_found", "client")


def test_hold_of_a_client_is_confirmed(booker_api, booker, held):
    answer = booker_api.post(f"/api/clients/{booker.pk}/confirm", {"reservationId": held.pk})

    assert answer.status_code == 200
    assert Appointment.objects.get().pk == answer.json()["id"]


def test_hold_of_a_client_is_given_back(booker_api, booker, held):
    body = {"reservation": held.pk, "confirmed": False}

    assert booker_api.post(f"/api/clients/{booker.pk}/confirm", body).json()["status"] == "released"


def test_hold_of_another_client_is_not_there(staff_api, held):
    answer = staff_api.post(f"/api/clients/{ClientFactory().pk}/confirm", {"reservation": held.pk})

    assert refusal(answer) == (404, "not_found", "reservation")


def test_hold_of_a_client_needs_a_login(api, booker, held):
    answer = api.post(f"/api/clients/{booker.pk}/confirm", {"reservation": held.pk})

    assert refusal(answer) == (401, "not_authenticated", None)


def test_write_by_an_alias_is_repeatable(booker_api, booker, slot):
    path, key = f"/api/clients/{booker.pk}/reserve", {"idempotency-key": "one"}
    first = booker_api.post(path, {"slot": slot.pk}, headers=key)

    again = booker_api.post(path, {"slot": slot.pk}, headers=key)

    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")


# --- Registering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "model"), [("clients", Client), ("providers", Provider)])
@pytest.mark.parametrize("root", ["/api", "/api/v1"])
def test_visitor_registers(api, root, path, model):
    answer = api.post(f"{root}/{path}", ADA)

    assert answer.status_code == 201, answer.content
    assert set(answer.json()) == {"user", "access", "refresh"}
    assert model.objects.get(user__email=ADA["email"]).name == ADA["name"]


def test_registering_sends_the_link_to_verify(api, mailoutbox):
    api.post("/api/clients", ADA)

    assert User.objects.get(email=ADA["email"]).emailaddress_set.get().verified is False


@pytest.mark.parametrize("path", ["clients", "providers"])
def test_role_follows_from_the_path(api, path):
    assert refusal(api.post(f"/api/{path}", {**ADA, "role": "provider"})) == (400, "unknown_field", "role")


@pytest.mark.parametrize("path", ["clients", "providers"])
def test_registering_counts_as_registering(api, throttle, path):
    throttle.update(register="2/d")
    api.post("/api/register", {})

    assert [api.post(f"/api/{path}", {}).status_code for _ in range(2)] == [400, 429]


def test_login_that_is_refused_does_not_register(api):
    answer = api.post("/api/clients", ADA, headers={"authorization": "Bearer x"})

    assert answer.status_code == 401
    assert not User.objects.filter(email=ADA["email"]).exists()


def test_whoever_is_logged_in_adds_to_the_address_book(provider_api, provider):
    answer = provider_api.post("/api/clients", {"name": "Emmy Noether"})

    assert (answer.status_code, answer.json()["owner"]) == (201, provider.pk)


def test_providers_list_stays_public(api, provider):
    assert [row["id"] for row in api.get("/api/providers").json()["results"]] == [provider.pk]


# --- Names in the body ------------------------------------------------------------------------------------------------


def test_camel_case_is_for_aliases_only(booker_api, provider):
    answer = booker_api.post("/api/reservations", {"providerId": provider.pk, "startTime": NINE})

    assert {error["code"] for error in answer.json()["errors"]} == {"required", "unknown_field"}


def test_name_in_two_spellings_is_refused(booker_api, booker, slot):
    answer = booker_api.post(f"/api/clients/{booker.pk}/reserve", {"slot": slot.pk, "slotId": slot.pk})

    assert refusal(answer) == (400, "unknown_field", "slotId")


def test_many_names_are_read_in_little_time(api):
    body = {f"name{number}": 0 for number in range(20_000)}
    started = time.process_time()

    answer = api.post("/api/clients", body)

    assert answer.status_code == 400
    assert time.process_time() - started < 2


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": 1, "a": 2}'])
def test_body_is_read_as_strictly_as_elsewhere(booker_api, booker, body):
    path = f"/api/clients/{booker.pk}/reserve"

    assert booker_api.generic("POST", path, body, content_type="application/json").status_code == 400


# --- The schema -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.operation)
def test_schema_says_what_an_alias_stands_for(alias):
    operation = schema()["paths"][f"/api/v1/{alias.path}"][alias.method]
    method, _, path = alias.stands_for.partition(" ")

    assert (operation["tags"], operation["x-alias-of"]) == (["Aliases"], alias.stands_for)
    assert method in schema()["paths"][path]
