"""`/api/slots` and `/api/providers/{id}/availability`: bookable times."""

from datetime import date, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import PUBLISHED
from booking.models import Slot
from tests.booking.answers import ids, refusal, rfc3339, starts
from tests.conftest import logged_in
from tests.factories import (
    ALWAYS,
    NOON,
    AvailabilityWindowFactory,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


def slots(api, path="/api/slots", **query):
    return api.get(path, query)


def day_of(provider, day="2026-03-04", **query):
    """Return the query for one day of a provider, in UTC."""
    return {"provider": provider.pk, "start": f"{day}T00:00:00Z", "end": f"{day}T23:59:59Z", "page_size": 200, **query}


# --- What is listed ---------------------------------------------------------------------------------------------------


def test_list_answers_whole_rows(api, provider):
    first = Slot.objects.get(provider=provider, starts_at=at("2026-03-04 09:00"))

    answer = slots(api, provider=provider.pk, start="2026-03-04T09:00:00Z", end="2026-03-04T09:15:00Z")

    assert answer.json() == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [
            {
                "id": first.pk,
                "provider": provider.pk,
                "start_time": "2026-03-04T09:00:00Z",
                "end_time": "2026-03-04T09:15:00Z",
            }
        ],
    }


def test_list_shows_every_cell_of_a_free_day(api, provider):
    expected = [rfc3339(at("2026-03-04 09:00") + number * minutes(15)) for number in range(32)]

    assert starts(slots(api, **day_of(provider))) == expected


def test_list_begins_when_the_notice_is_over(api, provider):
    answer = slots(api, provider=provider.pk)

    assert starts(answer)[0] == "2026-03-03T12:00:00Z"


def test_list_leaves_out_a_time_a_moment_inside_the_notice(api, provider):
    with time_machine.travel(NOON + timedelta(microseconds=1), tick=False):
        answer = slots(api, provider=provider.pk)

    assert starts(answer)[0] == "2026-03-03T12:15:00Z"


@pytest.mark.parametrize(
    ("later", "last"),
    [(timedelta(0), "2026-05-31T11:45:00Z"), (timedelta(microseconds=1), "2026-05-31T12:00:00Z")],
    ids=["at the edge", "a moment later"],
)
def test_list_ends_before_the_horizon(api, later, last):
    provider = open_provider(hours=ALWAYS)

    with time_machine.travel(NOON + later, tick=False):
        answer = slots(
            api, provider=provider.pk, start="2026-05-31T00:00:00Z", end="2026-06-02T00:00:00Z", page_size=200
        )

    assert starts(answer)[-1] == last


def test_list_without_an_end_covers_seven_days(api):
    provider = open_provider(hours=ALWAYS, slot_minutes=60)

    answer = slots(api, provider=provider.pk, start="2026-03-04T12:00:00Z", page_size=200)

    assert (starts(answer)[0], starts(answer)[-1], answer.json()["count"]) == (
        "2026-03-04T12:00:00Z",
        "2026-03-11T11:00:00Z",
        168,
    )


