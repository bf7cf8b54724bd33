"""The admin's day: each calendar in its own timezone, free times to click on, and the reasons for the others."""

from datetime import date, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from booking.appointments.admin.day import COLUMNS, grid
from booking.availability.hours import open_hours
from booking.availability.operations import take_time_off
from booking.models import Schedule
from booking.reservations.day import breaks, days_of, reservations_of_day
from booking.reservations.enums import Override
from scheduler_project.common.time.zones import day_interval
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

WEDNESDAY = date(2026, 3, 4)


@pytest.fixture
def berlin(db):
    return open_provider(timezone="Europe/Berlin", provider__name="Greta")


def url(**query):
    return reverse("admin:booking_appointment_day", query=query)


def shown(provider, day=WEDNESDAY, now=NOON):
    """Return the column of one provider as triples of start, kind of cell and number of rows."""
    schedule = Schedule.objects.get(provider=provider)
    rows = grid(days_of([schedule], day, now), now)["rows"]
    return [
        (f"{hour:02}:{minute:02}{'*' if fold else ''}", cell.kind, cell.rows)
        for (hour, fold, minute), [cell] in rows
        if cell
    ]


# --- What a day says --------------------------------------------------------------------------------------------------


def test_days_of_says_what_the_single_questions_say():
    berlin, tokyo = open_provider(timezone="Europe/Berlin"), open_provider(timezone="Asia/Tokyo", hours=ALWAYS)
    service = ServiceFactory(providers=[berlin], buffer_after_minutes=20)
    appoint(berlin, at("2026-03-04 09:00"), service_id=service.pk)
    hold(berlin, at("2026-03-04 11:00"))
    days = {"start_date": WEDNESDAY, "end_date": WEDNESDAY, "reason": "Fair"}
    take_time_off(provider_id=tokyo.pk, fields=days, actor=SYSTEM, now=NOON)
    schedules = list(Schedule.objects.select_related("provider"))

    for day in days_of(schedules, WEDNESDAY, NOON):
        start, until = day_interval(WEDNESDAY, day.schedule.zone)
        assert day.hours == open_hours(day.schedule, start, until)
        assert day.free == breaks(day.schedule, start, until, NOON)
        assert day.taken == list(reservations_of_day(day.schedule, start, until, NOON))


def test_days_of_costs_the_same_for_one_calendar_and_for_many():
    open_provider()
    with CaptureQueriesContext(connection) as few:
        days_of(list(Schedule.objects.select_related("provider")), WEDNESDAY, NOON)
    for _ in range(3):
        appoint(open_provider(), at("2026-03-04 09:00"))

    with CaptureQueriesContext(connection) as many:
        found = days_of(list(Schedule.objects.select_related("provider")), WEDNESDAY, NOON)

    assert (len(found), len(many)) == (4, len(few))


def test_shows_bookings_buffers_and_free_time(berlin):
    service = ServiceFactory(providers=[berlin], duration_minutes=30, buffer_after_minutes=15)
    appoint(berlin, at("2026-03-04 08:15"), service_id=service.pk)

    assert shown(berlin)[:4] == [
        ("09:00", "free", 1),
        ("09:15", "scheduled", 2),
        ("09:45", "buffer", 1),
        ("10:00", "free", 1),
    ]


def test_shows_a_hold_until_the_very_moment_it_ends(berlin):
    held = hold(berlin, at("2026-03-04 08:00"))

    assert shown(berlin, now=held.expires_at - minutes(1))[0] == ("09:00", "held", 1)
    assert shown(berlin, now=held.expires_at)[0] == ("09:00", "free", 1)


def test_shows_time_off_with_its_reason(berlin):
    lost = {"starts_at": at("2026-03-04 09:00"), "ends_at": at("2026-03-04 10:00"), "reason": "Dentist"}
    take_time_off(provider_id=berlin.pk, fields=lost, actor=SYSTEM, now=NOON)
    rows = grid(days_of([berlin.schedule], WEDNESDAY, NOON), NOON)["rows"]

    [off] = [cell for _row, [cell] in rows if cell and cell.kind == "off"]
    assert (off.label, off.rows) == ("Dentist", 4)


