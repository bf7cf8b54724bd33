"""`/h/<token>/`: the details for a held time, and the steps from there to the appointment."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser

from accounts.models import Client
from booking.appointments.unconverted import purge_visitors
from booking.links import details_token, hold_link
from booking.models import Appointment, Reservation
from booking.reservations.operations import expire_due
from reminders.models import Message, Preferences
from tests.factories import MAYA, NOON, ClientFactory, UserFactory, at, hold, minutes
from tests.html import text_of, times_of
from tests.looking import broken_promises

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(**MAYA)]


ADA = {"do": "details", "name": "Ada", "email": "Ada@example.org", "note": "My knee hurts"}


def take(browser, provider, path, time="2026-03-03T12:00:00Z"):
    """Hold a time as a visitor does, and return the path of the form for the details."""
    return browser.post(path, {"at": f"{provider.pk}@{time}"}).headers["Location"]


@pytest.fixture
def taken(client, provider, path):
    return take(client, provider, path)


def at_the_end():
    return time_machine.travel(NOON + minutes(30), tick=False)


def mailed_link():
    message = Message.objects.get(kind="hold")
    return hold_link(message.reservation).removeprefix("http://localhost:8000")


def test_details_page_says_what_is_held_and_until_when(client, taken):
    answer = client.get(taken)

    text = text_of(answer)
    assert "We're holding this time for you – 10 minutes left" in text
    assert "First visit With Maya Lindqvist Date and time Tuesday 3 March 2026 12:00 – 12:45 UTC" in text
    assert 'data-until="2026-03-02T12:10:00+00:00"' in answer.content.decode()


def test_details_are_kept_and_the_link_is_mailed_only_then(client, taken):
    assert not Message.objects.exists()

    answer = client.post(taken, ADA | {"phone": "+493023125000"}, follow=True)

    assert "Check your email" in text_of(answer)
    assert "We have sent a link to ada@example.org" in text_of(answer)
    held = Reservation.objects.select_related("client").get()
    assert (held.client.name, held.client.email, held.note) == ("Ada", "ada@example.org", "My knee hurts")
    assert [message.kind for message in Message.objects.all()] == ["hold"]
    assert not Appointment.objects.exists()


def test_whole_way_from_the_front_page_to_the_appointment(client, provider, service, path):
    assert "/p/maya/" in client.get("/").content.decode()
    assert path in client.get("/p/maya/").content.decode()
    first = next(iter(times_of(client.get(path))))
    details = client.post(path, {"at": first}).headers["Location"]
    client.post(details, ADA)
    link = mailed_link()
    assert "Confirm your appointment" in text_of(client.get(link))

    answer = client.post(link, {"do": "confirm"}, follow=True)

    assert re.match(r"/a/[^/]+/$", answer.request["PATH_INFO"])
    assert "Your appointment is booked" in text_of(answer)
    made = Appointment.objects.get()
    assert (made.description, made.client.name) == ("My knee hurts", "Ada")
    assert broken_promises() == {}


def test_details_work_without_cookies(provider, path):
    """As in a frame: each request comes from a browser without cookies, and fetches a CSRF token."""
    taken = take(Browser(enforce_csrf_checks=True), provider, f"{path}?embed=1")
    answer = Browser(enforce_csrf_checks=True).post(taken, ADA)

    assert answer.status_code == 302
    assert "Check your email" in text_of(Browser().get(taken))


def test_outside_frames_taking_a_time_needs_the_pages_own_form(provider, path):
    refused = Browser(enforce_csrf_checks=True).post(path, {"at": f"{provider.pk}@2026-03-03T12:00:00Z"})

    assert refused.status_code == 403


def test_taking_in_a_frame_is_never_done_as_who_is_logged_in(client, provider, path):
    client.force_login(ClientFactory().user)

    take(client, provider, f"{path}?embed=1")

    assert Reservation.objects.get().client.user is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "A\nB"}, "Control characters"),
        ({"email": "ada"}, "Enter a valid email address."),
        ({"phone": "12"}, "phone number"),
        ({"by_sms": "on"}, "Enter your phone number to get text messages."),
    ],
)
def test_errors_stand_at_their_field_and_nothing_is_lost(client, taken, wrong, said):
    answer = client.post(taken, ADA | wrong)

    assert said in text_of(answer)
    assert "My knee hurts" in answer.content.decode()
    assert not Message.objects.exists()


def test_wishes_are_remembered(client, taken):
    client.post(taken, ADA | {"phone": "+493023125000", "by_sms": "on"}, headers={"Accept-Language": "de"})

    wishes = Preferences.objects.get()
    assert (wishes.channels, wishes.language) == (["email", "sms"], "de")


def test_email_of_somebody_registered_stays_theirs(client, taken):
    registered = ClientFactory(email="ada@example.org", user=UserFactory(email="ada@example.org"))

    answer = client.post(taken, ADA, follow=True)

    assert "Check your email" in text_of(answer)
    assert Reservation.objects.get().client != registered
    assert Reservation.objects.get().client.user is None


def test_link_is_sent_once_more_to_another_address(client, taken):
    client.post(taken, ADA | {"email": "adda@example.org"})
    mistyped = mailed_link()
    client.post(taken, ADA)

    assert client.get(mistyped).status_code == 404
    assert Reservation.objects.get().client.email == "ada@example.org"
    assert client.post(taken, ADA).status_code == 409
    assert Message.objects.filter(kind="hold").count() == 2


def test_other_details_for_a_second_hold_leave_the_first_as_it_was(client, provider, path, taken):
    client.post(taken, ADA)
    second = take(client, provider, path, "2026-03-03T14:00:00Z")

    client.post(second, ADA | {"name": "Bob", "email": "bob@example.org"})

    assert sorted(Reservation.objects.values_list("client__name", flat=True)) == ["Ada", "Bob"]


def test_choosing_another_time_keeps_this_one_meanwhile(client, taken, path):
    assert f'href="{path}"' in client.get(taken).content.decode()


def test_hold_given_up_for_another_time_leads_on_to_that_one(client, provider, taken, path):
    other = take(client, provider, path, "2026-03-03T14:00:00Z")

    answer = client.get(taken)

    assert answer.status_code == 410
    assert f"We are holding Tuesday, 3 March 2026, 14:00 with {provider.name} for you until 12:10." in text_of(answer)
    assert f'href="{other}"' in answer.content.decode()


def test_time_that_is_not_needed_is_given_back(client, taken, path):
    answer = client.post(taken, {"do": "release"})

    assert answer.headers["Location"] == path
    assert Reservation.objects.get().status == "released"


# --- Too late ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tidied", [True, False])
def test_expired_hold_keeps_what_was_typed_and_offers_other_times(client, taken, tidied):
    with at_the_end():
        if tidied:
            expire_due(now=NOON + minutes(30))
        answer = client.post(taken, ADA)

    assert answer.status_code == 410
    assert "Your hold has expired" in text_of(answer)
    assert "My knee hurts" in answer.content.decode()
    assert len(times_of(answer)) == 3


def test_time_offered_instead_is_taken_with_what_was_typed(client, provider, taken):
    with at_the_end():
        offered = next(iter(times_of(client.get(taken))))
        answer = client.post(taken, ADA | {"do": "", "at": offered}, follow=True)

    assert "Check your email" in text_of(answer)
    assert Reservation.objects.get(status="held").client.name == "Ada"


def test_time_offered_instead_is_held_while_details_are_missing(client, taken):
    with at_the_end():
        offered = next(iter(times_of(client.get(taken))))
        answer = client.post(taken, {"name": "Ada", "at": offered})

    assert answer.status_code == 200
    assert 'value="Ada"' in answer.content.decode()
    assert Reservation.objects.filter(status="held", expires_at__gt=NOON + minutes(30)).count() == 1


def test_when_the_clock_has_run_out_what_was_typed_is_shown_again_and_not_sent(client, taken):
    answer = client.post(taken, ADA | {"do": "look"})

    assert 'value="Ada"' in answer.content.decode()
    assert not Message.objects.exists()


# --- With a login -----------------------------------------------------------------------------------------------------


def test_registered_client_confirms_on_the_page(client, provider, path):
    booker = ClientFactory()
    client.force_login(booker.user)
    taken = take(client, provider, path)

    answer = client.post(taken, {"do": "confirm", "note": "My knee hurts"}, follow=True)

    assert "Your appointment is booked" in text_of(answer)
    made = Appointment.objects.get()
    assert (made.client, made.description) == (booker, "My knee hurts")
    assert answer.redirect_chain == [(f"/me/appointments/{made.pk}/", 302)]  # no link that only a mail should give


def test_registered_client_who_has_booked_all_they_may_is_told_and_keeps_the_hold(client, provider, path, settings):
    settings.MAX_OPEN_APPOINTMENTS_UNVERIFIED = 0
    client.force_login(ClientFactory().user)
    taken = take(client, provider, path)

    answer = client.post(taken, {"do": "confirm", "note": "My knee hurts"})

    assert answer.status_code == 409
    assert "Verify your email to book more" in text_of(answer)
    assert "My knee hurts" in answer.content.decode()
    assert Reservation.objects.get().status == "held"


def test_guest_who_has_booked_all_they_may_is_told(client, taken, settings):
    settings.MAX_OPEN_APPOINTMENTS = 0
    client.post(taken, ADA)

    answer = client.post(mailed_link(), {"do": "confirm"})

    assert answer.status_code == 409
    assert "limit of 0 upcoming" in text_of(answer)


def test_registered_clients_hold_is_nobody_elses_business(provider):
    held = hold(provider, at("2026-03-03 12:00"))

    answer = Browser().get(f"/h/{details_token(held)}/")

    assert answer.headers["Location"].startswith("/account/login/")


def test_registered_client_needs_the_pages_own_form(provider):
    booker = ClientFactory()
    held = hold(provider, at("2026-03-03 12:00"), client=booker)
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(booker.user)

    assert browser.post(f"/h/{details_token(held)}/", {"do": "confirm"}).status_code == 403


# --- Tokens and tidying -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "%00", "a:b:c", "9" * 5000])
@pytest.mark.parametrize("kind", ["h", "r", "a"])
def test_tokens_we_did_not_sign_are_not_found(client, kind, token):
    assert client.get(f"/{kind}/{token}/").status_code == 404


def test_token_for_details_confirms_nothing(client, taken):
    token = taken.split("/")[2]

    assert client.post(f"/r/{token}/", {"do": "confirm"}).status_code == 404
    client.post(taken, {"do": "confirm"})
    assert not Appointment.objects.exists()


def test_visitors_who_said_nothing_are_forgotten(client, taken):
    later = NOON + timedelta(days=1, seconds=1)
    expire_due(now=later)

    assert purge_visitors(now=later) == 1
    assert not Client.objects.filter(name="").exists()
    assert not Reservation.objects.exists()


def test_visitors_who_said_who_they_are_are_kept(client, taken):
    client.post(taken, ADA)
    later = NOON + timedelta(days=2)
    expire_due(now=later)

    assert purge_visitors(now=later) == 0
    assert Client.objects.filter(name="Ada").exists()


def test_details_page_costs_a_constant_number_of_queries(client, taken, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        client.get(taken)
    with at_the_end(), django_assert_max_num_queries(4):
        client.get(taken)


# --- What is mailed ---------------------------------------------------------------------------------------------------


def test_mailbox_gets_three_links_an_hour_whoever_asks(provider, path, throttle):
    throttle["mail"] = "3/hour"

    def asks(email, hour):
        browser = Browser()
        return browser.post(take(browser, provider, path, f"2026-03-04T{hour}:00:00Z"), ADA | {"email": email})

    for hour in (9, 10, 11):
        assert asks(f"ada+{hour}@example.org", f"{hour:02}").status_code == 302
    answer = asks("ada@example.org", "13")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 3600
    assert Message.objects.filter(kind="hold").count() == 3
    assert asks("bob@example.org", "14").status_code == 302


def test_text_messages_are_offered_where_something_sends_them(client, taken, settings):
    assert "by_sms" in client.get(taken).content.decode()

    settings.SMS_GATEWAY = "none"

    assert "by_sms" not in client.get(taken).content.decode()
    assert client.post(taken, ADA | {"by_sms": "on", "phone": "+493023125000"}).status_code == 302
    assert Preferences.objects.get().channels is None
