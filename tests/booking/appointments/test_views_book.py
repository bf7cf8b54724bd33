"""`/dashboard/book/`: a provider books for a client."""

import pytest
from django.urls import reverse

from accounts.models import Client
from booking.models import Appointment, AppointmentSeries
from tests.factories import ClientFactory, ProviderFactory, ServiceFactory, appoint, at
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=30)]


BOOK = "/dashboard/book/"
WEDNESDAY = {"date": "2026-03-04", "time": "09:00"}
WEEKLY = {**WEDNESDAY, "repeat": "weekly", "count": "3"}


def sent(dashboard, do="book", **fields):
    return dashboard.post(BOOK, {"do": do, **fields})


def text_of(answer):
    return answer.content.decode()


@pytest.fixture
def lesson(provider):
    return ServiceFactory(name="Lesson", duration_minutes=60, providers=[provider])


# --- Once -------------------------------------------------------------------------------------------------------------


def test_book_makes_the_appointment_and_shows_it(dashboard, ada, lesson):
    answer = sent(dashboard, client=ada.pk, service=lesson.pk, **WEDNESDAY)

    made = Appointment.objects.get()
    assert answer.url == reverse("dashboard-appointment", args=[made.pk])
    assert (made.client, made.service, made.starts_at, made.status) == (
        ada,
        lesson,
        at("2026-03-04 09:00"),
        "scheduled",
    )


def test_book_takes_a_time_that_was_listed(dashboard, ada):
    sent(dashboard, client=ada.pk, date="2026-03-04", start="2026-03-04T10:15:00+00:00")

    assert Appointment.objects.get().starts_at == at("2026-03-04 10:15")


def test_book_takes_a_length(dashboard, ada):
    sent(dashboard, client=ada.pk, minutes="45", **WEDNESDAY)

    assert Appointment.objects.get().ends_at == at("2026-03-04 09:45")


def test_book_adds_a_new_client_to_the_address_book(dashboard, provider):
    sent(dashboard, client="", name="Grace Hopper", email="grace@example.org", **WEDNESDAY)

    made = Appointment.objects.get()
    assert (made.client.name, made.client.owner) == ("Grace Hopper", provider)


def test_book_adds_no_client_when_the_time_is_taken(dashboard, provider):
    appoint(provider, at("2026-03-04 09:00"))
    before = dump()

    answer = sent(dashboard, name="Grace Hopper", **WEDNESDAY)

    assert "Grace Hopper" in text_of(answer)
    assert dump() == before


def test_book_offers_the_nearest_times_for_one_taken(dashboard, provider, ada):
    appoint(provider, at("2026-03-04 09:00"))

    page = text_of(sent(dashboard, client=ada.pk, title="Trial", **WEDNESDAY))

    assert "This time is taken" in page
    assert 'value="2026-03-04T09:15:00+00:00"' in page
    assert 'value="Trial"' in page
    assert f'value="{ada.pk}" checked' in page


def test_book_refuses_times_out_of_hours_unless_ticked(dashboard, ada):
    evening = {"client": ada.pk, "date": "2026-03-04", "time": "20:00"}

    refused = sent(dashboard, **evening)
    assert "available at this time" in text_of(refused)

    sent(dashboard, **evening, overrides="hours")
    assert Appointment.objects.get().reservation.overrides == ["hours"]


def test_book_refuses_short_notice_unless_ticked(dashboard, ada):
    soon = {"client": ada.pk, "date": "2026-03-02", "time": "14:00"}

    refused = sent(dashboard, **soon)
    assert "too soon" in text_of(refused)

    sent(dashboard, **soon, overrides="notice")
    assert Appointment.objects.get().reservation.overrides == ["notice"]


def test_book_never_overrides_an_overlap(dashboard, provider, ada):
    appoint(provider, at("2026-03-04 09:00"))

    sent(dashboard, client=ada.pk, overrides=["hours", "notice"], **WEDNESDAY)

    assert Appointment.objects.count() == 1
    assert broken_promises() == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a client"),
        ({"client": "999999"}, "Select a valid choice"),
        ({"name": "Ada", "time": "09:07"}, "15 minutes apart"),
        ({"name": "Ada", "time": ""}, "Choose one of the available times"),
        ({"name": "Ada", "start": "soon"}, "Choose one of the times listed"),
        ({"name": "Ada", "date": "0001-01-01"}, "from 2000 to 2100"),
        ({"name": "Ada", "minutes": "0"}, "greater than or equal to 1"),
        ({"name": "Ada\x00", "title": "a\x00"}, "Null characters"),
        ({"name": "Ada", "service": "x"}, "Select a valid choice"),
        ({"name": "Ada", "repeat": "rule"}, "Enter the rule"),
        ({"name": "Ada", "repeat": "rule", "rrule": "FREQ=HOURLY"}, "not more often"),
        ({"name": "Ada", "repeat": "weekly", "count": "2", "until": "2026-04-01"}, "not both"),
        ({"name": "Ada", "repeat": "weekly", "weekdays": ["MO"]}, "produce its own start date"),
    ],
)
def test_book_says_at_the_field_what_is_wrong(dashboard, fields, said):
    answer = sent(dashboard, **{**WEDNESDAY, **fields})

    assert (answer.status_code, said in text_of(answer)) == (200, True)
    assert not Appointment.objects.exists()


