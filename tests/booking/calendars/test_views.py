"""`/calendar/<token>.ics`, read by an independent parser."""

import re
from datetime import timedelta

import pytest
import time_machine
import vobject
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Client, Provider, User
from booking.appointments.enums import Action
from booking.appointments.operations import edit, reschedule, take_action
from booking.calendars.operations import close_feed, open_feed, renew_feed
from booking.links import feed_link
from booking.models import Appointment
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    ReservationFactory,
    ServiceFactory,
    appoint,
    at,
    minutes,
    open_provider,
)
from tests.looking import dump

pytestmark = pytest.mark.provider(horizon_days=4)


DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def booker(db):
    return ClientFactory(name="Grace, Hopper")


@pytest.fixture
def made(provider, booker):
    return appoint(provider, at("2026-03-04 09:00"), client=booker, title="Check-up", description="Left knee")


def path_of(owner):
    which = {"provider_id" if isinstance(owner, Provider) else "client_id": owner.pk}
    return feed_link(open_feed(**which, actor=SYSTEM, now=NOON)).removeprefix("http://localhost:8000")


def read(client, owner):
    """Return the calendar, after checks that apply to all (RFC 5545 §3.1)."""
    answer = client.get(path_of(owner))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    lines = answer.content.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", b"".join(lines))
    for line in lines:
        line.decode()  # no character is torn in two
    return vobject.readOne(answer.content.decode())


def events(client, owner):
    return read(client, owner).contents.get("vevent", [])


# --- What it tells ----------------------------------------------------------------------------------------------------


def test_feed_of_a_provider_names_the_client(client, provider, made):
    [event] = events(client, provider)

    assert event.summary.value == "Check-up – Grace, Hopper"
    assert (event.dtstart.value, event.dtend.value) == (at("2026-03-04 09:00"), at("2026-03-04 09:15"))
    assert event.description.value == "Left knee"


def test_feed_of_a_client_names_the_provider(client, provider, booker, made):
    [event] = events(client, booker)

    assert event.summary.value == f"Check-up – {provider.name}"


def test_feed_carries_the_same_event_as_the_appointments_file(client, booker, provider, made):
    reschedule(appointment_id=made.pk, starts_at=at("2026-03-04 10:00"), actor=SYSTEM, now=NOON + minutes(1))

    [event] = events(client, provider)

    assert event.uid.value == f"{made.uid}@scheduler"
    assert event.sequence.value == "1"
    assert event.dtstart.value == at("2026-03-04 10:00")
    assert event.dtstamp.value == NOON + minutes(1)


