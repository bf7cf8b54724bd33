"""`/dashboard/appointments/<id>/client/` and its like in the admin: an appointment goes to another client."""

import pytest
from django.urls import reverse

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.models import Appointment
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at, open_provider
from tests.html import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=7)]


@pytest.fixture
def ben(provider):
    return ClientFactory(owner=provider, user=None, name="Ben Bloom", email="ben@example.org")


@pytest.fixture
def made(provider, ada):
    return appoint(provider, at("2026-03-04 09:00"), client=ada, overrides=["notice"], title="Trial lesson")


@pytest.fixture
def page(made):
    return reverse("dashboard-appointment-client", args=[made.pk])


@pytest.fixture
def in_admin(made):
    return reverse("admin:booking_appointment_act", args=[made.pk, "reassign"])


def client_of(made):
    return Appointment.objects.get(pk=made.pk).client


def test_appointment_leads_to_the_page(dashboard, made, page):
    shown = dashboard.get(reverse("dashboard-appointment", args=[made.pk])).content.decode()

    assert f'href="{page}"' in shown


def test_page_offers_the_other_clients(dashboard, page, ben, ada):
    shown = text_of(dashboard.get(page))

    assert "Ben Bloom" in shown
    assert f'value="{ada.pk}"' not in dashboard.get(page).content.decode()


def test_search_finds_some(dashboard, page, ben, provider):
    ClientFactory(owner=provider, user=None, name="Cleo")

    shown = text_of(dashboard.get(page, {"search": "bloom"}))

    assert "Ben Bloom" in shown
    assert "Cleo" not in shown


def test_post_gives_it_to_the_chosen_client_and_says_so(dashboard, page, made, ben):
    answer = dashboard.post(page, {"client": ben.pk}, follow=True)

    assert client_of(made) == ben
    assert "Client changed. We've notified Ben Bloom." in text_of(answer)


def test_history_names_the_former_client(dashboard, page, made, ben):
    answer = dashboard.post(page, {"client": ben.pk}, follow=True)

    assert "Given to another client" in text_of(answer)
    assert "previously: Ada Byron" in text_of(answer)


def test_post_without_a_choice_asks_for_one(dashboard, page, made, ada):
    assert "Choose a client." in text_of(dashboard.post(page))
    assert client_of(made) == ada


def test_client_of_another_provider_is_no_choice(dashboard, page, made, ada):
    stranger = ClientFactory(owner=open_provider(horizon_days=3), user=None)

    dashboard.post(page, {"client": stranger.pk})

    assert client_of(made) == ada


def test_cancelled_appointment_keeps_its_client(dashboard, page, made, ada, ben):
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    answer = dashboard.post(page, {"client": ben.pk}, follow=True)

    assert "You can no longer change this appointment" in text_of(answer)
    assert client_of(made) == ada


def test_another_providers_appointment_is_not_found(stranger, page, made, ada, ben):
    assert stranger.post(page, {"client": ben.pk}).status_code == 404
    assert client_of(made) == ada


def test_staff_find_and_choose_a_client(office, in_admin, made, ben):
    assert "Ben Bloom" in text_of(office.get(in_admin, {"search": "bloom"}))

    answer = office.post(in_admin, {"client": ben.pk}, follow=True)

    assert client_of(made) == ben
    assert "Client changed. We've notified Ben Bloom." in text_of(answer)
    assert "previously: Ada Byron" in text_of(answer)


def test_staff_are_offered_it_as_a_link(office, made, in_admin):
    shown = office.get(reverse("admin:booking_appointment_change", args=[made.pk])).content.decode()

    assert f'href="{in_admin}"' in shown


def test_staff_choose_no_client_of_another_address_book(office, in_admin, made, ada):
    stranger = ClientFactory(owner=open_provider(horizon_days=3), user=None)

    assert "Select a valid choice" in text_of(office.post(in_admin, {"client": stranger.pk}))
    assert client_of(made) == ada


def test_staff_do_not_change_the_client_of_a_cancelled_one(office, in_admin, made, ada, ben):
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert "You can no longer change this appointment" in text_of(
        office.post(in_admin, {"client": ben.pk}, follow=True)
    )
    assert client_of(made) == ada
