"""Access to a provider's dashboard."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.factories import ServiceFactory, appoint, at
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


PAGES = ("dashboard", "dashboard-week", "dashboard-day", "dashboard-requests", "dashboard-book")
OF_AN_APPOINTMENT = (
    "dashboard-appointment",
    "dashboard-appointment-act",
    "dashboard-appointment-move",
    "dashboard-appointment-ics",
)


@pytest.fixture
def appointment(provider):
    return appoint(provider, at("2026-03-04 09:00"))


@pytest.mark.parametrize("name", PAGES)
def test_desk_is_shown_to_its_provider(dashboard, name):
    assert dashboard.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_desk_asks_a_visitor_to_log_in(name):
    answer = Browser().get(reverse(name))

    assert (answer.status_code, answer.url.partition("?")[0]) == (302, reverse("account_login"))


@pytest.mark.parametrize("name", PAGES)
def test_desk_is_not_found_by_a_client(booker, name):
    assert browser_of(booker.user).get(reverse(name)).status_code == 404


@pytest.mark.parametrize("name", OF_AN_APPOINTMENT)
def test_appointment_is_not_found_by_another_provider(stranger, appointment, name):
    assert stranger.get(reverse(name, args=[appointment.pk])).status_code == 404


@pytest.mark.parametrize("name", OF_AN_APPOINTMENT)
def test_appointment_is_not_found_on_the_desk_by_its_client(appointment, name):
    browser = browser_of(appointment.client.user)

    assert browser.get(reverse(name, args=[appointment.pk])).status_code == 404


@pytest.mark.parametrize("name", OF_AN_APPOINTMENT)
def test_appointment_asks_a_visitor_to_log_in(appointment, name):
    assert Browser().get(reverse(name, args=[appointment.pk])).status_code == 302


def test_appointment_is_not_acted_on_by_another_provider(stranger, appointment):
    answer = stranger.post(reverse("dashboard-appointment-act", args=[appointment.pk]), {"do": "cancel"})

    appointment.refresh_from_db()
    assert (answer.status_code, appointment.status) == (404, "scheduled")


def test_desk_says_which_section_one_person_or_thing_belongs_to(dashboard, provider, ada):
    service = ServiceFactory(owner=provider, providers=[provider])
    one = {"dashboard-clients": reverse("dashboard-client", args=[ada.pk])}
    one |= {"dashboard-services": reverse("dashboard-service", args=[service.pk])}

    for section, path in one.items():
        assert f'href="{reverse(section)}" aria-current="page"' in dashboard.get(path).content.decode()