def test_feed_says_how_it_stands(client, provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    appoint(provider, at("2026-03-04 09:00"))
    appoint(provider, at("2026-03-04 10:00"), service_id=service.pk)
    gone = appoint(provider, at("2026-03-04 11:00"))
    take_action(appointment_id=gone.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert [event.status.value for event in events(client, provider)] == ["CONFIRMED", "TENTATIVE", "CANCELLED"]


def test_feed_is_named_and_says_how_often_to_look(client, provider):
    Provider.objects.filter(pk=provider.pk).update(name="Dr. Who, M.D.; x\ny")

    calendar = read(client, provider)

    told = {name: calendar.contents[name][0].value for name in ("method", "x-wr-calname", "name", "x-published-ttl")}
    assert told == {
        "method": "PUBLISH",
        "x-wr-calname": "Scheduler: Dr. Who, M.D.; x y",
        "name": "Scheduler: Dr. Who, M.D.; x y",
        "x-published-ttl": "PT15M",
    }
    refresh = calendar.contents["refresh-interval"][0]
    assert (refresh.value, refresh.params) == ("PT15M", {"VALUE": ["DURATION"]})


def test_feed_of_nothing_is_a_calendar_too(client, provider):
    assert events(client, provider) == []


NASTY = 'Knee; left, \\right "x"\nBEGIN:VEVENT\r\nUID:other\t— ünï 🦵🏽 \x0b\x1b\u2028\x85end ' + "🦵ü" * 60


def test_feed_escapes_and_folds_what_people_write(client, provider, booker):
    made = appoint(provider, at("2026-03-04 09:00"), client=booker, title="50, 50; \\o/ 🦷 " + "ü" * 150)
    Appointment.objects.filter(pk=made.pk).update(description=NASTY, title=f"{made.title}\n")
    Client.objects.filter(pk=booker.pk).update(name="Grace\r\nBEGIN:VEVENT\nHopper, “Amazing”")

    [event] = events(client, provider)

    assert event.summary.value == "50, 50; \\o/ 🦷 " + "ü" * 150 + " – Grace BEGIN:VEVENT Hopper, “Amazing”"
    wanted = 'Knee; left, \\right "x"\nBEGIN:VEVENT\nUID:other — ünï 🦵🏽     end ' + "🦵ü" * 60
    assert event.description.value == wanted


def test_feed_never_tells_notes_or_addresses(client, provider):
    private = {"notes": "Owes us money", "email": "grace@private.example", "phone": "+4930901820"}
    booker = ClientFactory(**private)
    appoint(provider, at("2026-03-04 09:00"), client=booker)

    for owner in (provider, booker):
        unfolded = client.get(path_of(owner)).content.replace(b"\r\n ", b"").decode()
        assert not [value for value in private.values() if value in unfolded]


def test_feed_keeps_what_began_in_the_last_sixty_days(client, provider):
    def past(start):
        AppointmentFactory(reservation=ReservationFactory(provider=provider, starts_at=start))

    past(NOON - 60 * DAY - minutes(30))
    past(NOON - 60 * DAY)
    past(NOON - DAY)
    appoint(provider, at("2026-03-04 09:00"))

    starts = [event.dtstart.value for event in events(client, provider)]
    assert starts == [NOON - 60 * DAY, NOON - DAY, at("2026-03-04 09:00")]


def test_feed_tells_nothing_of_others(client, provider, booker, made):
    other = open_provider(horizon_days=4)
    appoint(other, at("2026-03-04 09:00"))

    assert len(events(client, provider)) == 1
    assert len(events(client, booker)) == 1
    assert events(client, ClientFactory()) == []


# --- Asking again -----------------------------------------------------------------------------------------------------


def again(client, path, first):
    return client.get(path, headers={"If-None-Match": first.headers["ETag"]})


def test_feed_that_has_not_changed_is_not_sent_again(client, provider, made):
    path = path_of(provider)
    first = client.get(path)

    second = again(client, path, first)

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"


def test_feed_is_told_anew_to_who_only_says_since_when(client, provider, made):
    """A date would not reveal that an event was removed, or a person renamed."""
    path = path_of(provider)

    answer = client.get(path, headers={"If-Modified-Since": "Tue, 03 Mar 2026 12:00:00 GMT"})

    assert (answer.status_code, "Last-Modified" in answer.headers) == (200, False)


def moved(provider, booker, made):
    reschedule(appointment_id=made.pk, starts_at=at("2026-03-04 10:00"), actor=SYSTEM, now=NOON)


def cancelled(provider, booker, made):
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)


def edited(provider, booker, made):
    edit(appointment_id=made.pk, changes={"title": "Other"}, actor=SYSTEM, now=NOON)


def another(provider, booker, made):
    appoint(provider, at("2026-03-04 10:00"), client=booker)


def other_name(provider, booker, made):
    Client.objects.filter(pk=booker.pk).update(name="Another")


def own_name(provider, booker, made):
    Provider.objects.filter(pk=provider.pk).update(name="Another")


@pytest.mark.parametrize("change", [moved, cancelled, edited, another, other_name, own_name])
@pytest.mark.parametrize("whose", ["provider", "booker"])
def test_feed_that_has_changed_is_sent_again(client, provider, booker, made, change, whose):
    """Even at the same moment, and if only a name changed."""
    owner = {"provider": provider, "booker": booker}[whose]
    path = path_of(owner)
    first = client.get(path)

    change(provider, booker, made)

    second = again(client, path, first)
    assert second.status_code == 200
    assert second.content != first.content


def test_feed_drops_an_old_one_and_says_so(client, provider, made):
    path = path_of(provider)
    with time_machine.travel(made.starts_at + 60 * DAY, tick=False):
        first = client.get(path)
    with time_machine.travel(made.starts_at + 60 * DAY + timedelta(seconds=1), tick=False):
        second = again(client, path, first)

    assert (first.content.count(b"VEVENT"), second.status_code, second.content.count(b"VEVENT")) == (2, 200, 0)


def test_feed_costs_a_constant_number_of_queries(client, provider, booker):
    path = path_of(provider)

    def queries_of(**headers):
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path, headers=headers)
        return len(captured), answer

    appoint(provider, at("2026-03-04 09:00"), client=booker)
    one, _ = queries_of()
    for hour in range(10, 15):
        appoint(provider, at(f"2026-03-04 {hour}:00"))
    many, answer = queries_of()
    unchanged, _ = queries_of(**{"If-None-Match": answer.headers["ETag"]})

    assert (one, many, unchanged) == (3, 3, 2)


# --- Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "t" * 43, "%00", "ü", "..%2F", "x" * 5000])
def test_feed_nobody_has_is_not_found(client, made, token):
    assert client.get(f"/calendar/{token}.ics").status_code == 404


def test_feed_that_was_renewed_or_closed_leads_nowhere(client, provider):
    feed = open_feed(provider_id=provider.pk, actor=SYSTEM, now=NOON)
    old = path_of(provider)
    renew_feed(feed_id=feed.pk, actor=SYSTEM, now=NOON)
    new = path_of(provider)

    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)
    close_feed(feed_id=feed.pk, actor=SYSTEM)
    assert client.get(new).status_code == 404


@pytest.mark.parametrize("whose", ["provider", "booker"])
def test_feed_of_a_deactivated_login_leads_nowhere(client, provider, booker, whose):
    owner = {"provider": provider, "booker": booker}[whose]
    path = path_of(owner)

    User.objects.filter(pk=owner.user_id).update(is_active=False)

    assert client.get(path).status_code == 404


def test_feed_of_somebody_without_a_login_can_be_read(client, provider):
    kept = ClientFactory(owner=provider, user=None)

    assert client.get(path_of(kept)).status_code == 200


def test_feed_needs_and_leaves_no_cookie(client, provider, made):
    answer = client.get(path_of(provider))

    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_feed_is_only_read(client, provider, method):
    path = path_of(provider)
    before = dump()

    assert getattr(client, method)(path).status_code == 405
    assert dump() == before


@pytest.mark.parametrize("method", ["get", "head"])
def test_reading_a_feed_changes_nothing(client, provider, made, method):
    path = path_of(provider)
    before = dump()

    assert getattr(client, method)(path).status_code == 200
    assert dump() == before
