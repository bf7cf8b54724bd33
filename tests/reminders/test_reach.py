"""No text message goes to a phone that is not verified, and nothing on behalf of a provider who is not vetted."""

import pytest

from accounts.models import VETTED, Client, Provider
from booking.appointments.enums import Action, Event
from booking.appointments.operations import reschedule, take_action
from reminders.channels.registry import personal
from reminders.channels.sms.channel import NOT_VERIFIED
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import Message, Preferences, WebhookEndpoint
from reminders.notices import reaches_client
from reminders.plan.operations import replan_all
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    EventMessageFactory,
    MessageFactory,
    WebhookEndpointFactory,
    actor_of,
    appoint,
    at,
)
from tests.reminders.helpers import send

pytestmark = pytest.mark.django_db

PHONE = "+12025550143"
NOT_VETTED = "The provider is not approved, or their email is not verified."


@pytest.fixture
def texts(settings, tmp_path):
    """Return the SMS sent."""
    settings.SMS_GATEWAY, settings.SMS_FILE = "file", str(tmp_path / "sms.txt")
    path = tmp_path / "sms.txt"
    return lambda: path.read_text() if path.exists() else ""


def by_sms(**fields) -> Client:
    """A client who wants SMS and nothing else."""
    client = ClientFactory(phone=PHONE, **fields)
    Preferences.objects.create(client=client, channels=["sms"], updated_at=NOON)
    return client


def owed(kind: MessageKind, client: Client, **fields) -> Message:
    """A message of a kind, due now, about an appointment in the state in which it is told."""
    states = {
        MessageKind.PENDING: "pending",
        MessageKind.DECLINED: "declined",
        MessageKind.CANCELLED: "cancelled",
        MessageKind.HOLD_EXPIRED: "scheduled",
    }
    status = states.get(kind, "scheduled")
    made = AppointmentFactory(reservation__client=client, status=status)
    if kind == MessageKind.HOLD:
        type(made.reservation).objects.filter(pk=made.reservation_id).update(
            status="held", expires_at=at("2026-03-02 12:30")
        )
    offset = "1 day" if kind == MessageKind.REMINDER else ""
    details = {"from": "2026-03-03T08:00:00Z"} if kind == MessageKind.MOVED else {}
    values = {"kind": kind, "channel": "sms", "offset": offset, "details": details, "status": "pending"}
    return MessageFactory(appointment=made, **values | fields)


KINDS = [kind for kind in MessageKind if kind not in (MessageKind.EVENT, MessageKind.ACCOUNT)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_message_goes_to_a_phone_that_is_not_verified(kind, texts):
    message = owed(kind, by_sms(verified_phone=""))

    send(NOON)

    message.refresh_from_db()
    assert (texts(), message.status, message.error) == ("", MessageStatus.CANCELLED, NOT_VERIFIED)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (MessageKind.HOLD, MessageKind.HOLD_EXPIRED)])
def test_every_kind_of_text_message_goes_to_a_phone_that_is(kind, texts):
    message = owed(kind, by_sms())

    send(NOON)

    message.refresh_from_db()
    assert (PHONE in texts(), message.status) == (True, MessageStatus.SENT)


def test_what_happens_to_an_appointment_is_not_texted_to_a_phone_that_is_not_verified(provider, texts):
    client = by_sms(verified_phone="")
    made = appoint(provider, at("2026-03-04 10:00"), client=client)
    send(NOON)
    reschedule(appointment_id=made.pk, starts_at=at("2026-03-04 11:00"), actor=actor_of(client), now=NOON)
    send(NOON)
    send(at("2026-03-03 11:00"))
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=actor_of(client), now=at("2026-03-03 11:30"))
    send(at("2026-03-03 11:30"))

    told = Message.objects.filter(channel="sms")
    assert texts() == ""
    assert set(told.values_list("kind", flat=True)) == {"booked", "moved", "cancelled", "reminder"}
    assert NOT_VERIFIED in set(told.values_list("error", flat=True))


def test_what_happens_to_an_appointment_is_texted_to_a_phone_that_is(provider, texts):
    appoint(provider, at("2026-03-04 10:00"), client=by_sms())

    send(NOON)

    assert PHONE in texts()


def test_number_changed_after_planning_gets_nothing(provider, texts):
    client = by_sms()
    appoint(provider, at("2026-03-04 10:00"), client=client)
    Client.objects.filter(pk=client.pk).update(phone="+12025550144")

    send(NOON)

    assert texts() == ""


def test_number_verified_after_booking_is_reminded(provider, texts):
    client = by_sms(verified_phone="")
    appoint(provider, at("2026-03-04 10:00"), client=client)
    Client.objects.filter(pk=client.pk).update(verified_phone=PHONE)

    send(at("2026-03-03 10:00"))

    assert PHONE in texts()


def test_planning_anew_does_not_text_what_was_withheld(provider, texts):
    client = by_sms(verified_phone="")
    appoint(provider, at("2026-03-04 10:00"), client=client)
    send(at("2026-03-03 10:00"))

    replan_all(now=at("2026-03-03 10:01"))
    send(at("2026-03-03 10:01"))

    assert texts() == ""


def test_client_with_nothing_but_an_unverified_phone_is_not_reached(provider):
    made = appoint(provider, at("2026-03-04 10:00"), client=by_sms(verified_phone=""))

    assert not reaches_client(appointment=made, event=Event.BOOKED)


def test_client_with_a_verified_phone_is_reached(provider):
    assert reaches_client(appointment=appoint(provider, at("2026-03-04 10:00"), client=by_sms()), event=Event.BOOKED)


@pytest.mark.parametrize(("countries", "goes"), [([], True), (["US", "DE"], True), (["CA", "DE"], False)])
def test_countries_that_are_served_are_those_of_the_setting(settings, countries, goes):
    settings.SMS_COUNTRIES = countries

    assert (personal("sms").refusal(by_sms()) == "") is goes


# --- On behalf of whom ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fact", VETTED)
def test_nothing_goes_to_clients_of_a_provider_who_is_not_vetted(kind, channel, fact, texts, mailoutbox):
    message = owed(kind, by_sms(), channel=channel)
    Provider.objects.update(**{fact: False})

    send(NOON)

    message.refresh_from_db()
    assert (texts(), mailoutbox, message.error) == ("", [], NOT_VETTED)


def test_no_webhook_is_told_of_a_provider_who_is_not_vetted():
    message = EventMessageFactory(status="pending")
    Provider.objects.update(is_approved=False)

    send(NOON)

    message.refresh_from_db()
    assert (message.status, message.error) == (MessageStatus.CANCELLED, NOT_VETTED)


def test_provider_is_told_at_their_own_mailbox_in_any_case(mailoutbox):
    message = owed(MessageKind.BOOKED, by_sms(), channel="email", recipient=Recipient.PROVIDER)
    Provider.objects.update(is_approved=False)

    send(NOON)

    assert message.reservation.provider.user.email in mailoutbox[0].to[0]


def test_nothing_is_planned_for_a_provider_who_is_not_vetted(provider):
    WebhookEndpointFactory(provider=provider)
    made = appoint(provider, at("2026-03-04 10:00"))
    Message.objects.all().delete()
    Provider.objects.update(is_approved=False)

    replan_all(now=NOON)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=actor_of(provider), now=NOON)

    assert WebhookEndpoint.objects.exists()
    assert set(Message.objects.values_list("recipient", "channel")) == {("provider", "email")}
