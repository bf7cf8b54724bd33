"""`/r/<token>/`: a guest's hold, confirmed by a link (R10)."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.test import Client as Browser
from django.utils.html import escape

from accounts.models import Provider, User
from booking.appointments.enums import Action, AppointmentStatus
from booking.appointments.operations import reschedule, take_action
from booking.links import HOLD, appointment_token, hold_link
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.reservations.enums import ReservationStatus
from booking.reservations.operations import expire_due, reserve
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    HoldFactory,
    ServiceFactory,
    UserFactory,
    at,
    minutes,
)
from tests.looking import broken_promises, dump

pytestmark = pytest.mark.provider(horizon_days=4)


MOMENT = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def guest(provider):
    """A client in the provider's address book, without a login."""
    return ClientFactory(owner=provider, user=None, name="Ada", timezone="Europe/Berlin")


@pytest.fixture
def held(provider, guest):
    return hold(provider, guest)


def hold(provider, guest, **arguments):
    """A hold that staff made for somebody who cannot log in."""
    return reserve(
        provider_id=provider.pk,
        client_id=guest.pk,
        starts_at=at("2026-03-04 09:00"),
        actor=SYSTEM,
        now=NOON,
        **arguments,
    )


def path_of(reservation):
    return hold_link(reservation).removeprefix("http://localhost:8000")


def text_of(answer):
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def posted(reservation, do="confirm", browser=None):
    return (browser or Browser()).post(path_of(reservation), {"do": do})


def status_of(reservation):
    return Reservation.objects.get(pk=reservation.pk).status


# --- Looking ----------------------------------------------------------------------------------------------------------


def test_hold_page_shows_the_time_in_the_clients_timezone(client, provider, held):
    text = text_of(client.get(path_of(held)))

    assert "Confirm your appointment" in text
    assert provider.name in text
    assert "Wednesday 4 March 2026 10:00 – 10:15 Europe/Berlin" in text
    assert "We're holding this time for you" in text


def test_hold_page_shows_the_service(client, provider, guest):
    service = ServiceFactory(name="First visit", providers=[provider])
    held = hold(provider, guest, service_id=service.pk)

    assert "First visit" in text_of(client.get(path_of(held)))


@pytest.mark.parametrize(
    ("zone", "told"),
    [("America/New_York", "4:00 AM – 4:15 AM America/New_York"), ("Mars/Olympus", "10:00 – 10:15 Europe/Berlin")],
)
def test_hold_page_shows_another_timezone_if_asked(client, held, zone, told):
    assert told in text_of(client.get(path_of(held), {"timezone": zone}))


def test_hold_page_names_both_days_of_a_time_over_midnight(client):
    held = HoldFactory(starts_at=at("2026-03-04 22:30"), ends_at=at("2026-03-05 00:30"), client__timezone="UTC")

    text = text_of(client.get(path_of(held)))

    assert "Wednesday 4 March 2026 22:30 – Thu 00:30" in text


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_hold_changes_nothing(client, held, method):
    before = dump()

    for _ in range(2):
        assert getattr(client, method)(path_of(held), {"do": "confirm"}).status_code == 200

    assert dump() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_hold_page_takes_no_other_methods(client, held, method):
    before = dump()

    assert getattr(client, method)(path_of(held)).status_code == 405
    assert dump() == before


def test_hold_page_escapes_what_people_write(client, held):
    Provider.objects.filter(pk=held.provider_id).update(name="<script>alert(1)</script>")

    page = client.get(path_of(held)).content.decode()

    assert "<script>" not in page
    assert escape("<script>alert(1)</script>") in page


def test_hold_page_runs_nothing_of_others_and_is_kept_by_nobody(client, held):
    answer = client.get(path_of(held))

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(rb"<script(?! src=\"/static/)|<style|style=|onclick|https?://", answer.content)