def test_what_has_begun_is_not_free_any_more(provider):
    assert shown(provider, date(2026, 3, 2))[:2] == [("09:00", "past", 12), ("12:00", "free", 1)]


def test_two_short_appointments_in_one_row_are_both_shown():
    quick = open_provider(slot_minutes=5)
    first, second = appoint(quick, at("2026-03-04 09:00")), appoint(quick, at("2026-03-04 09:05"))

    rows = grid(days_of([Schedule.objects.get(provider=quick)], WEDNESDAY, NOON), NOON)["rows"]

    assert [claim.appointment for claim in rows[0][1][0].entries] == [first, second]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), ["01:45", "03:00"]), (date(2026, 10, 25), ["02:45", "02:00*", "02:15*", "02:30*", "02:45*"])],
)
def test_days_with_a_change_of_clocks_have_the_rows_they_have(day, hours):
    berlin = open_provider(timezone="Europe/Berlin", hours=ALWAYS, horizon_days=10)

    said = [label for label, _kind, _rows in shown(berlin, day)]

    place = said.index(hours[0])
    assert said[place : place + len(hours)] == hours
    assert len(said) == (92 if day.month == 3 else 100)


def test_a_calendar_that_lacks_an_hour_others_have_says_so():
    open_provider(timezone="Europe/Berlin", hours=ALWAYS, horizon_days=10)
    open_provider(timezone="UTC", hours=ALWAYS, horizon_days=10)
    schedules = list(Schedule.objects.order_by("timezone"))

    rows = grid(days_of(schedules, date(2026, 3, 29), NOON), NOON)["rows"]

    assert [cells[0].kind for row, cells in rows if row[:2] == (2, 0) and cells[0]] == ["lacking"]


def test_nobody_open_shows_the_usual_hours(db):
    closed = open_provider(hours=[(0, time(9), time(10))])

    assert shown(closed) == [("08:00", "closed", 10 * 4)]


# --- The page ---------------------------------------------------------------------------------------------------------


def test_leads_from_free_time_to_booking_it(office, berlin):
    page = office.get(url(date="2026-03-04", provider=berlin.pk))

    query = f"schedule={berlin.schedule.pk}&amp;start=2026-03-04T08:00:00Z"
    assert f'href="{reverse("admin:booking_appointment_add")}?{query}"' in page.content.decode()


def test_leads_to_the_days_before_and_after(office, berlin):
    page = office.get(url(date="2026-03-04", provider=berlin.pk))

    assert (page.context["earlier"], page.context["later"], page.context["back_to_today"]) == tuple(
        url(date=day, provider=berlin.pk) for day in ("2026-03-03", "2026-03-05", "2026-03-02")
    )


@pytest.mark.parametrize(
    "query",
    ["date=soon", "date=9999-12-31", "provider=x", "provider=99999999999999999999", "page=0", "page=x", "date=%00"],
)
def test_nonsense_in_the_address_shows_today(office, berlin, query):
    page = office.get(f"{url()}?{query}")

    assert (page.status_code, page.context["day"]) == (200, date(2026, 3, 2))


def test_page_beyond_the_last_shows_nobody(office, berlin):
    assert office.get(url(page=7)).context["columns"] == []


def test_shows_so_many_side_by_side_and_the_others_on_the_next_page(office):
    for number in range(COLUMNS + 1):
        open_provider(provider__name=f"Provider {number}", horizon_days=2)

    first, second = office.get(url()), office.get(url(page=2))

    assert (len(first.context["columns"]), len(second.context["columns"])) == (COLUMNS, 1)


def test_page_costs_the_same_for_one_provider_and_for_many(office, berlin):
    office.get(url(date="2026-03-04"))
    with CaptureQueriesContext(connection) as few:
        office.get(url(date="2026-03-04"))
    for _ in range(3):
        other = open_provider(horizon_days=5)
        appoint(other, at("2026-03-04 09:00"), client=ClientFactory(), overrides=[Override.NOTICE])

    with CaptureQueriesContext(connection) as many:
        office.get(url(date="2026-03-04"))

    assert len(many) == len(few) <= 15
