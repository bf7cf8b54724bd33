"""The last look at a message before it is sent."""

import pytest

from booking.appointments.enums import AppointmentStatus
from booking.reservations.enums import ReservationStatus
from reminders.dispatch.leases import reload
from reminders.dispatch.skipping import silenced, skip_reason
from reminders.enums import MessageKind, MessageStatus, OptOutSource, Recipient
from reminders.models import Message, OptOut
from reminders.skip_reasons import OPTED_OUT
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    HoldFactory,
    ReservationFactory,
    WebhookEndpointFactory,
    at,
)
from tests.reminders.dispatch.helpers import INSTANT, a_reminder, owed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_shipped")]


def verdict(message, now=NOON) -> tuple | None:
    [found] = reload([message.pk])
    answer = skip_reason(found, now, silenced([found]))
    return answer and (answer[0], str(answer[1]))


NO_LONGER_SO = (MessageStatus.CANCELLED, "No longer applies.")
UNWANTED = (MessageStatus.CANCELLED, OPTED_OUT)


def test_nothing_speaks_against_what_still_stands():
    assert verdict(a_reminder()) is None


def test_what_helps_nobody_any_more_has_expired_from_that_very_moment_on():
    message = a_reminder()
    start = message.useful_until

    assert verdict(message, start - INSTANT) is None
    assert verdict(message, start) == (MessageStatus.EXPIRED, "It was too late to be useful.")


@pytest.mark.parametrize("status", [MessageStatus.CANCELLED, MessageStatus.SENT])
def test_what_was_withdrawn_stays_as_it_is(status):
    message = a_reminder()
    Message.objects.update(status=status, error="so it is", sent_at=NOON)

    assert verdict(message) == (status, "so it is")


@pytest.mark.parametrize(
    ("kind", "true_of"),
    [
        (MessageKind.BOOKED, {"scheduled"}),
        (MessageKind.APPROVED, {"scheduled"}),
        (MessageKind.PENDING, {"pending"}),
        (MessageKind.MOVED, {"scheduled", "pending"}),
        (MessageKind.DECLINED, {"declined"}),
        (MessageKind.CANCELLED, {"cancelled"}),
        (MessageKind.REMINDER, {"scheduled"}),
    ],
)
def test_message_is_sent_while_it_is_true(kind, true_of):
    message = a_reminder() if kind == MessageKind.REMINDER else owed(kind=kind)
    found = {}
    for status in AppointmentStatus:
        message.appointment.status = status
        message.appointment.save()
        found[str(status)] = verdict(message)

    assert found == {status: None if status in true_of else NO_LONGER_SO for status in AppointmentStatus.values}


def test_message_about_a_time_the_appointment_has_left_is_not_sent():
    message = a_reminder()
    message.appointment.reservation = ReservationFactory(starts_at=at("2026-03-09 12:00"))
    message.appointment.save()

    assert verdict(message) == NO_LONGER_SO


def test_link_to_confirm_is_sent_while_the_hold_is_held():
    held = HoldFactory()
    message = owed(kind=MessageKind.HOLD, appointment=None, reservation=held, useful_until=held.expires_at)
    assert verdict(message) is None

    held.status = ReservationStatus.RELEASED
    held.closed_at = NOON
    held.save()

    assert verdict(message) == NO_LONGER_SO


@pytest.mark.parametrize(("channel", "gone"), [("email", {"email": ""}), ("sms", {"phone": ""})])
def test_message_without_an_address_is_not_sent(channel, gone):
    client = ClientFactory(phone="+4930123456")
    message = a_reminder(channel=channel, appointment=AppointmentFactory(reservation__client=client))
    assert verdict(message) is None

    for name, value in gone.items():
        setattr(client, name, value)
    client.save()

    assert verdict(message) == (MessageStatus.CANCELLED, "No address to send it to.")


def test_provider_who_left_is_told_nothing():
    message = owed(recipient=Recipient.PROVIDER)
    assert verdict(message) is None

    user = message.reservation.provider.user
    user.is_active = False
    user.save()

    assert verdict(message) == (MessageStatus.CANCELLED, "No address to send it to.")


@pytest.mark.parametrize(
    ("channel", "kind", "wanted"),
    [
        ("email", MessageKind.REMINDER, UNWANTED),
        ("email", MessageKind.BOOKED, None),
        ("sms", MessageKind.REMINDER, UNWANTED),
        ("sms", MessageKind.BOOKED, UNWANTED),
    ],
)
def test_client_who_opted_out_gets_no_reminders_and_no_text_messages(channel, kind, wanted):
    client = ClientFactory(phone="+4930123456")
    appointment = AppointmentFactory(reservation__client=client)
    fields = {"channel": channel, "appointment": appointment}
    message = a_reminder(**fields) if kind == MessageKind.REMINDER else owed(kind=kind, **fields)
    address = client.email if channel == "email" else "+4930123456"
    out = OptOut.objects.create(channel=channel, address=address, at=NOON, source=OptOutSource.LINK)
    assert verdict(message) == wanted

    out.ended_at = NOON
    out.save()

    assert verdict(message) is None


def test_disabled_webhook_is_told_nothing():
    endpoint = WebhookEndpointFactory(disabled_at=NOON)
    message = owed(kind=MessageKind.EVENT, channel="webhook", endpoint=endpoint)

    assert verdict(message) == (MessageStatus.FAILED, "The webhook is disabled.")


def test_silenced_are_pairs_of_channel_and_address():
    """An address that opted out on one channel says nothing about the other."""
    client = ClientFactory(email="ada@example.org", phone="+4930901820")
    message = a_reminder(appointment__reservation__client=client)
    for channel, address in [("email", "+4930901820"), ("sms", "ada@example.org"), ("sms", "+4930901820")]:
        OptOut.objects.create(channel=channel, address=address, at=NOON, source=OptOutSource.LINK)

    assert silenced([message]) == {("sms", "+4930901820")}
