"""`/` and `/p/<slug>/`: finding a provider."""

import re

import pytest

from accounts.models import PUBLISHED, Provider
from booking.models import Slot
from tests.factories import MAYA, ProviderFactory, ServiceFactory, at, hold, open_provider
from tests.html import links_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(**MAYA)]


def test_home_shows_providers_with_their_next_free_time(client, provider, service):
    text = text_of(client.get("/"))

    assert "ML Maya Lindqvist Physiotherapy First visit Next available Tuesday, 3 March 2026, 12:00" in text


def test_home_shows_times_in_the_visitors_timezone(client, provider):
    client.cookies["timezone"] = "Asia/Tokyo"

    assert "Tuesday, 3 March 2026, 21:00" in text_of(client.get("/"))


def test_home_names_the_next_time_that_is_long_enough_for_the_shortest_service(client, provider, service):
    Slot.objects.filter(starts_at=at("2026-03-03 12:30")).delete()

    assert "Tuesday, 3 March 2026, 12:45" in text_of(client.get("/"))


def test_home_says_when_nothing_is_free(client, provider):
    Slot.objects.all().delete()

    assert "No availability right now" in text_of(client.get("/"))


@pytest.mark.parametrize("words", ["maya", "LIND", "physio", "first visit", "maya visit"])
def test_home_finds_by_name_specialization_and_service(client, provider, service, words):
    ProviderFactory(name="Somebody Else", specialization="Guitar")

    text = text_of(client.get("/", {"q": words}))

    assert "Maya Lindqvist" in text
    assert "Somebody Else" not in text


def test_home_filters_by_specialization(client, provider):
    ProviderFactory(name="Somebody Else", specialization="Guitar")

    text = text_of(client.get("/", {"specialization": "Guitar"}))

    assert "Somebody Else" in text
    assert "Maya Lindqvist" not in text


@pytest.mark.parametrize("query", [{"q": "x\x00"}, {"q": "a" * 500}, {"page": "-1"}, {"page": "x"}, {"q": "nobody"}])
def test_home_takes_any_query(client, provider, query):
    assert client.get("/", query).status_code == 200


@pytest.mark.parametrize("query", [{"q": "maya " + "a" * 96}, {"q": "maya " * 11}, {"specialization": "x" * 101}])
def test_home_says_what_it_cannot_search_for_and_shows_nobody(client, provider, query):
    text = text_of(client.get("/", query))

    assert re.search("at most (100|10) ", text)
    assert "Maya" not in text


def test_home_reads_each_of_ten_words(client, provider):
    assert "Maya" in text_of(client.get("/", {"q": "maya " * 10}))
    assert "Maya" not in text_of(client.get("/", {"q": "maya " * 9 + "nobody"}))


def test_home_says_when_nobody_fits(client, provider):
    assert "No matches." in text_of(client.get("/", {"q": "nobody"}))


@pytest.mark.parametrize("hidden", [{fact: False} for fact in PUBLISHED])
def test_hidden_providers_are_nowhere(client, provider, hidden):
    Provider.objects.update(**hidden)

    assert "Maya" not in text_of(client.get("/"))
    assert client.get("/p/maya/").status_code == 404
    assert client.get("/p/maya/book/").status_code == 404


def test_home_costs_the_same_for_many(client, django_assert_max_num_queries):
    for number in range(13):
        ServiceFactory(providers=[open_provider(horizon_days=2)], name=f"Service {number}")

    with django_assert_max_num_queries(6):
        client.get("/")


def test_home_lists_services_of_several(client, provider):
    several = ServiceFactory(name="Consultation", providers=[provider, open_provider(horizon_days=2)])

    assert f"/s/{several.pk}/" in links_of(client.get("/"))


def test_provider_page_shows_services(client, provider, service):
    ServiceFactory(name="Operation", duration_minutes=90, needs_approval=True, providers=[provider])
    ServiceFactory(name="Long gone", is_active=False, providers=[provider])

    answer = client.get("/p/maya/")

    text = text_of(answer)
    assert "First visit 45 minutes" in text
    assert "Operation 90 minutes Requires approval" in text
    assert "Long gone" not in text
    assert f"/p/maya/book/{service.pk}/" in " ".join(links_of(answer))


def test_provider_without_services_offers_a_slot(client, provider):
    assert "Appointment 15 minutes" in text_of(client.get("/p/maya/"))


def test_time_of_a_hold_is_nobodys_next_time(client, provider):
    hold(provider, at("2026-03-03 12:00"))

    assert "Tuesday, 3 March 2026, 12:15" in text_of(client.get("/"))
