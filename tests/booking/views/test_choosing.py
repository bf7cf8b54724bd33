"""`/p/<slug>/book/…`: choosing a day and a time."""

import re

import pytest

from accounts.models import Client
from booking.models import Reservation
from tests.factories import ClientFactory, ServiceFactory, at, hold, open_provider
from tests.html import text_of, times_of
from tests.looking import broken_promises

TUESDAY_NOON = "2026-03-03T12:00:00Z"


def chosen(provider, time=TUESDAY_NOON):
    return {"at": f"{provider.pk}@{time}"}


def test_calendar_begins_with_the_first_free_day(client, provider, path):
    answer = client.get(path)

    assert 'aria-label="Tuesday 3 March 2026, 18 times free" aria-current="date"' in answer.content.decode()
    assert times_of(answer)[f"{provider.pk}@{TUESDAY_NOON}"] == "Tuesday 3 March 2026, 12:00, 45 minutes"


def test_calendar_shows_how_full_each_day_is(client, path):
    labels = re.findall(r'class="day level-(\d)"[^>]*aria-label="([^"]+)"', client.get(path).content.decode())

    assert labels[:2] == [
        ("3", "Tuesday 3 March 2026, 18 times free"),
        ("4", "Wednesday 4 March 2026, 30 times free"),
    ]


def test_day_is_in_the_visitors_timezone(client, provider, path):
    answer = client.get(path, {"timezone": "Pacific/Auckland", "day": "2026-03-05"})

    labels = list(times_of(answer).values())
    assert labels[0] == "Thursday 5 March 2026, 00:00, 45 minutes"
    assert labels[-1] == "Thursday 5 March 2026, 23:45, 45 minutes"
    assert "Times in Pacific/Auckland" in text_of(answer)
    assert "Small: the time in UTC" in text_of(answer)


def test_times_are_grouped_by_the_part_of_the_day(client, path):
    headings = re.findall(r"<h3>(\w+)</h3>", client.get(path, {"day": "2026-03-04"}).content.decode())

    assert headings == ["Morning", "Afternoon"]


@pytest.mark.parametrize(
    "query",
    [
        {"day": "x"},
        {"day": "2026-02-30"},
        {"day": "9999-12-31"},
        {"month": "0000-13"},
        {"month": "2030-01"},
        {"day": ""},
    ],
)
def test_calendar_takes_any_query(client, path, query):
    assert client.get(path, query).status_code == 200


def test_news_come_only_when_something_changed(client, provider, path):
    page = client.get(path).content.decode()
    known = re.search(r"known=(\w+)", page)[1]

    assert client.get(path, {"day": "2026-03-03", "known": known}).status_code == 204
    hold(provider, at("2026-03-03 12:00"))
    changed = client.get(path, {"day": "2026-03-03", "known": known})

    assert "The free times have changed." in text_of(changed)
    assert f"{provider.pk}@{TUESDAY_NOON}" not in times_of(changed)


def test_calendar_costs_a_constant_number_of_queries(client, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        client.get(path)


def test_calendar_of_anybody_says_whose_time_it_is(client, provider, service, django_assert_max_num_queries):
    other = open_provider(horizon_days=7)
    service.providers.add(other)

    with django_assert_max_num_queries(6):
        answer = client.get(f"/s/{service.pk}/")

    assert times_of(answer)[f"{other.pk}@{TUESDAY_NOON}"] == (f"Tuesday 3 March 2026, 12:00, 45 minutes, {other.name}")


def test_service_of_another_provider_is_not_found(client, provider):
    other = ServiceFactory(providers=[open_provider(horizon_days=2)])

    assert client.get(f"/p/maya/book/{other.pk}/").status_code == 404


# --- Taking a time ----------------------------------------------------------------------------------------------------


def test_taking_holds_the_time_before_anything_is_known(client, provider, path):
    answer = client.post(f"{path}?timezone=Europe/Berlin", chosen(provider))

    held = Reservation.objects.get()
    assert answer.headers["Location"].startswith("/h/")
    assert (held.status, held.starts_at, held.client.name) == ("held", at("2026-03-03 12:00"), "")
    assert held.client.timezone == "Europe/Berlin"
    assert broken_promises() == {}


def test_taking_twice_is_by_the_same_visitor(client, provider, path):
    client.post(path, chosen(provider))
    client.post(path, chosen(provider, "2026-03-03T13:00:00Z"))

    assert Client.objects.filter(name="").count() == 1


def test_taking_more_than_one_may_hold_lists_what_is_held(client, provider, path, settings):
    settings.MAX_LIVE_HOLDS = 1
    first = client.post(path, chosen(provider))

    answer = client.post(path, chosen(provider, "2026-03-03T13:00:00Z"))

    assert answer.status_code == 409
    assert "You already hold as many times" in text_of(answer)
    assert first.headers["Location"] in answer.content.decode()


def test_taking_as_a_client_holds_for_them(client, provider, path):
    booker = ClientFactory()
    client.force_login(booker.user)

    client.post(path, chosen(provider))

    assert Reservation.objects.get().client == booker


def test_losing_a_race_offers_the_nearest_times(client, provider, path):
    hold(provider, at("2026-03-03 12:00"))

    answer = client.post(path, chosen(provider))

    assert answer.status_code == 409
    assert "This time has just been taken" in text_of(answer)
    assert "Tuesday 3 March 2026, 12:15, 45 minutes" in times_of(answer).values()
    assert not Client.objects.filter(name="").exists()


def test_alternative_can_be_taken_from_the_page_that_offers_it(client, provider, path):
    hold(provider, at("2026-03-03 12:00"))
    offered = next(iter(times_of(client.post(path, chosen(provider)))))

    assert client.post(path, {"at": offered}).headers["Location"].startswith("/h/")


@pytest.mark.parametrize(
    "sent", ["", "x", "1@x", "9@2026-03-03T12:00:00Z", "-1@2026-03-03T12:00:00Z", "1@0001-01-01T00:00:00+23:00"]
)
def test_anything_else_is_led_back_to_the_calendar(client, provider, path, sent):
    assert client.post(path, {"at": sent}).headers["Location"] == path
    assert not Reservation.objects.exists()


def test_taking_is_limited_by_address(client, provider, path, throttle):
    throttle["hold"] = "1/hour"
    client.post(path, chosen(provider))

    refused = client.post(path, chosen(provider, "2026-03-03T13:00:00Z"))

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert Reservation.objects.count() == 1


def test_posts_to_pages_are_limited_as_writes_are(client, path, throttle):
    throttle["write"] = "1/min"
    client.post(path, {"at": ""})

    assert client.post(path, {"at": ""}).status_code == 429


@pytest.mark.parametrize("time", ["9999-12-31T23:30:00Z", "0001-01-01T00:00:00+14:00", "2101-01-01T00:00:00Z"])
def test_times_beyond_all_years_are_no_choice(client, provider, path, time):
    assert client.post(path, chosen(provider, time)).status_code < 500
    assert not Reservation.objects.exists()
