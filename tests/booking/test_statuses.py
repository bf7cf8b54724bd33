"""The table of statuses is the only place to add one, and each of them has every face."""

import re

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from booking.appointments.messages import success_message
from booking.appointments.transitions import STATUSES, TRANSITIONS, Action, AppointmentStatus
from booking.calendars.icalendar import to_ical, to_invitation
from booking.links import appointment_link
from scheduler_project.embedded import PROJECT
from tests.changed import run_cases
from tests.factories import appoint, at
from tests.groups import browser_of
from tests.html import text_of

NINE = at("2026-03-03 09:00")


def test_a_status_is_added_in_the_table_alone():
    run_cases("tests.booking.checked_in")


def test_every_status_and_action_has_its_row():
    assert set(STATUSES) == set(AppointmentStatus)
    assert set(TRANSITIONS) == set(Action)


@pytest.fixture(params=AppointmentStatus)
def appointment(request, provider):
    made = appoint(provider, NINE, overrides=["notice"])
    made.status = request.param
    made.save(update_fields=["status"])
    return made


@time_machine.travel(NINE, tick=False)
def test_every_status_has_every_face(client, office, provider_api, appointment):
    facts, words = STATUSES[AppointmentStatus(appointment.status)], appointment.get_status_display()
    dashboard = browser_of(appointment.provider.user).get(reverse("dashboard-appointment", args=[appointment.pk]))
    own = client.get(appointment_link(appointment).removeprefix("http://localhost:8000"))
    admin = office.get(reverse("admin:booking_appointment_change", args=[appointment.pk]))
    answer = provider_api.get(f"/api/appointments/{appointment.pk}")
    (event,) = Calendar.from_ical(to_ical(appointment)).walk("VEVENT")

    assert f'<span class="badge {facts.badge}">{words}</span>' in dashboard.content.decode()
    assert str(facts.heading) in text_of(own)
    assert f'<span class="state {facts.badge}">{words}</span>' in admin.content.decode()
    assert answer.json()["status"] == appointment.status
    assert event["STATUS"] == facts.ical
    assert to_invitation(appointment, attendee="ada@example.org", name="Ada")[0] in ("REQUEST", "CANCEL")


@pytest.mark.parametrize("look", ["good", "warn", "bad"])
@pytest.mark.parametrize(
    ("sheet", "places"),
    [("pages.css", [".badge{}", ".block{} > *"]), ("office.css", [".state{}", ".day-grid td{}"])],
)
def test_every_look_is_there_for_badges_and_calendars(look, sheet, places):
    """The plain look of a block is the good one."""
    styles = (PROJECT / "scheduler_project/common/static/common" / sheet).read_text()

    for place in places:
        plain = place.format("") if (look, place) == ("good", ".block{} > *") else place.format(f".{look}")
        assert re.search(rf"^{re.escape(plain)}(,| {{)$", styles, re.MULTILINE), plain


@pytest.mark.parametrize("action", [action for action, row in TRANSITIONS.items() if row.target])
def test_every_action_says_what_is_done(provider, action):
    assert success_message(action, appoint(provider, NINE, overrides=["notice"]))
