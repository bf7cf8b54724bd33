"""`/dashboard/clients/`."""

import pytest

from accounts.models import Client
from booking.models import Appointment
from tests.factories import AppointmentFactory, ClientFactory, HoldFactory, ReservationFactory, at
from tests.html import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


CLIENTS = "/dashboard/clients/"
ADD = "/dashboard/clients/add/"

EMMY = {
    "name": "Emmy Noether",
    "email": "Emmy@Example.org",
    "phone": "+49 30 901820",
    "timezone": "Europe/Berlin",
    "notes": "Prefers mornings.",
}


@pytest.fixture
def kept(provider):
    """A client in the provider's address book."""
    return ClientFactory(owner=provider, user=None, name="Ada", notes="Likes tea.")


def visit(provider, client, start="2026-03-05 09:00", **fields) -> Appointment:
    reservation = ReservationFactory(provider=provider, client=client, starts_at=at(start))
    return AppointmentFactory(reservation=reservation, **fields)


def listed(answer) -> list[Client]:
    return list(answer.context["page"])


def test_clients_are_the_address_book_and_who_booked(dashboard, provider, kept, booker):
    visit(provider, booker)
    ClientFactory(name="A stranger")
    AppointmentFactory()

    assert listed(dashboard.get(CLIENTS)) == sorted([kept, booker], key=lambda client: client.name)


def test_clients_are_nobody_who_only_holds_a_time(dashboard, provider):
    HoldFactory(provider=provider, client=ClientFactory(user=None, name=""))

    assert listed(dashboard.get(CLIENTS)) == []


def test_clients_are_listed_with_their_next_appointment_and_how_many(dashboard, provider, kept):
    visit(provider, kept, "2026-02-01 09:00", status="completed")
    visit(provider, kept, "2026-03-06 09:00")
    visit(provider, kept, "2026-03-05 09:00")

    (client,) = listed(dashboard.get(CLIENTS))

    assert (client.visits, client.next_at) == (3, at("2026-03-05 09:00"))


@pytest.mark.parametrize("text", ["ada", "lovelace@", "30 12 34", "+49 301234"])
def test_clients_are_found_by_name_email_and_phone(dashboard, provider, text):
    ada = ClientFactory(owner=provider, user=None, name="Ada", email="lovelace@example.org", phone="+49301234567")
    ClientFactory(owner=provider, user=None, name="Grace")

    found = listed(dashboard.get(CLIENTS, {"q": text}))

    assert found == [ada]


@pytest.mark.parametrize("query", [{"q": "\x00"}, {"page": "x"}, {"page": "99"}, {"q": "%"}])
def test_clients_take_any_question(dashboard, query):
    assert dashboard.get(CLIENTS, query).status_code == 200


def test_clients_say_what_cannot_be_searched_for_and_show_nobody(dashboard, kept):
    answer = dashboard.get(CLIENTS, {"q": "Ada" + " " * 97 + "a"})

    assert "at most 100 characters" in text_of(answer)
    assert listed(answer) == []


def test_clients_come_in_pages(dashboard, provider):
    for number in range(26):
        ClientFactory(owner=provider, user=None, name=f"Client {number:02}")

    assert [client.name for client in listed(dashboard.get(CLIENTS, {"page": 2}))] == ["Client 25"]


def test_a_client_is_added_to_ones_address_book(dashboard, provider):
    answer = dashboard.post(ADD, EMMY)

    client = Client.objects.get()
    assert answer.headers["Location"] == f"{CLIENTS}{client.pk}/"
    assert (client.owner, client.name, client.email) == (provider, "Emmy Noether", "emmy@example.org")
    assert (str(client.phone), client.timezone, client.notes) == ("+4930901820", "Europe/Berlin", "Prefers mornings.")


def test_adding_a_client_there_is_keeps_what_was_typed(dashboard, provider):
    ClientFactory(owner=provider, user=None, email="emmy@example.org")

    answer = dashboard.post(ADD, EMMY)

    assert answer.context["form"].errors["email"] == ["This address book already has a client with this email."]
    assert "Prefers mornings." in answer.content.decode()


def test_a_client_is_changed(dashboard, kept):
    dashboard.post(f"{CLIENTS}{kept.pk}/edit/", EMMY)

    kept.refresh_from_db()
    assert (kept.name, kept.email) == ("Emmy Noether", "emmy@example.org")


def test_a_client_who_never_booked_is_deleted(dashboard, kept):
    dashboard.post(f"{CLIENTS}{kept.pk}/edit/", {"do": "remove"})

    assert not Client.objects.exists()


def test_a_client_who_booked_is_not_deleted(dashboard, provider, kept):
    visit(provider, kept)

    assert dashboard.post(f"{CLIENTS}{kept.pk}/edit/", {"do": "remove"}).status_code == 409


def test_a_clients_page_shows_their_appointments_with_this_provider_and_notes(dashboard, provider, kept):
    past, coming = visit(provider, kept, "2026-02-01 09:00", status="completed"), visit(provider, kept)

    answer = dashboard.get(f"{CLIENTS}{kept.pk}/")

    assert list(answer.context["coming"]) == [coming]
    assert list(answer.context["page"]) == [past]
    assert "Likes tea." in answer.content.decode()


def test_a_self_registered_clients_page_shows_no_other_providers_visits_and_no_notes(dashboard, provider, booker):
    booker.notes = "Staff's own."
    booker.save()
    mine = visit(provider, booker)
    AppointmentFactory(reservation__client=booker)

    answer = dashboard.get(f"{CLIENTS}{booker.pk}/")

    assert list(answer.context["coming"]) == [mine]
    assert "Staff's own." not in answer.content.decode()
    assert dashboard.get(f"{CLIENTS}{booker.pk}/edit/").status_code == 404


@pytest.mark.parametrize("path", ["", "edit/"])
def test_other_providers_clients_are_not_there(dashboard, path):
    other = ClientFactory(owner=ReservationFactory().provider, user=None)

    assert dashboard.get(f"{CLIENTS}{other.pk}/{path}").status_code == 404


def test_clients_cost_the_same_with_many_rows(dashboard, provider, kept, django_assert_max_num_queries):
    for number in range(20):
        client = ClientFactory(owner=provider, user=None)
        visit(provider, client, f"2026-04-{number + 1:02} 09:00")
        visit(provider, kept, f"2026-05-{number + 1:02} 09:00")

    with django_assert_max_num_queries(8):
        dashboard.get(CLIENTS)
    with django_assert_max_num_queries(9):
        dashboard.get(f"{CLIENTS}{kept.pk}/")
