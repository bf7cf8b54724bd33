"""Opt-outs are visible only to those who may know of them."""

from html import unescape
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils.translation import override

from accounts.models import User
from booking.appointments.enums import Event
from booking.appointments.messages import with_notification_note
from reminders.channels.sms import channel as sms
from reminders.models import Message, OptOut, Preferences
from reminders.skip_reasons import OPTED_OUT, reason_in_words
from tests.accounts.helpers import refusal
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    MessageFactory,
    ProviderFactory,
    UserFactory,
    appoint,
    at,
    open_provider,
    verified,
)
from tests.groups import FRONT_DESK, browser_of, staff_of

migration = import_module("reminders.migrations.0010_causes_are_codes")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

EMAIL, PHONE = "ada@example.org", "+4930123456"


@pytest.fixture(autouse=True)
def opted_out():
    OptOut.objects.create(channel="email", address=EMAIL, at=NOON, source="link")
    OptOut.objects.create(channel="sms", address=PHONE, at=NOON, source="sms")


@pytest.fixture
def kept(provider):
    """Somebody whose address a provider has just written down."""
    return ClientFactory(owner=provider, user=None, email=EMAIL, phone=PHONE)


def told(api, client):
    """Return the API's data about the addresses, by channel."""
    rows = api.get(f"/api/clients/{client.pk}/preferences").json()["addresses"]
    return {row["channel"]: (row["opted_out"], row["since"], row["source"]) for row in rows}


def write_to(client, provider, channel, outcome="sent", address=None):
    appointment = AppointmentFactory(reservation__provider=provider, reservation__client=client)
    message = MessageFactory(appointment=appointment, channel=channel)
    where = address or (EMAIL if channel == "email" else PHONE)
    DeliveryAttemptFactory(message=message, address=where, outcome=outcome)


NOTHING = (None, None, None)


def test_provider_is_told_nothing_of_an_address_they_wrote_down(provider_api, kept):
    assert told(provider_api, kept) == {"email": NOTHING, "sms": NOTHING}


def test_provider_is_told_of_the_address_they_wrote_to(provider_api, provider, kept):
    write_to(kept, provider, "email")

    answer = told(provider_api, kept)

    assert answer["email"][0] is True
    assert answer["email"][2] == "link"
    assert answer["sms"] == NOTHING


@pytest.mark.parametrize("outcome", ["failed", "refused"])
def test_provider_is_told_nothing_where_no_message_arrived(provider_api, provider, kept, outcome):
    write_to(kept, provider, "sms", outcome)

    assert told(provider_api, kept)["sms"] == NOTHING


def test_provider_is_told_nothing_of_an_address_written_down_after_the_message(provider_api, provider, kept):
    write_to(kept, provider, "email", address="before@example.org")

    assert told(provider_api, kept)["email"] == NOTHING


def test_provider_is_told_nothing_of_what_others_sent(provider_api, provider):
    client = ClientFactory(owner=provider, user=None, email=EMAIL)
    write_to(client, open_provider(), "email")

    assert told(provider_api, client)["email"] == NOTHING


def test_staff_are_told_who_may_see_opt_outs(kept):
    assert told(logged_in(staff_of(FRONT_DESK)), kept)["email"][0] is True
    looks_up_clients = UserFactory(staff=True)
    looks_up_clients.user_permissions.add(Permission.objects.get(codename="view_client"))
    assert told(logged_in(looks_up_clients), kept)["email"] == NOTHING


@pytest.mark.parametrize("is_verified", [True, False])
def test_client_is_told_of_their_own_email_once_it_is_verified(client, is_verified):
    user = UserFactory(email=EMAIL)
    ClientFactory(user=user, email=EMAIL, phone=PHONE)
    if is_verified:
        verified(user)
    user = User.objects.get(pk=user.pk)

    rows = logged_in(user).get("/api/me/preferences").json()["addresses"]
    page = browser_of(user).get("/me/reminders/").content.decode()
    archive = logged_in(user).get("/api/opt-outs").json()["results"]

    assert [row["opted_out"] for row in rows] == [is_verified or None, None]
    assert ("No reminders since" in page, "No SMS since" in page) == (is_verified, False)
    assert bool(archive) == is_verified


