"""Providers who accept no new clients: those who had an appointment book, others do not."""

import pytest

from booking.models import Reservation
from tests.booking.answers import refusal
from tests.factories import AppointmentFactory, ClientFactory, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

NINE = at("2026-03-04 09:00")
THURSDAY = at("2026-03-05 09:00")


@pytest.fixture
def closed(provider):
    """A provider who accepts no new clients."""
    provider.accepts_new_clients = False
    provider.save()
    return provider


def book(api, provider):
    return api.post("/api/v1/appointments", {"provider": provider.pk, "start_time": NINE.isoformat()})


def test_new_client_cannot_book(booker_api, closed):
    assert refusal(book(booker_api, closed)) == (409, "no_new_clients", "provider")
    assert not Reservation.objects.exists()


def test_new_client_cannot_confirm(booker_api, closed):
    body = {"provider": closed.pk, "start_time": NINE.isoformat()}
    hold = booker_api.post("/api/v1/reservations", body).json()

    answer = booker_api.post(f"/api/v1/reservations/{hold['id']}/confirm", {"confirmed": True})

    assert refusal(answer) == (409, "no_new_clients", "provider")
    assert Reservation.objects.get().status == "held"


def test_known_client_books(booker_api, booker, closed):
    AppointmentFactory(reservation__provider=closed, reservation__client=booker, reservation__starts_at=THURSDAY)

    assert book(booker_api, closed).status_code == 201


@pytest.mark.parametrize("status", ["cancelled", "declined"])
def test_client_whose_only_appointment_was_called_off_is_new(booker_api, booker, closed, status):
    AppointmentFactory(
        reservation__provider=closed, reservation__client=booker, reservation__starts_at=THURSDAY, status=status
    )

    assert refusal(book(booker_api, closed))[1] == "no_new_clients"


def test_provider_books_a_new_client(provider_api, closed):
    new = ClientFactory(owner=closed, user=None)

    answer = provider_api.post(
        "/api/v1/appointments", {"provider": closed.pk, "start_time": NINE.isoformat(), "client": new.pk}
    )

    assert answer.status_code == 201


def test_page_says_so(client, closed):
    assert "Not accepting new clients." in client.get(f"/p/{closed.slug}/").text
