"""Guests read, move and cancel their appointment by API, by the token in the link that was mailed (R10)."""

import pytest
from icalendar import Calendar

from booking.appointments.operations import edit, take_action
from booking.links import appointment_link, appointment_token
from booking.models import Appointment, AppointmentEvent
from tests.booking.answers import refusal
from tests.factories import SYSTEM, ClientFactory, appoint, at
from tests.looking import broken_promises
from tests.project.world import by_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]

TEN = "2026-03-04T10:00:00Z"


@pytest.fixture
def ada():
    return ClientFactory(user=None, name="Ada", email="ada@example.org", phone="+4930123456")


@pytest.fixture
def booked(provider, ada):
    return appoint(provider, at("2026-03-04 09:00"), client=ada, overrides=["notice"], description="First time")


@pytest.fixture
def guest(booked):
    """A program with the token of the appointment."""
    return by_token(appointment_token(booked))


def path(booked, action=""):
    return f"/api/appointments/{booked.pk}" + (f"/{action}" if action else "")


def test_token_is_that_of_the_mailed_link(booked):
    assert appointment_link(booked).rstrip("/").endswith(f"/a/{appointment_token(booked)}")


def test_guest_reads_what_their_page_shows(guest, booked, provider):
    body = guest.get(path(booked)).json()

    assert body["provider"] == {"id": provider.pk, "name": provider.name}
    assert (body["title"], body["description"], body["status"]) == ("Appointment", "First time", "scheduled")
    assert body["client"] == {"id": booked.client.pk, "email": "ada@example.org"}
    assert not {"reservation", "series", "reminder_offsets", "phone", "name"} & set(body)
    assert body["allowed_actions"] == ["reschedule", "cancel"]


def test_guest_moves_it(guest, booked):
    answer = guest.post(path(booked, "reschedule"), {"start_time": TEN})

    assert (answer.status_code, answer.json()["start_time"]) == (200, TEN)
    event = AppointmentEvent.objects.latest("pk")
    assert (event.event, event.face, event.user) == ("rescheduled", "api", None)
    assert broken_promises() == {}


@pytest.mark.parametrize(("field", "value"), [("end_time", "2026-03-04T11:30:00Z"), ("override", ["notice"])])
def test_guest_moves_it_by_the_rules(guest, booked, field, value):
    answer = guest.post(path(booked, "reschedule"), {"start_time": TEN, field: value})

    assert refusal(answer) == (403, "not_allowed", field)


def test_guest_cancels_it_for_a_reason(guest, booked):
    answer = guest.post(path(booked, "cancel"), {"reason": "Ill"})

    assert (answer.json()["status"], answer.json()["cancellation_reason"]) == ("cancelled", "Ill")
    assert answer.json()["allowed_actions"] == []
    assert refusal(guest.post(path(booked, "cancel"), {})) == (409, "bad_transition", "status")


def test_guest_gets_the_calendar_file(guest, booked):
    (event,) = Calendar.from_ical(guest.get(f"/api/appointments/{booked.pk}.ics").content).walk("VEVENT")

    assert event.decoded("DTSTART") == at("2026-03-04 09:00")


def test_times_are_written_in_the_timezone_asked_for(guest, booked):
    assert guest.get(path(booked), {"timezone": "Europe/Berlin"}).json()["start_time"] == "2026-03-04T10:00:00+01:00"


def test_changes_are_limited_as_on_the_pages(guest, booked, throttle):
    throttle["change"] = "1/hour"
    guest.post(path(booked, "reschedule"), {"start_time": TEN})

    assert refusal(guest.post(path(booked, "cancel"), {})) == (429, "too_often", None)


def test_other_appointments_are_not_there(guest, provider, ada):
    other = appoint(provider, at("2026-03-04 11:00"), client=ada, overrides=["notice"])

    for answer in (
        guest.get(path(other)),
        guest.get(f"/api/appointments/{other.pk}.ics"),
        guest.post(path(other, "reschedule"), {"start_time": TEN}),
        guest.post(path(other, "cancel"), {}),
    ):
        assert refusal(answer) == (404, "not_found", None)
    assert set(Appointment.objects.values_list("status", flat=True)) == {"scheduled"}


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("delete", "", None),
        ("patch", "", {"title": "Mine"}),
        ("patch", "status", {"status": "completed"}),
        ("post", "approve", {}),
        ("post", "decline", {}),
        ("get", "history", None),
        ("get", "reminders", None),
    ],
)
def test_the_rest_is_not_for_guests(guest, booked, method, action, body):
    assert refusal(getattr(guest, method)(path(booked, action), body)) == (403, "permission_denied", None)


def test_token_of_an_appointment_reaches_no_hold(guest, booked):
    assert refusal(guest.get(f"/api/reservations/{booked.reservation_id}")) == (404, "not_found", None)


def test_token_of_an_appointment_holds_nothing(guest, provider):
    answer = guest.post("/api/reservations", {"provider": provider.pk, "start_time": TEN})

    assert refusal(answer) == (403, "not_allowed", None)


def test_guest_acts_as_the_client_even_if_the_provider_is_logged_in(guest, booked, provider):
    guest.force_login(provider.user)

    assert guest.get(path(booked)).json()["allowed_actions"] == ["reschedule", "cancel"]


def test_what_staff_change_is_read_at_once(guest, booked, now):
    edit(appointment_id=booked.pk, changes={"title": "Second visit"}, actor=SYSTEM, now=now)
    take_action(appointment_id=booked.pk, action="cancel", actor=SYSTEM, now=now, reason="Closed")

    body = guest.get(path(booked)).json()
    assert (body["title"], body["cancellation_reason"]) == ("Second visit", "Closed")


def test_guest_repeats_a_cancellation_by_a_key(guest, booked):
    first, second = (guest.post(path(booked, "cancel"), {}, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2))

    assert second.json() == {**first.json(), "guest_token": None}
    assert AppointmentEvent.objects.filter(event="cancelled").count() == 1
