"""Whole stories over HTTP: every URL used was returned by the API."""

from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from rest_framework.test import APIClient

from tests.factories import NOON, PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_open_registration")]


@pytest.fixture
def _open_registration(settings):
    """Providers are published as they register."""
    settings.PROVIDERS_NEED_VERIFIED_EMAIL = settings.PROVIDERS_NEED_APPROVAL = False


def email_of(name):
    return f"{name.lower()}@example.org"


def registered(role, name, **more):
    """A new login in `role`, speaking by its token."""
    body = {"name": name, "email": email_of(name), "password": PASSWORD, "role": role, **more}
    return speaking_by(told(APIClient().post("/api/register", body), 201))


def back(name):
    """Log in again: a token lives half an hour, as long as a hold."""
    return speaking_by(told(APIClient().post("/api/login", {"email": email_of(name), "password": PASSWORD})))


def speaking_by(tokens):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    return api


def told(answer, status=200):
    """Return the body of an answer, which must have this status."""
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def starts(answer):
    return [row["start_time"] for row in told(answer)["results"]]


def opened(name, timezone):
    """A new provider who works on Wednesdays from nine to eleven, and their id."""
    api = registered("provider", name, timezone=timezone)
    provider = told(APIClient().get("/api/providers", {"search": name}))["results"][0]["id"]
    hours = {"hours": [{"weekday": 2, "start_time": "09:00", "end_time": "11:00"}]}
    assert told(api.put(f"/api/providers/{provider}/working-hours", hours))["conflicts"] == []
    return api, provider


def test_a_story_from_registering_to_cancelling():
    with time_machine.travel(NOON) as clock:
        # Ada opens her practice: Wednesday mornings, visits of forty minutes and ten to tidy up.
        ada, provider = opened("Ada", "Europe/Berlin")
        visit = {"name": "First visit", "duration_minutes": 40, "buffer_after_minutes": 10}
        service = told(ada.post("/api/services", visit), 201)["id"]

        # Bob, in New York, looks for a time and holds one.
        bob = registered("client", "Bob", timezone="America/New_York")
        wednesday = {
            "provider": provider,
            "service": service,
            "start": "2026-03-04T00:00:00",
            "end": "2026-03-05T00:00:00",
            "timezone": "America/New_York",
        }
        all_day = [f"2026-03-04T{clock_time}:00-05:00" for clock_time in ("03:00", "03:15", "03:30", "03:45", "04:00")]
        assert starts(bob.get("/api/slots", wednesday)) == all_day
        first = told(bob.get("/api/slots", wednesday))["results"][0]["id"]
        held = told(bob.post(f"/api/slots/{first}/reserve", {"service": service}), 201)
        assert (held["status"], held["start_time"], held["end_time"]) == (
            "held",
            "2026-03-04T08:00:00Z",
            "2026-03-04T08:40:00Z",
        )
        assert starts(bob.get("/api/slots", wednesday)) == ["2026-03-04T04:00:00-05:00"]

        # Ten minutes later he confirms; Ada sees it among what is coming.
        clock.shift(timedelta(minutes=10))
        made = told(bob.post(f"/api/reservations/{held['id']}/confirm", {"confirmed": True}))
        appointment = f"/api/appointments/{made['id']}"
        assert (made["status"], made["title"], made["client"]["name"]) == ("scheduled", "First visit", "Bob")
        coming = told(ada.get("/api/appointments", {"status": "upcoming"}))["results"]
        assert [(row["id"], row["timezone"]) for row in coming] == [(made["id"], "America/New_York")]

        # Nobody else can see it, and nobody can have its time.
        eve = registered("client", "Eve")
        assert eve.get(appointment).status_code == 404
        refused = eve.post(
            "/api/appointments", {"provider": provider, "service": service, "start_time": made["start_time"]}
        )
        assert told(refused, 409)["details"]["alternatives"][0]["start_time"] == "2026-03-04T09:00:00Z"

        # Ada moves it to the end of the morning.
        moved = told(ada.post(f"{appointment}/reschedule", {"start_time": "2026-03-04T10:00:00+01:00"}))
        assert (moved["id"], moved["uid"], moved["sequence"]) == (made["id"], made["uid"], 1)
        (event,) = Calendar.from_ical(bob.get(f"{appointment}.ics").content).walk("VEVENT")
        assert (event["DTSTART"].dt.isoformat(), event["SEQUENCE"]) == ("2026-03-04T09:00:00+00:00", 1)

        # Bob cancels. The morning is free again.
        cancelled = told(bob.post(f"{appointment}/cancel", {"reason": "Missed the plane"}))
        assert (cancelled["status"], cancelled["allowed_actions"]) == ("cancelled", [])
        assert starts(bob.get("/api/slots", wednesday)) == all_day
        history = told(ada.get(f"{appointment}/history"))["results"]
        assert [(row["event"], row["by"]) for row in history] == [
            ("booked", "Bob"),
            ("rescheduled", "Ada"),
            ("cancelled", "Bob"),
        ]


def test_a_hold_nobody_confirms_frees_itself_at_its_deadline():
    with time_machine.travel(NOON, tick=False) as clock:
        _, provider = opened("Ada", "Europe/Berlin")
        bob = registered("client", "Bob")
        eve = registered("client", "Eve")
        wanted = {"provider": provider, "start_time": "2026-03-04T08:00:00Z"}
        held = told(bob.post("/api/reservations", wanted), 201)
        assert held["expires_at"] == "2026-03-02T12:30:00Z"

        # A moment before the deadline it still holds, for everybody.
        clock.shift(timedelta(minutes=30) - timedelta(microseconds=1))
        assert eve.post("/api/reservations", wanted).status_code == 409

        # At the deadline it is over, with no worker anywhere: the time is listed, Bob is too late, Eve is not.
        clock.shift(timedelta(microseconds=1))
        bob, eve = back("Bob"), back("Eve")
        assert starts(eve.get("/api/slots", {"provider": provider}))[0] == "2026-03-04T08:00:00Z"
        late = bob.post(f"/api/reservations/{held['id']}/confirm", {"confirmed": True})
        assert told(late, 410)["errors"][0]["code"] == "hold_expired"
        booked = told(eve.post("/api/appointments", wanted), 201)
        assert booked["client"]["name"] == "Eve"
        assert told(bob.get(f"/api/reservations/{held['id']}"))["status"] == "expired"