def test_book_does_not_know_other_providers_clients(dashboard):
    stranger = ClientFactory(user=None, owner=ProviderFactory())

    assert "Select a valid choice" in text_of(sent(dashboard, client=stranger.pk, **WEDNESDAY))


# --- Looking for clients and times ------------------------------------------------------------------------------------


def test_find_lists_the_clients_with_these_words(dashboard, provider, ada):
    ClientFactory(owner=provider, user=None, name="Bertha Benz")

    page = text_of(sent(dashboard, "find", search="byron"))

    assert "Ada Byron" in page
    assert "Bertha Benz" not in page


def test_find_books_nothing(dashboard, ada):
    sent(dashboard, "find", client=ada.pk, **WEDNESDAY)

    assert not Appointment.objects.exists()


def test_find_lists_the_free_times_of_the_day_long_enough(dashboard, provider, lesson):
    appoint(provider, at("2026-03-04 10:00"))

    page = text_of(sent(dashboard, "find", service=lesson.pk, date="2026-03-04"))

    assert 'aria-label="Wednesday 4 March 2026, 09:00, 60 minutes"' in page
    assert 'aria-label="Wednesday 4 March 2026, 09:15, 60 minutes"' not in page


def test_page_begins_with_what_its_address_says(dashboard, ada, lesson):
    page = text_of(dashboard.get(BOOK, {"client": ada.pk, "service": lesson.pk, "date": "2026-03-05"}))

    assert f'value="{ada.pk}" checked' in page
    assert "Available on Thursday 5 March 2026" in page


def test_page_begins_with_the_first_day_that_has_times(dashboard):
    assert "Available on Tuesday 3 March 2026" in text_of(dashboard.get(BOOK))


@pytest.mark.parametrize("number", [1, 8])
def test_page_costs_the_same_however_many_clients(dashboard, provider, number, django_assert_max_num_queries):
    ClientFactory.create_batch(number, owner=provider, user=None)

    with django_assert_max_num_queries(15):
        dashboard.get(BOOK)


# --- Again and again --------------------------------------------------------------------------------------------------


def test_book_previews_a_series_and_changes_nothing(dashboard, provider):
    appoint(provider, at("2026-03-11 09:00"))
    before = dump()

    page = text_of(sent(dashboard, name="Grace Hopper", **WEEKLY))

    assert "2 can be booked, 1 cannot." in page
    assert "Nearest available time: Wednesday, 11 March 2026, 09:15." in page
    assert dump() == before


def test_book_begins_a_series_all_or_nothing(dashboard, ada):
    sent(dashboard, "all_or_nothing", client=ada.pk, **WEEKLY)

    assert AppointmentSeries.objects.get().rrule == "FREQ=WEEKLY;COUNT=3"
    assert Appointment.objects.count() == 3


def test_book_begins_a_series_without_what_is_busy(dashboard, provider, ada):
    appoint(provider, at("2026-03-11 09:00"))

    sent(dashboard, "skip_conflicts", client=ada.pk, **WEEKLY)

    assert AppointmentSeries.objects.get().appointments.count() == 2


def test_book_says_plainly_when_a_series_lost_a_time_meanwhile(dashboard, provider):
    appoint(provider, at("2026-03-11 09:00"))

    answer = sent(dashboard, "all_or_nothing", name="Grace Hopper", **WEEKLY)

    assert "2 can be booked, 1 cannot." in text_of(answer)
    assert not Client.objects.filter(name="Grace Hopper").exists()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"repeat": "daily", "interval": "2", "count": "2"}, "FREQ=DAILY;COUNT=2;INTERVAL=2"),
        ({"repeat": "weekly", "weekdays": ["WE", "FR"], "count": "2"}, "FREQ=WEEKLY;COUNT=2;BYDAY=WE,FR"),
        ({"repeat": "monthly", "until": "2026-03-20"}, "FREQ=MONTHLY;UNTIL=20260320"),
        ({"repeat": "weekday", "count": "1"}, "FREQ=MONTHLY;COUNT=1;BYDAY=1WE"),
        ({"repeat": "rule", "rrule": "rrule:freq=weekly;count=2"}, "FREQ=WEEKLY;COUNT=2"),
    ],
)
def test_book_builds_the_rule(dashboard, ada, fields, rule):
    sent(dashboard, "all_or_nothing", client=ada.pk, **WEDNESDAY, **fields)

    assert AppointmentSeries.objects.get().rrule == rule


@pytest.mark.parametrize("search", ["\0", "x" * 5000])
def test_search_of_clients_takes_any_text(dashboard, search):
    assert dashboard.get(BOOK, {"search": search}).status_code == 200
    assert sent(dashboard, "find", search=search).status_code == 200