def test_list_takes_the_start_and_leaves_the_end_out(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-04T09:15:00Z", end="2026-03-04T09:45:00Z")

    assert starts(answer) == ["2026-03-04T09:15:00Z", "2026-03-04T09:30:00Z"]


def test_list_begins_with_the_next_cell_when_the_start_is_off_the_grid(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-04T09:00:01Z", end="2026-03-04T09:30:00Z")

    assert starts(answer) == ["2026-03-04T09:15:00Z"]


def test_list_shows_only_times_long_enough_for_the_service_and_its_buffers(api, provider):
    service = ServiceFactory(
        duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=20, providers=[provider]
    )
    appoint(provider, at("2026-03-04 11:00"))

    answer = slots(api, **day_of(provider, service=service.pk))

    # One cell before the start and six from it on, none of them the one at 11:00.
    assert starts(answer) == [
        "2026-03-04T09:15:00Z",
        "2026-03-04T09:30:00Z",
        *(rfc3339(at("2026-03-04 11:30") + number * minutes(15)) for number in range(17)),
    ]


def test_list_ends_a_time_when_the_service_does_and_not_its_buffer(api, provider):
    service = ServiceFactory(duration_minutes=50, buffer_after_minutes=10, providers=[provider])

    answer = slots(api, **day_of(provider, service=service.pk))

    assert answer.json()["results"][0]["end_time"] == "2026-03-04T09:50:00Z"


def test_list_by_service_shows_everybody_who_offers_it(api, provider):
    other, stranger = open_provider(), open_provider()
    service = ServiceFactory(duration_minutes=15, providers=[provider, other])

    answer = slots(api, service=service.pk, start="2026-03-04T09:00:00Z", end="2026-03-04T09:15:00Z")

    assert [row["provider"] for row in answer.json()["results"]] == sorted([provider.pk, other.pk])
    assert stranger.pk not in {row["provider"] for row in answer.json()["results"]}


def test_list_by_service_leaves_unpublished_providers_out(api, provider):
    hidden = open_provider()
    service = ServiceFactory(providers=[provider, hidden])
    hidden.is_approved = False
    hidden.save()

    answer = slots(api, service=service.pk, page_size=200)

    assert {row["provider"] for row in answer.json()["results"]} == {provider.pk}


def test_list_by_a_service_nobody_offers_is_empty(api, db):
    service = ServiceFactory()

    assert slots(api, service=service.pk).json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_list_leaves_held_time_out(api, provider):
    hold(provider, at("2026-03-04 09:00"))

    assert starts(slots(api, **day_of(provider)))[0] == "2026-03-04T09:15:00Z"


def test_list_leaves_booked_time_out(api, provider):
    appoint(provider, at("2026-03-04 09:00"))

    assert starts(slots(api, **day_of(provider)))[0] == "2026-03-04T09:15:00Z"


@pytest.mark.parametrize(
    ("later", "first"),
    [
        (minutes(30) - timedelta(microseconds=1), "2026-03-04T09:15:00Z"),
        (minutes(30), "2026-03-04T09:00:00Z"),
    ],
    ids=["the moment before", "at its end"],
)
def test_list_shows_the_time_of_a_dead_hold_without_a_sweeper(api, provider, later, first):
    hold(provider, at("2026-03-04 09:00"))

    with time_machine.travel(NOON + later, tick=False):
        answer = slots(api, **day_of(provider))

    assert starts(answer)[0] == first


def test_list_shows_a_run_that_a_dead_hold_stands_in(api, provider):
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    hold(provider, at("2026-03-04 09:15"))

    with time_machine.travel(NOON + minutes(30), tick=False):
        answer = slots(api, **day_of(provider, service=service.pk))

    assert starts(answer)[0] == "2026-03-04T09:00:00Z"


def test_list_never_tells_who_booked(api, provider):
    booked_by = ClientFactory(name="Secret Name", email="secret@example.org")
    hold(provider, at("2026-03-04 09:00"), client=booked_by)
    appoint(provider, at("2026-03-04 10:00"), client=booked_by)

    answer = slots(api, **day_of(provider))

    assert {frozenset(row) for row in answer.json()["results"]} == {
        frozenset({"id", "provider", "start_time", "end_time"})
    }
    assert b"ecret" not in answer.content


# --- Zones ------------------------------------------------------------------------------------------------------------


def test_list_reads_a_plus_that_the_query_string_turned_into_a_space(api, provider):
    answer = api.get(f"/api/slots?provider={provider.pk}&start=2026-03-04T10:00:00+01:00&end=2026-03-04T10:30:00+01:00")

    assert starts(answer) == ["2026-03-04T09:00:00Z", "2026-03-04T09:15:00Z"]


def test_list_reads_times_without_offset_in_the_timezone_sent(api, provider):
    answer = slots(
        api,
        provider=provider.pk,
        start="2026-03-04T10:00:00",
        end="2026-03-04T10:30:00",
        timezone="Europe/Berlin",
    )

    assert starts(answer) == ["2026-03-04T10:00:00+01:00", "2026-03-04T10:15:00+01:00"]


def test_list_refuses_a_time_without_offset_and_timezone(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-04T10:00:00")

    assert refusal(answer) == (400, "timezone_required", "start")


def test_list_refuses_an_unknown_timezone(api, provider):
    assert refusal(slots(api, provider=provider.pk, timezone="Mars/Olympus")) == (400, "unknown_timezone", "timezone")


def test_list_writes_the_offset_of_each_side_of_a_clock_change(api):
    provider = open_provider(timezone="Europe/Berlin")

    answer = slots(
        api,
        provider=provider.pk,
        start="2026-03-27T09:00:00+01:00",
        end="2026-03-30T09:30:00+02:00",
        timezone="Europe/Berlin",
        page_size=200,
    )

    assert (starts(answer)[0], starts(answer)[-1]) == ("2026-03-27T09:00:00+01:00", "2026-03-30T09:15:00+02:00")


def test_list_skips_the_hour_that_does_not_exist(api):
    provider = open_provider(timezone="Europe/Berlin", hours=[(6, time(1), time(4))], slot_minutes=30)

    answer = slots(
        api,
        provider=provider.pk,
        start="2026-03-29T00:00:00Z",
        end="2026-03-29T12:00:00Z",
        timezone="Europe/Berlin",
    )

    assert starts(answer) == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
    ]


def test_list_ends_a_time_with_the_offset_after_the_change(api):
    provider = open_provider(timezone="Europe/Berlin", hours=[(6, time(1), time(4))], slot_minutes=60)

    answer = slots(
        api,
        provider=provider.pk,
        start="2026-03-29T00:00:00Z",
        end="2026-03-29T00:30:00Z",
        timezone="Europe/Berlin",
    )

    assert [(row["start_time"], row["end_time"]) for row in answer.json()["results"]] == [
        ("2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00")
    ]


def test_list_writes_offsets_that_are_no_whole_hours(api):
    provider = open_provider(timezone="Asia/Kathmandu")

    answer = slots(api, provider=provider.pk, start="2026-03-04T00:00:00Z", timezone="Asia/Kathmandu", page_size=1)

    assert starts(answer) == ["2026-03-04T09:00:00+05:45"]


def test_list_writes_negative_offsets_that_are_no_whole_hours(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-09T12:00:00Z", timezone="America/St_Johns", page_size=1)

    assert starts(answer) == ["2026-03-09T09:30:00-02:30"]


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_list_links_its_pages(api, provider):
    query = f"end=2026-03-04T10%3A00%3A00Z&page_size=2&provider={provider.pk}&start=2026-03-04T09%3A00%3A00Z"

    first = api.get(f"/api/slots?{query}").json()
    second = api.get(first["next"]).json()

    assert (first["count"], first["previous"]) == (4, None)
    assert first["next"] == f"http://testserver/api/v1/slots?{query.replace('&page_size', '&page=2&page_size')}"
    assert [row["start_time"] for row in second["results"]] == ["2026-03-04T09:30:00Z", "2026-03-04T09:45:00Z"]
    assert second["next"] is None
    assert api.get(second["previous"]).json()["results"] == first["results"]


def test_list_keeps_an_unescaped_offset_in_its_links(api, provider):
    query = f"provider={provider.pk}&start=2026-03-04T10:00:00+01:00&page_size=1"

    following = api.get(api.get(f"/api/slots?{query}").json()["next"])

    assert starts(following) == ["2026-03-04T09:15:00Z"]


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("200", 200), ("", 50)])
def test_list_has_pages_of_the_size_asked_for(api, asked, given):
    provider = open_provider(hours=ALWAYS)

    assert len(starts(slots(api, provider=provider.pk, page_size=asked))) == given


@pytest.mark.parametrize("size", ["0", "-1", "many", "1_0", "٣", "1.0", "9" * 5000])
def test_list_refuses_a_page_size_that_is_no_number(api, provider, size):
    assert refusal(slots(api, provider=provider.pk, page_size=size)) == (400, "invalid", "page_size")


@pytest.mark.parametrize("path", ["/api/slots", "/api/providers", "/api/services"])
def test_list_refuses_a_page_that_is_too_long_and_says_how_long_it_may_be(api, provider, path):
    query = {"provider": provider.pk} if path == "/api/slots" else {}

    answer = api.get(path, {**query, "page_size": "201"})

    assert refusal(answer) == (400, "max_value", "page_size")
    assert "200" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1.0", "1000000", "٣", "9" * 5000])
def test_list_refuses_a_page_that_is_no_number(api, provider, page):
    assert refusal(slots(api, provider=provider.pk, page=page)) == (404, "not_found", "page")


def test_list_has_no_page_after_the_last(api, provider):
    count = slots(api, **day_of(provider)).json()["count"]

    assert refusal(slots(api, **day_of(provider, page_size=count, page=2))) == (404, "not_found", "page")


# --- Limits and refusals ----------------------------------------------------------------------------------------------


def test_list_allows_ninety_two_days_of_one_provider(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-02T00:00:00Z", end="2026-06-02T00:00:00Z")

    assert answer.status_code == 200


def test_list_refuses_more_than_ninety_two_days_of_one_provider(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-02T00:00:00Z", end="2026-06-02T00:00:01Z")

    assert refusal(answer) == (400, "bad_hours", "end")


def test_list_refuses_more_than_seven_days_of_several_providers(api, provider):
    service = ServiceFactory(providers=[provider, open_provider()])
    week = {"service": service.pk, "start": "2026-03-02T00:00:00Z"}

    assert slots(api, **week, end="2026-03-09T00:00:00Z").status_code == 200
    assert refusal(slots(api, **week, end="2026-03-09T00:00:01Z")) == (400, "bad_hours", "end")


def test_list_refuses_an_end_at_the_start(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-04T09:00:00Z", end="2026-03-04T09:00:00Z")

    assert refusal(answer) == (400, "bad_hours", "end")


def test_list_wants_a_provider_or_a_service(api, db):
    assert refusal(slots(api)) == (400, "required", "provider")


@pytest.mark.parametrize("missing", PUBLISHED)
def test_list_does_not_know_an_unpublished_provider(api, provider, missing):
    setattr(provider, missing, False)
    provider.save()

    assert refusal(slots(api, provider=provider.pk)) == (404, "not_found", "provider")


def test_list_does_not_know_a_provider_without_the_service(api, provider):
    service = ServiceFactory()

    assert refusal(slots(api, provider=provider.pk, service=service.pk)) == (404, "not_found", "service")


def test_list_does_not_know_an_inactive_service(api, provider):
    service = ServiceFactory(providers=[provider], is_active=False)

    assert refusal(slots(api, service=service.pk)) == (404, "not_found", "service")


@pytest.mark.parametrize("number", [1, 40])
def test_list_asks_three_queries_at_most(api, provider, number):
    service = ServiceFactory(duration_minutes=15, providers=[provider])
    for _ in range(1, number):
        service.providers.add(open_provider(horizon_days=3))
    for hour in range(9, 9 + min(number, 5)):
        appoint(provider, at(f"2026-03-04 {hour:02}:00"))

    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = slots(api, service=service.pk, page_size=200)

    assert len(answer.json()["results"]) > number
    assert len(captured) <= 3


def test_list_asks_three_queries_at_most_for_a_provider_and_service(api, provider):
    service = ServiceFactory(providers=[provider])

    with CaptureQueriesContext(connection) as captured:
        slots(api, provider=provider.pk, service=service.pk)

    assert len(captured) <= 3


# --- The next one -----------------------------------------------------------------------------------------------------


def test_next_answers_the_first_free_time(api, provider):
    first = Slot.objects.get(provider=provider, starts_at=at("2026-03-03 12:00"))

    assert slots(api, "/api/slots/next", provider=provider.pk).json() == {
        "id": first.pk,
        "provider": provider.pk,
        "start_time": "2026-03-03T12:00:00Z",
        "end_time": "2026-03-03T12:15:00Z",
    }


def test_next_is_the_first_row_of_the_list(api, provider):
    service = ServiceFactory(duration_minutes=45, buffer_before_minutes=20, providers=[provider])
    query = {"provider": provider.pk, "service": service.pk, "timezone": "America/New_York"}

    assert slots(api, "/api/slots/next", **query).json() == slots(api, **query).json()["results"][0]


def test_next_looks_weeks_ahead(api):
    provider = open_provider(hours=[])
    AvailabilityWindowFactory(
        schedule=provider.schedule, starts_at=at("2026-05-20 10:00"), ends_at=at("2026-05-20 10:15")
    )
    Slot.objects.create(provider=provider, starts_at=at("2026-05-20 10:00"), ends_at=at("2026-05-20 10:15"))

    assert slots(api, "/api/slots/next", provider=provider.pk).json()["start_time"] == "2026-05-20T10:00:00Z"


def test_next_has_nothing_to_say_when_nothing_is_free(api):
    provider = open_provider(hours=[])

    answer = slots(api, "/api/slots/next", provider=provider.pk)

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("start", [{"start": "2026-03-05T00:00:00Z"}, {"start": "2026-03-04T00:00:00Z"}])
def test_next_refuses_a_search_that_ends_before_it_starts(api, provider, start):
    answer = slots(api, "/api/slots/next", provider=provider.pk, **start, end="2026-03-04T00:00:00Z")

    assert refusal(answer) == (400, "bad_hours", "end")


def test_next_looks_no_further_than_anybody_can_book(api, provider):
    answer = slots(api, "/api/slots/next", provider=provider.pk, start="2028-03-05T00:00:00Z")

    assert answer.status_code == 204


# --- The same under /api/providers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        {"start": "2026-03-04T09:00:00Z", "end": "2026-03-06T17:00:00Z", "page_size": "7", "page": "3"},
        {"start": "2026-03-04T09:00:00+01:00", "timezone": "Asia/Kathmandu"},
        {},
    ],
    ids=["a page", "a zone", "all left out"],
)
def test_availability_lists_the_same_rows_as_slots(api, provider, query):
    of_slots = slots(api, provider=provider.pk, **query).json()

    answer = slots(api, f"/api/providers/{provider.pk}/availability", **query).json()

    assert (answer["count"], answer["results"]) == (of_slots["count"], of_slots["results"])


def test_availability_of_a_date_is_the_day_of_the_providers_zone(api):
    provider = open_provider(timezone="America/Los_Angeles", hours=[(2, time(0), time(0))], slot_minutes=60)

    answer = slots(api, f"/api/providers/{provider.pk}/availability", date="2026-03-04")

    assert (starts(answer)[0], starts(answer)[-1], len(starts(answer))) == (
        "2026-03-04T08:00:00Z",
        "2026-03-05T07:00:00Z",
        24,
    )


def test_availability_of_a_date_is_the_day_of_the_timezone_sent(api):
    provider = open_provider(hours=ALWAYS, slot_minutes=60)

    answer = slots(api, f"/api/providers/{provider.pk}/availability", date="2026-03-04", timezone="America/Los_Angeles")

    assert (starts(answer)[0], starts(answer)[-1]) == ("2026-03-04T00:00:00-08:00", "2026-03-04T23:00:00-08:00")


def test_availability_of_a_date_with_a_clock_change_has_its_real_hours(api):
    provider = open_provider(timezone="Europe/Berlin", hours=ALWAYS, slot_minutes=60)

    answer = slots(api, f"/api/providers/{provider.pk}/availability", date="2026-03-29")

    assert len(starts(answer)) == 23


@pytest.mark.parametrize("day", ["1999-12-31", "2101-01-01", "0001-01-01", "9999-12-31"])
def test_availability_refuses_a_date_out_of_range(api, provider, day):
    answer = slots(api, f"/api/providers/{provider.pk}/availability", date=day)

    assert refusal(answer) == (400, "out_of_range", "date")


def test_availability_does_not_know_an_unpublished_provider(api, provider):
    provider.is_approved = False
    provider.save()

    assert refusal(slots(api, f"/api/providers/{provider.pk}/availability")) == (404, "not_found", None)


def test_availability_shows_an_unpublished_provider_to_themself(provider):
    provider.is_approved = False
    provider.save()

    answer = slots(logged_in(provider.user), f"/api/providers/{provider.pk}/availability")

    assert starts(answer)[0] == "2026-03-03T12:00:00Z"


def test_availability_refuses_a_service_the_provider_does_not_offer(api, provider):
    service = ServiceFactory(providers=[open_provider()])

    answer = slots(api, f"/api/providers/{provider.pk}/availability", service=service.pk)

    assert answer.status_code == 404


def test_availability_does_not_know_a_provider_without_a_calendar(api, db):
    assert refusal(slots(api, f"/api/providers/{ProviderFactory().pk}/availability"))[0] == 404


def test_list_does_not_write(api, provider):
    before = list(Slot.objects.values_list())
    hold(provider, at("2026-03-04 09:00"), now=NOON - minutes(60))
    claimed = list(Slot.objects.values_list())

    slots(api, **day_of(provider))

    assert claimed != before
    assert list(Slot.objects.values_list()) == claimed


def test_ids_of_the_list_can_be_reserved(api, provider, booker_api):
    listed = ids(slots(api, provider=provider.pk))[0]

    assert booker_api.post(f"/api/slots/{listed}/reserve").status_code == 201


def test_availability_by_date_wins_over_a_start(api, provider):
    answer = slots(
        api, f"/api/providers/{provider.pk}/availability", date=date(2026, 3, 4), start="2026-03-05T00:00:00Z"
    )

    assert starts(answer)[0] == "2026-03-04T09:00:00Z"


# --- Dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Asia/Tokyo", "2026-03-05T02:00:00+09:00"),
        ("UTC", "2026-03-05T00:00:00Z"),
        (None, "2026-03-05T17:00:00Z"),
    ],
)
def test_date_begins_in_the_zone_asked_for_or_else_the_providers(api, zone, first):
    west = open_provider(timezone="America/Los_Angeles", horizon_days=7)

    found = slots(api, provider=west.pk, start="2026-03-05", **({"timezone": zone} if zone else {}))

    assert starts(found)[0] == first