@pytest.mark.parametrize("stands", [True, False])
def test_client_cannot_find_out_by_taking_it_back(stands):
    if not stands:
        OptOut.objects.all().delete()
    user = UserFactory(email=EMAIL)
    ClientFactory(user=user, email=EMAIL)
    browser = browser_of(user)

    answer = browser.post("/me/reminders/", {"do": "back", "channel": "email"})

    assert answer.status_code == 403
    assert OptOut.objects.standing().filter(address=EMAIL).exists() == stands


# --- Why a message was not sent ---------------------------------------------------------------------------------------

UNREACHABLE = "contact the client there. The address may be"
TELLING = [OPTED_OUT, "Twilio 21610: Attempt to send to unsubscribed recipient", "undelivered 21610"]
LATE, NOT_SERVED = "It was too late to be useful.", "Text messages do not go to this country."
LIKE_IT = [
    sms.NOT_VERIFIED,
    sms.NOT_SERVED,
    f"{LATE} {OPTED_OUT}",
    f"{LATE} Twilio 21610: Attempt to send",
    "Twilio 21614: no mobile",
]


@pytest.fixture
def not_sent(provider, kept):
    """A message of the provider's that was not sent for some reason."""

    def make(reason, status="failed"):
        message = MessageFactory(
            appointment=AppointmentFactory(reservation__provider=provider, reservation__client=kept),
            channel="sms",
            status=status,
            error=reason,
        )
        DeliveryAttemptFactory(message=message, address=PHONE, outcome="refused", error=reason)
        return message

    return make


def faces_of(message, api, browser, dashboard="/dashboard"):
    """Return all texts about a message that its readers see."""
    made = f"/api/appointments/{message.appointment_id}/reminders?kind=any"
    apis = [f"/api/reminders/{message.pk}", f"/api/reminders/{message.pk}/attempts", "/api/reminders?kind=any", made]
    pages = [f"{dashboard}/reminders/{message.pk}/", f"{dashboard}/reminders/"] if dashboard else []
    return [api.get(path) for path in apis] + [browser.get(path) for path in pages]


@pytest.mark.parametrize("reason", TELLING + LIKE_IT)
def test_provider_reads_the_same_of_every_address_that_cannot_be_written_to(provider, provider_api, not_sent, reason):
    message = not_sent(reason)

    for answer in faces_of(message, provider_api, browser_of(provider.user)):
        said = answer.content.decode()
        assert answer.status_code == 200
        assert UNREACHABLE in said
        assert reason not in said
        assert reason_in_words(reason) not in said


def test_staff_read_the_cause_in_their_language(not_sent):
    message = Message.objects.with_causes(staff_of(FRONT_DESK)).get(pk=not_sent(OPTED_OUT).pk)

    assert message.reason == "The client opted out."
    with override("de"):
        assert message.reason == "Der Kunde hat abbestellt."


@pytest.mark.parametrize(
    ("sentence", "code", "back"),
    [
        ("Der Kunde hat sich abgemeldet.", OPTED_OUT, "The client opted out."),
        (f"{LATE} Les SMS ne sont pas envoyés vers ce pays.", f"{LATE} {sms.NOT_SERVED}", f"{LATE} {NOT_SERVED}"),
        ("550 no such mailbox", "550 no such mailbox", "550 no such mailbox"),
    ],
)
def test_sentences_of_before_become_codes_and_back(not_sent, sentence, code, back):
    message = not_sent(sentence)

    migration.write_codes(apps, None)
    assert Message.objects.get(pk=message.pk).error == code

    migration.write_words(apps, None)
    assert Message.objects.get(pk=message.pk).error == back


@pytest.mark.parametrize("reason", ["Twilio 21617: too much to say", "550 no such mailbox", "No longer applies."])
def test_provider_reads_what_tells_nothing_of_an_opt_out(provider_api, not_sent, reason):
    assert provider_api.get(f"/api/reminders/{not_sent(reason).pk}").json()["error"] == reason