def test_hold_page_costs_one_query(client, held, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get(path_of(held))


# --- Confirming -------------------------------------------------------------------------------------------------------


def test_confirming_makes_the_appointment_and_shows_it(client, held):
    answer = client.post(path_of(held), {"do": "confirm"}, follow=True)

    made = Appointment.objects.get()
    assert answer.redirect_chain == [(path_of(held), 302), (f"/a/{appointment_token(made)}/", 302)]
    assert "Your appointment is booked" in text_of(answer)
    assert made.reservation_id == held.pk
    assert broken_promises() == {}


def test_confirming_is_the_guests_own_deed_through_a_page(held):
    posted(held)

    assert list(AppointmentEvent.objects.values_list("event", "user", "face")) == [("booked", None, "page")]


def test_confirming_twice_shows_the_same(client, held):
    once = client.post(path_of(held), {"do": "confirm"}, follow=True)
    twice = client.post(path_of(held), {"do": "confirm"}, follow=True)

    assert text_of(once) == text_of(twice)
    assert AppointmentEvent.objects.count() == 1


def test_confirming_awaits_approval_where_it_must(client, provider, guest):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    held = hold(provider, guest, service_id=service.pk)

    answer = client.post(path_of(held), {"do": "confirm"}, follow=True)

    assert "waiting for approval" in text_of(answer)
    assert Appointment.objects.get().status == AppointmentStatus.PENDING


@pytest.mark.parametrize("is_staff", [True, False])
def test_confirming_by_link_needs_approval_whoever_is_logged_in(client, provider, guest, is_staff):
    """The link acts for the client only, even if the provider or staff open it."""
    user = UserFactory(is_staff=is_staff)
    Provider.objects.filter(pk=provider.pk).update(user=user)
    guest.user = user
    guest.save()
    client.force_login(User.objects.get(pk=user.pk))
    service = ServiceFactory(needs_approval=True, providers=[provider])
    held = hold(provider, guest, service_id=service.pk)

    posted(held, browser=client)

    assert Appointment.objects.get().status == AppointmentStatus.PENDING
    assert AppointmentEvent.objects.get().user is None


def test_confirming_keeps_the_chosen_timezone(client, held):
    answer = client.post(f"{path_of(held)}?timezone=UTC", {"do": "confirm"}, follow=True)

    assert "09:00 – 09:15 UTC" in text_of(answer)


@pytest.mark.parametrize("body", [{}, {"do": ""}, {"do": "delete"}, {"confirm": "1"}])
def test_posting_anything_else_changes_nothing(client, held, body):
    before = dump()

    assert client.post(path_of(held), body).status_code == 302
    assert dump() == before


def test_posting_needs_the_pages_own_form(held):
    browser = Browser(enforce_csrf_checks=True)

    refused = browser.post(path_of(held), {"do": "confirm"})
    page = browser.get(path_of(held)).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    done = browser.post(path_of(held), {"do": "confirm", "csrfmiddlewaretoken": token})

    assert refused.status_code == 403
    assert "Please try again" in refused.content.decode()
    assert done.status_code == 302
    assert status_of(held) == ReservationStatus.CONFIRMED


# --- Releasing --------------------------------------------------------------------------------------------------------


def test_releasing_gives_the_time_back(client, held):
    answer = client.post(path_of(held), {"do": "release"}, follow=True)

    assert (answer.status_code, status_of(held)) == (410, ReservationStatus.RELEASED)
    assert "This hold was released" in text_of(answer)
    assert broken_promises() == {}


def test_releasing_a_confirmed_one_is_refused(client, held):
    posted(held)

    answer = client.post(path_of(held), {"do": "release"})

    assert (answer.status_code, status_of(held)) == (409, ReservationStatus.CONFIRMED)
    assert "Cancel the appointment instead" in text_of(answer)


def test_confirming_a_released_one_is_gone(client, held):
    posted(held, "release")

    assert posted(held).status_code == 410
    assert not Appointment.objects.exists()


# --- Too late ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tidied", [True, False])
def test_hold_page_is_gone_from_the_very_moment_the_hold_ends(client, held, tidied):
    with time_machine.travel(held.expires_at - MOMENT, tick=False):
        assert client.get(path_of(held)).status_code == 200
    with time_machine.travel(held.expires_at, tick=False):
        if tidied:
            expire_due(now=held.expires_at)
        looked, asked = client.get(path_of(held)), posted(held)

    assert (looked.status_code, asked.status_code) == (410, 410)
    assert "Your hold has expired" in text_of(looked)
    assert not Appointment.objects.exists()


def test_hold_page_of_a_cancelled_appointment_says_so(client, held):
    posted(held)
    take_action(
        appointment_id=Appointment.objects.get().pk,
        action=Action.CANCEL,
        actor=SYSTEM,
        now=NOON + minutes(1),
        reason="The doctor is ill",
    )

    text = text_of(client.get(path_of(held), follow=True))

    assert "This appointment was cancelled" in text
    assert "The doctor is ill" in text
    assert "Add to your calendar" not in text


def moved_twice(held):
    """An appointment made by the link, then moved by the office to 10:00 and to 10:15 in UTC."""
    posted(held)
    made = Appointment.objects.get()
    for number, starts_at in enumerate([at("2026-03-04 10:00"), at("2026-03-04 10:15")], 1):
        reschedule(appointment_id=made.pk, starts_at=starts_at, actor=SYSTEM, now=NOON + minutes(number))


def test_hold_page_of_an_appointment_that_was_moved_shows_it_as_it_is_now(client, held):
    moved_twice(held)

    text = text_of(client.get(path_of(held), follow=True))

    assert "Your appointment is booked" in text
    assert "Wednesday 4 March 2026 11:15 – 11:30 Europe/Berlin" in text


def test_confirming_once_more_what_was_moved_since_shows_it(client, held):
    moved_twice(held)

    answer = client.post(path_of(held), {"do": "confirm"}, follow=True)

    assert "11:15 – 11:30" in text_of(answer)
    assert Appointment.objects.get().starts_at == at("2026-03-04 10:15")


# --- Tokens -----------------------------------------------------------------------------------------------------------


TAMPERED = [
    "x",
    "%00",
    "ü",
    "%ED%A0%80",
    "a:b:c",
    "9" * 5000,
    signing.dumps(1, salt="booking.links.other"),
    signing.dumps("one", salt=HOLD),
    signing.dumps(1, salt=HOLD),
    signing.dumps([1], salt=HOLD),
    signing.dumps([1, 2, 3], salt=HOLD),
    signing.dumps([1, None], salt=HOLD),
    signing.dumps([2**62, 2**62], salt=HOLD),
    signing.dumps(2**62, salt=HOLD),
    signing.dumps(-1, salt=HOLD),
]


@pytest.mark.parametrize("token", TAMPERED, ids=range(len(TAMPERED)))
@pytest.mark.parametrize("method", ["get", "post"])
def test_tokens_we_did_not_sign_are_not_found(client, held, token, method):
    assert getattr(client, method)(f"/r/{token}/", {"do": "confirm"}).status_code == 404


def test_token_with_any_character_changed_is_not_found(client, held):
    token = path_of(held).split("/")[2]

    for number in range(0, len(token), 3):
        other = token[:number] + ("A" if token[number] != "A" else "B") + token[number + 1 :]
        assert client.get(f"/r/{other}/").status_code == 404
