"""`/api/appointments/{id}.ics`, read as a calendar program reads it."""

from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar

from tests.factories import NOON, ServiceFactory, appoint, at, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "shared_people")]


@pytest.fixture
def made(provider, booker):
    return appoint(provider, at("2026-03-04 09:00"), client=booker, timezone="Europe/Berlin")


def file_of(api, appointment, **headers):
    answer = api.get(f"/api/appointments/{appointment.pk}.ics", **headers)
    assert answer.status_code == 200, answer.content
    return answer


def event_of(api, appointment):
    (event,) = Calendar.from_ical(file_of(api, appointment).content).walk("VEVENT")
    return event


def test_ics_is_a_calendar_file(booker_api, made):
    answer = file_of(booker_api, made)

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="appointment-{made.pk}.ics"'
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert answer.content.endswith(b"END:VCALENDAR\r\n")


def test_ics_is_handed_to_a_program_that_asks_for_calendars(booker_api, made):
    file_of(booker_api, made, HTTP_ACCEPT="text/calendar")


@pytest.mark.parametrize("slash", ["", "/"])
def test_ics_works_with_and_without_a_trailing_slash(booker_api, made, slash):
    assert booker_api.get(f"/api/appointments/{made.pk}.ics{slash}").status_code == 200


def test_ics_names_version_and_product(booker_api, made):
    calendar = Calendar.from_ical(file_of(booker_api, made).content)

    assert (calendar["VERSION"], calendar["PRODID"]) == ("2.0", "-//Scheduler//scheduler//EN")


def test_ics_tells_the_time_in_utc(booker_api, made):
    event = event_of(booker_api, made)

    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (at("2026-03-04 09:00"), at("2026-03-04 09:15"))
    assert b"DTSTART:20260304T090000Z\r\n" in file_of(booker_api, made).content


def test_ics_keeps_its_uid_and_raises_its_sequence(booker_api, provider_api, made):
    seen = [event_of(booker_api, made)]
    booker_api.post(f"/api/appointments/{made.pk}/reschedule", {"start_time": "2026-03-05T09:00:00Z"})
    seen.append(event_of(booker_api, made))
    provider_api.patch(f"/api/appointments/{made.pk}", {"title": "Another title"})
    seen.append(event_of(booker_api, made))
    booker_api.delete(f"/api/appointments/{made.pk}")
    seen.append(event_of(booker_api, made))

    assert {event["UID"] for event in seen} == {f"{made.uid}@scheduler"}
    assert [event["SEQUENCE"] for event in seen] == [0, 1, 2, 3]


def test_ics_follows_a_reschedule(booker_api, made):
    booker_api.post(f"/api/appointments/{made.pk}/reschedule", {"start_time": "2026-03-05T09:00:00Z"})

    assert event_of(booker_api, made).decoded("DTSTART") == at("2026-03-05 09:00")


def test_ics_says_when_it_was_made_and_changed(booker_api, made):
    with time_machine.travel(NOON + minutes(1), tick=False):
        booker_api.delete(f"/api/appointments/{made.pk}")

    event = event_of(booker_api, made)
    assert (event.decoded("CREATED"), event.decoded("LAST-MODIFIED")) == (NOON, NOON + minutes(1))


def test_ics_of_a_scheduled_one_is_confirmed(booker_api, made):
    assert event_of(booker_api, made)["STATUS"] == "CONFIRMED"


def test_ics_of_a_cancelled_one_is_cancelled(booker_api, made):
    booker_api.delete(f"/api/appointments/{made.pk}")

    assert event_of(booker_api, made)["STATUS"] == "CANCELLED"


@pytest.mark.parametrize("status", ["completed", "missed"])
def test_ics_of_one_gone_by_stays_confirmed(provider_api, made, status):
    with time_machine.travel(made.reservation.ends_at + timedelta(hours=1), tick=False):
        provider_api.patch(f"/api/appointments/{made.pk}/status", {"status": status})

        assert event_of(provider_api, made)["STATUS"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("action", "status"), [(None, "TENTATIVE"), ("approve", "CONFIRMED"), ("decline", "CANCELLED")]
)
def test_ics_of_one_that_needs_approval(provider_api, provider, booker, action, status):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    pending = appoint(provider, at("2026-03-04 10:00"), client=booker, service_id=service.pk)
    if action:
        provider_api.post(f"/api/appointments/{pending.pk}/{action}")

    assert event_of(provider_api, pending)["STATUS"] == status


NASTY = "Knee; left, \\right\nBEGIN:VEVENT\r\nUID:other — ünï “x”: 🦵"


def test_ics_escapes_what_people_write(booker_api, provider, booker):
    provider.name = "Dr. Who, M.D.; Ph.D."
    provider.save()
    made = appoint(provider, at("2026-03-04 09:00"), client=booker, title="Knee, left; 50\\50", description=NASTY)

    event = event_of(booker_api, made)

    assert event["SUMMARY"] == "Knee, left; 50\\50 – Dr. Who, M.D.; Ph.D."
    assert event["DESCRIPTION"].replace("\r\n", "\n") == NASTY.replace("\r\n", "\n")
    assert event["UID"] == f"{made.uid}@scheduler"


def test_ics_folds_long_lines(booker_api, provider, booker):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker, title="ü" * 200)

    assert max(map(len, file_of(booker_api, made).content.split(b"\r\n"))) <= 75
    assert event_of(booker_api, made)["SUMMARY"].startswith("ü" * 200)


def test_ics_gives_nobodys_address_away(booker_api, booker, made):
    assert booker.email.encode() not in file_of(booker_api, made).content.replace(b"\r\n ", b"")