@pytest.mark.parametrize("reason", TELLING)
def test_client_reads_it_neither_of_an_address_that_may_not_be_theirs(provider, reason):
    user = UserFactory()
    made = AppointmentFactory(reservation__provider=provider, reservation__client=ClientFactory(user=user, phone=PHONE))
    message = MessageFactory(appointment=made, channel="sms", status="cancelled", error=reason)

    assert UNREACHABLE in logged_in(user).get(f"/api/reminders/{message.pk}").json()["error"]


@pytest.mark.parametrize("reason", TELLING)
def test_staff_read_the_cause_who_may_see_opt_outs(not_sent, reason):
    message = not_sent(reason)
    may, may_not = staff_of(FRONT_DESK), UserFactory(staff=True)
    for codename in ("view_message", "view_appointment", "view_deliveryattempt"):
        may_not.user_permissions.add(Permission.objects.get(codename=codename))
    admin = [
        f"/admin/reminders/message/{message.pk}/change/",
        f"/admin/booking/appointment/{message.appointment_id}/change/",
        "/admin/reminders/message/",
        "/admin/",
    ]

    for user, reads in ((may, True), (User.objects.get(pk=may_not.pk), False)):
        browser, api = browser_of(user), logged_in(user)
        for answer in [*faces_of(message, api, browser, dashboard=""), *(browser.get(path) for path in admin)]:
            said = unescape(answer.content.decode())
            assert answer.status_code == 200
            told = (reason_in_words(reason) in said, UNREACHABLE in said)
            assert told == (reads, not reads), answer.request["PATH_INFO"]


def test_provider_is_told_to_tell_them_in_the_same_words(provider):
    """One who said STOP, one whose phone is not verified; and one who is told."""
    said = []
    for hour, phone, verified_phone in ((9, PHONE, PHONE), (10, "+4930123457", ""), (11, "+4930123458", "+4930123458")):
        numbers = {"phone": phone, "verified_phone": verified_phone}
        client = ClientFactory(owner=provider, user=None, name="Ada", email="", **numbers)
        Preferences.objects.create(client=client, channels=["sms"], updated_at=NOON)
        made = appoint(provider, at(f"2026-03-04 {hour:02}:00"), client=client, actor=SYSTEM)
        said.append(with_notification_note("Booked.", made, Event.BOOKED))

    assert said == ["Booked. We have no way to contact Ada. Please tell them yourself."] * 2 + [
        "Booked. We've notified Ada."
    ]


# --- A provider's clients ---------------------------------------------------------------------------------------------


@pytest.fixture
def booked(provider):
    """Somebody registered who has booked with the provider."""
    client = ClientFactory(notes="Of the office")
    appoint(provider, at("2026-03-04 11:00"), client=client)
    return client


def test_provider_sees_by_the_api_whom_their_dashboard_shows(provider, provider_api, kept, booked):
    ClientFactory()
    ClientFactory(owner=ProviderFactory())

    listed = provider_api.get("/api/clients").json()["results"]
    page = browser_of(provider.user).get("/dashboard/clients/").context["page"]

    assert {row["id"] for row in listed} == {row.pk for row in page} == {kept.pk, booked.pk}
    one = provider_api.get(f"/api/clients/{booked.pk}").json()
    assert (one["email"], one["owner"], "notes" in one) == (booked.email, None, False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "/api/clients/{}", {"name": "Another"}),
        ("delete", "/api/clients/{}", {}),
        ("post", "/api/clients/{}/erase", {}),
    ],
)
def test_provider_changes_nothing_of_whom_they_only_see(provider_api, booked, method, path, body):
    answer = getattr(provider_api, method)(path.format(booked.pk), body)

    assert refusal(answer)[0] == 403
    booked.refresh_from_db()
    assert booked.name != "Another"


def test_provider_is_told_no_wishes_of_whom_they_only_see(provider_api, booked):
    path = f"/api/clients/{booked.pk}/preferences"

    assert provider_api.get(path).status_code == 404
    assert provider_api.patch(path, {"language": "de"}).status_code == 404
    assert provider_api.post("/api/feeds", {"client": booked.pk}).status_code == 404
