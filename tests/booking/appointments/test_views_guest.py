"""`/a/<token>/`: an appointment, opened by the mailed link."""

import re
from datetime import date

import pytest
import time_machine
from icalendar import Calendar

from booking.links import appointment_link
from booking.models import Appointment, AppointmentEvent
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from reminders.models import Message
from reminders.preferences.links import opt_out_link
from reminders.templates.composer import compose
from tests.factories import MAYA, NOON, SYSTEM, ClientFactory, appoint, at, hold, minutes
from tests.html import links_of, text_of, times_of
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(**MAYA)]


@pytest.fixture
def booked(provider, service):
    guest = ClientFactory(user=None, name="Ada", email="ada@example.org", timezone="Europe/Berlin")
    return appoint(provider, at("2026-03-04 09:00"), client=guest, overrides=["notice"], service_id=service.pk)


@pytest.fixture
def address(booked):
    return appointment_link(booked).removeprefix("http://localhost:8000")


def test_page_shows_the_appointment_in_the_clients_timezone(client, address):
    text = text_of(client.get(address))

    assert "Your appointment is booked" in text
    assert "First visit With Maya Lindqvist Date and time Wednesday 4 March 2026 10:00 – 10:45 Europe/Berlin" in text


def test_page_leads_to_calendars_on_the_web(client, address):
    links = links_of(client.get(address))

    assert any("dates=20260304T090000Z%2F20260304T094500Z" in link for link in links)
    assert any("startdt=2026-03-04T09%3A00%3A00Z" in link for link in links)


def test_calendar_file(client, address):
    answer = client.get(f"{address}appointment.ics")

    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("DTSTART") == at("2026-03-04 09:00")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'


def test_page_leads_to_the_end_of_reminders(client, address):
    ending = next(link for link in links_of(client.get(address)) if link.startswith("/unsubscribe/"))

    assert ending == opt_out_link("email", "ada@example.org").removeprefix("http://localhost:8000")


def test_looking_changes_nothing(client, address):
    before = dump()

    client.get(address, {"do": "cancel"})
    client.get(f"{address}move/", {"at": "1@2026-03-04T12:00:00Z"})

    assert dump() == before


def test_page_is_kept_by_nobody_and_runs_nothing_of_others(client, address):
    answer = client.get(address)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(rb"<style|style=|onclick|<script(?! src=\"/static/)", answer.content)


@pytest.mark.parametrize("kind", ["", "move/"])
def test_page_costs_a_constant_number_of_queries(client, address, kind, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        client.get(f"{address}{kind}")


def test_cancelling_gives_the_time_back_and_keeps_the_reason(client, address, booked):
    answer = client.post(address, {"do": "cancel", "reason": "I have to travel"}, follow=True)

    assert "This appointment was cancelled" in text_of(answer)
    assert "I have to travel" in text_of(answer)
    assert Appointment.objects.get().status == "cancelled"
    assert "/p/maya/" in links_of(answer)
    assert broken_promises() == {}


def test_moving_takes_the_appointment_to_the_time_chosen(client, address, booked, provider):
    moved_to = f"{provider.pk}@2026-03-05T10:00:00Z"
    assert moved_to in times_of(client.get(f"{address}move/?day=2026-03-05"))

    asked = client.post(f"{address}move/", {"at": moved_to})
    answer = client.post(f"{address}move/", {"at": moved_to, "do": "move"}, follow=True)

    assert "To Thursday 5 March 2026 11:00 – 11:45 Europe/Berlin" in text_of(asked)
    assert "The appointment has been rescheduled." in text_of(answer)
    assert Appointment.objects.get(pk=booked.pk).starts_at == at("2026-03-05 10:00")
    assert AppointmentEvent.objects.filter(event="rescheduled", user=None, face="page").count() == 1
    assert broken_promises() == {}


def test_moving_to_a_time_just_taken_offers_others_and_changes_nothing(client, address, booked, provider):
    hold(provider, at("2026-03-05 10:00"))

    answer = client.post(f"{address}move/", {"at": f"{provider.pk}@2026-03-05T10:00:00Z"})

    assert answer.status_code == 409
    assert "This time is no longer available" in text_of(answer)
    assert len(times_of(answer)) == 3
    assert Appointment.objects.get().starts_at == at("2026-03-04 09:00")


def test_what_has_begun_can_neither_be_moved_nor_cancelled(client, address, booked):
    with time_machine.travel(booked.starts_at, tick=False):
        text = text_of(client.get(address))
        asked = client.post(address, {"do": "cancel"})
        looked = client.get(f"{address}move/")

    assert "Reschedule" not in text
    assert "Cancel" not in text
    assert (asked.status_code, looked.status_code) == (403, 403)


def test_link_acts_for_the_client_whoever_is_logged_in(client, address, provider):
    client.force_login(provider.user)

    client.post(address, {"do": "cancel"})

    assert AppointmentEvent.objects.get(event="cancelled").user is None


def test_mails_about_the_appointment_carry_its_link(provider):

    guest = ClientFactory(user=None)
    made = appoint(provider, at("2026-03-04 09:00"), client=guest, overrides=["notice"])
    told = {}
    for message in Message.objects.detailed().filter(appointment=made):
        parcel = compose(message, custom_texts={}, now=NOON + minutes(1))
        told[message.kind, message.recipient] = (
            appointment_link(made) in parcel.text and appointment_link(made) in parcel.html
        )

    assert told[("booked", "client")]
    assert told[("reminder", "client")]
    assert not told[("booked", "provider")]


def test_cancelling_can_end_the_series(client, provider):
    guest = ClientFactory(user=None, owner=provider)
    wanted = SeriesSpec(
        provider_id=provider.pk, client_id=guest.pk, rrule="FREQ=WEEKLY;BYDAY=WE,TH", starts=at("2026-03-04 09:00")
    )
    series = create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series
    second = series.appointments.get(occurrence="2026-03-05")
    address = appointment_link(second).removeprefix("http://localhost:8000")

    assert "Part of a series Every week on Wednesday" in text_of(client.get(address))
    client.post(address, {"do": "cancel", "scope": "following"})

    assert [one.occurrence for one in series.appointments.exclude(status="cancelled")] == [date(2026, 3, 4)]
    series.refresh_from_db()
    assert "UNTIL=20260305" in series.rrule
