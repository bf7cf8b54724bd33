"""The faces of an appointment that is `checked_in`, a status that only the table knows (see `plugin.py`)."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from analytics.periods import Span
from analytics.queries import build_report
from analytics.report import ReportScope
from booking.appointments.operations import take_action
from booking.appointments.permissions import allowed_actions
from booking.appointments.transitions import Action, AppointmentStatus
from booking.calendars.icalendar import to_ical
from booking.imports.sheet import APPOINTMENTS
from booking.invariants import OTHER_THAN_ITS_HISTORY, WITHOUT_ITS_TIME
from booking.links import appointment_link
from booking.models import Appointment
from reminders.models import Message
from reminders.plan.facts import facts_of
from reminders.plan.operations import reminders_for
from reminders.webhooks.events import EVENTS
from scheduler_project.reference.permissions import ADMIN_ACTIONS, BOTH
from tests.booking.imports.helpers import exported, outcomes, refusals, run
from tests.factories import NOON, SYSTEM, WebhookEndpointFactory, appoint, at
from tests.groups import browser_of
from tests.html import text_of
from tests.reminders.helpers import notices

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
    return take_action(appointment_id=scheduled.pk, action=Action("check_in"), actor=SYSTEM, now=BEGUN)


def sheet(provider, client, reference=""):
    """Return a file with the appointment at NINE, checked in."""
    row = f"{reference},{provider.slug},{client.email},2026-03-03 09:00,checked_in"
    return f"reference,provider,client_email,start,status\n{row}\n"


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

    assert 'value="check_in"' in browser.get(reverse("dashboard")).content.decode()
    assert 'value="check_in"' in browser.get(reverse("dashboard-appointment", args=[scheduled.pk])).content.decode()


def test_desk_does_it_and_says_so(provider, scheduled):
    browser = browser_of(provider.user)

    answer = browser.post(reverse("dashboard-appointment-act", args=[scheduled.pk]), {"do": "check_in"}, follow=True)

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


def test_admin_does_it_to_many(office, scheduled):
    changelist = reverse("admin:booking_appointment_changelist")
    chosen = {"action": "check_in", "_selected_action": [scheduled.pk]}

    shown = office.post(changelist, chosen)
    done = office.post(changelist, {**chosen, "answered": "yes"}, follow=True)

    assert str(scheduled.client) in text_of(shown)
    assert "Appointments checked in: 1." in text_of(done)
    scheduled.refresh_from_db()
    assert scheduled.status == "checked_in"


def test_reference_lists_the_action():
    assert ADMIN_ACTIONS["booking_appointment"]["check_in"] == BOTH


@pytest.mark.parametrize(
    "page", ["dashboard-day", "dashboard-week", "admin:booking_appointment_day"], ids=["day", "week", "admin's day"]
)
def test_calendars_show_it(office, provider, checked_in, page):
    browser = office if page.startswith("admin:") else browser_of(provider.user)

    shown = browser.get(reverse(page), {"date": "2026-03-03"})

    assert re.search(r'class="(block )?good[ "]', shown.content.decode())
    assert "checked in" in text_of(shown)


def test_import_books_it(provider, ada):
    report = run(APPOINTMENTS, sheet(provider, ada), now=BEGUN, past=True)

    assert outcomes(report) == ["new"]
    made = Appointment.objects.get()
    assert (made.status, made.reservation.status) == ("checked_in", "confirmed")
    assert [event.event for event in made.events.all()] == ["booked", "checked_in"]


def test_import_refuses_it_before_the_start(provider, ada):
    assert refusals(run(APPOINTMENTS, sheet(provider, ada), now=NOON)) == [(2, "not_yet", "status")]


def test_import_leads_to_it(provider, ada):
    made = appoint(provider, NINE, client=ada, overrides=["notice"])

    report = run(APPOINTMENTS, sheet(provider, ada, str(made.uid)), now=BEGUN, past=True)

    assert outcomes(report) == ["changed"]
    made.refresh_from_db()
    assert made.status == "checked_in"


def test_export_says_it_and_is_imported_unchanged(checked_in):
    text = exported(APPOINTMENTS)

    assert "checked_in" in text
    assert outcomes(run(APPOINTMENTS, text, now=BEGUN, past=True)) == ["unchanged"]


def test_webhook_is_told(scheduled):
    endpoint = WebhookEndpointFactory(provider=scheduled.provider, events=["appointment.checked_in"])

    take_action(appointment_id=scheduled.pk, action=Action("check_in"), actor=SYSTEM, now=BEGUN)

    [message] = Message.objects.filter(endpoint=endpoint)
    assert message.details["type"] == "appointment.checked_in"
    assert message.details["data"]["status"] == "checked_in"


def test_webhook_can_choose_it(provider_api):
    answer = provider_api.post("/api/webhooks", {"url": "https://1.1.1.1/", "events": ["appointment.checked_in"]})

    assert (answer.status_code, answer.json()["events"]) == (201, ["appointment.checked_in"])
    assert EVENTS["appointment.checked_in"] == "An appointment becomes `checked_in`."


def test_nobody_is_notified(checked_in):
    assert (checked_in.status, [row for row in notices(checked_in) if row[0] != "booked"]) == ("checked_in", [])


def test_figures(checked_in):
    day = date(2026, 3, 3)

    total = build_report(span=Span(day, day, checked_in.provider.schedule.zone), scope=ReportScope(), now=BEGUN).total

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
        assert list(problems) == []


def test_enum_has_it():
    assert "checked_in" in AppointmentStatus.values