def test_date_as_the_end_is_not_in_it(api, provider):
    found = slots(api, provider=provider.pk, start="2026-03-04", end="2026-03-05", page_size=200)

    assert {start[:10] for start in starts(found)} == {"2026-03-04"}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_date_alone_is_that_day_in_the_zone_asked_for(api, provider, zone):
    found = slots(api, provider=provider.pk, start="2026-03-04", timezone=zone, page_size=200)

    assert {start[:10] for start in starts(found)} == {"2026-03-04"}


def test_date_without_a_provider_begins_in_utc(api, provider):
    service = ServiceFactory(owner=provider, providers=[provider])

    found = slots(api, service=service.pk, start="2026-03-05", end="2026-03-06", page_size=200)

    assert starts(found)[0] == "2026-03-05T09:00:00Z"


def test_availability_of_one_provider_reads_dates_too(api, provider):
    query = {"start": "2026-03-04", "end": "2026-03-05", "page_size": 200}

    found = slots(api, path=f"/api/providers/{provider.pk}/availability", **query)

    assert found.json()["results"] == slots(api, provider=provider.pk, **query).json()["results"]


def test_next_time_is_looked_for_from_a_date(api, provider):
    assert slots(api, "/api/slots/next", provider=provider.pk, start="2026-03-05").json()["start_time"] == (
        "2026-03-05T09:00:00Z"
    )


@pytest.mark.parametrize("day", ["2026-02-30", "20260304", "1999-12-31", "2026-W10-3"])
def test_what_is_no_date_is_refused(api, provider, day):
    assert slots(api, provider=provider.pk, start=day).status_code == 400


def test_same_date_as_start_and_end_is_refused(api, provider):
    answer = slots(api, provider=provider.pk, start="2026-03-04", end="2026-03-04")

    assert refusal(answer) == (400, "bad_hours", "end")
