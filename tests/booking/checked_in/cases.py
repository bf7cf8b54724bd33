"""The faces of an appointment that is `checked_in`, a status that only the table knows (see `plugin.py`)."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.urls import reverse
from icalendar import Calendar

from analytics.periods import Span
from analytics.queries import Scope, numbers
from booking.appointments.operations import act
from booking.appointments.permissions import allowed_actions
from booking.appointments.transitions import Action, AppointmentStatus
from booking.calendars.icalendar import to_ical
from booking.invariants import OTHER_THAN_ITS_HISTORY, WITHOUT_ITS_TIME
from booking.links import appointment_link
from booking.models import Appointment
from reminders.plan.facts import facts_of
from reminders.plan.operations import reminders_for
from tests.factories import NOON, SYSTEM, appoint, at
from tests.groups import browser_of
from tests.html import text_of

NINE = at("2026-03-03 09:00")
BEGUN = NINE + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(BEGUN, tick=False):
        yield


@pytest.fixture
def scheduled(provider, booker):
    return appoint(provider, NINE, client=booker, overrides=["notice"])


@pytest.fixture
def checked_in(scheduled):
    return act(appointment_id=scheduled.pk, action=Action("check_in"), actor=SYSTEM, now=BEGUN)


def test_it_can_be_reached_once_begun(scheduled):
    assert "check_in" not in allowed_actions(scheduled, SYSTEM, NOON)
    assert "check_in" in allowed_actions(scheduled, SYSTEM, BEGUN)


def test_it_leads_on(checked_in):
    assert allowed_actions(checked_in, SYSTEM, BEGUN) == ["complete", "miss", "cancel"]


def test_it_is_upcoming_and_keeps_its_time(checked_in):
    assert list(Appointment.objects.coming(now=BEGUN)) == [checked_in]
    assert checked_in.reservation.status == "confirmed"


def test_api(provider_api, scheduled):
    address = f"/api/appointments/{scheduled.pk}"

    answer = provider_api.patch(f"{address}/status", {"status": "checked_in"})

    assert (answer.status_code, answer.json()["status"]) == (200, "checked_in")
    assert answer.json()["allowed_actions"] == ["complete", "miss", "cancel"]
    assert provider_api.get("/api/appointments?status=checked_in").json()["count"] == 1
    assert provider_api.get(f"{address}/history").json()["results"][-1]["event"] == "checked_in"


def test_desk_has_the_button(provider, scheduled):
    browser = browser_of(provider.user)

    assert 'value="check_in"' in browser.get(reverse("desk")).content.decode()
    assert 'value="check_in"' in browser.get(reverse("desk-appointment", args=[scheduled.pk])).content.decode()


def test_desk_does_it_and_says_so(provider, scheduled):
    browser = browser_of(provider.user)

    answer = browser.post(reverse("desk-appointment-act", args=[scheduled.pk]), {"do": "check_in"}, follow=True)

    assert "Checked in:" in text_of(answer)
    assert '<span class="badge good">checked in</span>' in answer.content.decode()


def test_clients_page_has_its_heading(client, checked_in):
    assert "You are expected" in text_of(client.get(appointment_link(checked_in).removeprefix("http://localhost:8000")))


def test_admin(office, scheduled):
    changelist = reverse("admin:booking_appointment_changelist")
    page = reverse("admin:booking_appointment_change", args=[scheduled.pk])

    assert "Check in…" in office.get(changelist).content.decode()
    assert "status__exact=checked_in" in office.get(changelist).content.decode()
    assert (
        reverse("admin:booking_appointment_act", args=[scheduled.pk, "check_in"]) in office.get(page).content.decode()
    )


def test_figures(checked_in):
    day = date(2026, 3, 3)

    total = numbers(span=Span(day, day, checked_in.provider.schedule.zone), scope=Scope(), now=BEGUN).total

    assert (total.statuses["checked_in"], total.appointments, total.missed) == (1, 1, 0)


def test_no_reminder_is_owed(checked_in):
    [facts] = facts_of([checked_in.pk])

    assert list(reminders_for(facts)) == []


def test_calendar(checked_in):
    (event,) = Calendar.from_ical(to_ical(checked_in)).walk("VEVENT")

    assert event["STATUS"] == "CONFIRMED"


def test_history_agrees(checked_in):
    assert [event.event for event in checked_in.events.all()] == ["booked", "checked_in"]
    for problems in (OTHER_THAN_ITS_HISTORY, WITHOUT_ITS_TIME):
        with connection.cursor() as cursor:
            cursor.execute(problems)
            assert cursor.fetchall() == []


def test_enum_has_it():
    assert "checked_in" in AppointmentStatus.values
