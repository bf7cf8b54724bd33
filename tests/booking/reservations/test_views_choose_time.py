"""`/p/<slug>/book/…`: choosing a day and a time."""

import re

import pytest
from django.test import Client as Browser

from accounts.models import Client
from booking.models import Reservation
from tests.factories import MAYA, NOON, ClientFactory, ServiceFactory, at, hold, open_provider
from tests.html import text_of, times_of
from tests.looking import broken_promises

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(**MAYA)]


TUESDAY_NOON = "2026-03-03T12:00:00Z"
ONE = "2026-03-03T13:00:00Z"
ADA = {"do": "details", "name": "Ada", "email": "ada@example.org"}


def chosen(provider, time=TUESDAY_NOON):
    return {"at": f"{provider.pk}@{time}"}


def test_calendar_begins_with_the_first_free_day(client, provider, path):
    answer = client.get(path)

    assert 'aria-label="Tuesday 3 March 2026, 18 times available" aria-current="date"' in answer.content.decode()
    assert times_of(answer)[f"{provider.pk}@{TUESDAY_NOON}"] == "Tuesday 3 March 2026, 12:00, 45 minutes"


def test_calendar_shows_how_full_each_day_is(client, path):
    labels = re.findall(r'class="day level-(\d)"[^>]*aria-label="([^"]+)"', client.get(path).content.decode())

    assert labels[:2] == [
        ("3", "Tuesday 3 March 2026, 18 times available"),
        ("4", "Wednesday 4 March 2026, 30 times available"),
    ]


def test_day_is_in_the_visitors_timezone(client, provider, path):
    answer = client.get(path, {"timezone": "Pacific/Auckland", "day": "2026-03-05"})

    labels = list(times_of(answer).values())
    assert labels[0] == "Thursday 5 March 2026, 12:00 AM, 45 minutes"
    assert labels[-1] == "Thursday 5 March 2026, 11:45 PM, 45 minutes"
    assert "Times in Auckland" in text_of(answer)
    assert "Smaller times are in UTC, the provider's time zone." in text_of(answer)


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

    assert "The available times have changed." in text_of(changed)
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
    first = client.post(path, chosen(provider)).headers["Location"]
    client.post(first, ADA)

    answer = client.post(path, chosen(provider, ONE))

    assert answer.status_code == 409
    assert "reached the limit for held times" in text_of(answer)
    assert first in answer.content.decode()


def test_taking_more_than_a_network_may_hold_is_refused(provider, path, settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 1
    Browser().post(path, chosen(provider))

    answer = Browser().post(path, chosen(provider, ONE))

    assert answer.status_code == 409
    assert "Too many times are being held from your network" in text_of(answer)
    assert Browser(REMOTE_ADDR="192.0.2.7").post(path, chosen(provider, ONE)).status_code == 302


def test_network_of_ipv6_is_a_whole_site(provider, path, settings):
    settings.MAX_LIVE_HOLDS_PER_NETWORK = 1
    Browser(REMOTE_ADDR="2001:db8:1:1::1").post(path, chosen(provider))

    assert Browser(REMOTE_ADDR="2001:db8:1:2::1").post(path, chosen(provider, ONE)).status_code == 409
    assert Browser(REMOTE_ADDR="2001:db8:2:1::1").post(path, chosen(provider, ONE)).status_code == 302


# --- Taking another time ----------------------------------------------------------------------------------------------


def test_taking_another_moves_the_hold(client, provider, path):
    client.post(path, chosen(provider))

    client.post(path, chosen(provider, ONE))

    assert Reservation.objects.held(now=NOON).get().starts_at == at("2026-03-03 13:00")


def test_five_visits_that_each_tap_a_time_and_go_back_take_five_times(provider, path):
    for number in range(5):
        browser = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        for time in list(times_of(browser.get(path)))[: number + 1]:
            browser.post(path, {"at": time})

    assert Reservation.objects.held(now=NOON).count() == 5


def test_taking_the_same_again_leads_back_to_the_details(client, provider, path):
    first = client.post(path, chosen(provider)).headers["Location"]

    assert client.post(path, chosen(provider)).headers["Location"] == first


def test_two_taps_before_anything_was_held_are_by_one_visitor(provider, path):
    browser = Browser()
    browser.get(path)
    cookies = dict(browser.cookies)
    for time in (TUESDAY_NOON, ONE):
        browser.cookies.clear()
        browser.cookies.update(cookies)
        browser.post(path, chosen(provider, time))

    assert Reservation.objects.held(now=NOON).count() == 1


def test_own_hold_is_shown_as_ones_own(client, provider, path):
    details = client.post(path, chosen(provider)).headers["Location"]

    answer = client.get(path)

    assert times_of(answer)[f"{provider.pk}@{TUESDAY_NOON}"].endswith(", 45 minutes, held for you")
    assert f"We are holding Tuesday, 3 March 2026, 12:00 with {provider.name} for you until 12:10." in text_of(answer)
    assert details in answer.content.decode()


def test_own_hold_is_nobody_elses(client, provider, path):
    client.post(path, chosen(provider))

    answer = Browser().get(path)

    assert f"{provider.pk}@{TUESDAY_NOON}" not in times_of(answer)
    assert "We are holding" not in text_of(answer)


def test_times_that_overlap_ones_own_hold_can_be_chosen(client, provider, path):
    client.post(path, chosen(provider))

    assert f"{provider.pk}@2026-03-03T12:15:00Z" in times_of(client.get(path))
    assert f"{provider.pk}@2026-03-03T12:15:00Z" not in times_of(Browser().get(path))


def test_month_counts_ones_own_hold_as_free(client, provider, path):
    before = re.findall(r'aria-label="(Tuesday 3 March 2026, \d+ times available)"', client.get(path).content.decode())
    client.post(path, chosen(provider))

    assert before[0] in client.get(path).content.decode()


def test_hold_that_was_decided_on_is_shown_too(client, provider, path):
    client.post(client.post(path, chosen(provider)).headers["Location"], ADA)

    answer = client.get(path)

    assert times_of(answer)[f"{provider.pk}@{TUESDAY_NOON}"].endswith("held for you")
    assert f"{provider.pk}@2026-03-03T12:15:00Z" not in times_of(answer)


def test_losing_a_race_keeps_what_was_held(client, provider, path):
    details = client.post(path, chosen(provider)).headers["Location"]
    hold(provider, at("2026-03-03 13:00"))

    answer = client.post(path, chosen(provider, ONE))

    assert answer.status_code == 409
    assert "Times we're holding for you" in text_of(answer)
    assert details in answer.content.decode()


def test_home_shows_ones_own_hold_as_the_next_time(client, provider, path):
    first = next(iter(times_of(client.get(path))))
    client.post(path, {"at": first})

    assert "Your hold Tuesday, 3 March 2026, 12:00" in text_of(client.get("/"))
    assert "Your hold" not in text_of(Browser().get("/"))


def test_calendar_with_a_hold_costs_a_constant_number_of_queries(client, provider, path, django_assert_max_num_queries):
    client.post(path, chosen(provider))

    with django_assert_max_num_queries(7):
        client.get(path)


def test_second_pick_of_a_client_moves_their_hold(client, provider, path):
    client.force_login(ClientFactory().user)
    client.post(path, chosen(provider))

    client.post(path, chosen(provider, ONE))

    assert Reservation.objects.held(now=NOON).get().starts_at == at("2026-03-03 13:00")
    assert "held for you" in client.get(path).content.decode()


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
