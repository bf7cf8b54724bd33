"""Examples of webhooks for the documentation, written by the code that sends them. Nothing is saved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.utils import translation
from standardwebhooks import Webhook

from accounts.models import Client, Provider
from booking.appointments.transitions import ENDS, AppointmentStatus
from booking.models import Appointment, Reservation, Service
from reminders.channels.base import OutgoingMessage
from reminders.channels.email.channel import EmailChannel
from reminders.channels.webhook.channel import WebhookChannel, headers
from reminders.enums import MessageKind
from reminders.models import Message
from reminders.webhooks.events import REMINDER_DUE, REMINDER_FAILED, REMINDER_SENT, event_name
from reminders.webhooks.payloads import envelope, event_data, reminder_data

AT = datetime(2030, 5, 6, 8, 0, tzinfo=UTC)
KEY = UUID("0191f2a4-7c3e-7d52-9f41-2b6a9c8e1d05")
URL = "https://practice.example.org/hooks"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105  (of the example)

STATUS_AFTER = {
    "appointment.pending": AppointmentStatus.PENDING,
    **{event_name(event, status): status for event, status in ENDS.items()},
}
"""The status after an event. Others leave the appointment scheduled."""

REMINDER_EVENTS = (REMINDER_DUE, REMINDER_SENT, REMINDER_FAILED)


def example_body(name: str) -> bytes:
    """Return the body of a request for the event of this name."""
    with translation.override("en"):
        return envelope(_message(name))


def example(name: str) -> dict[str, Any]:
    """Return the body of a request for the event of this name, parsed."""
    body: dict[str, Any] = orjson.loads(example_body(name))
    return body


def example_headers(name: str) -> dict[str, str]:
    """Return the headers of a request for that event at AT, signed with SECRET."""
    body = example_body(name)
    sent = headers(OutgoingMessage(KEY, URL, body=body, secrets=(SECRET,)))
    sent["webhook-timestamp"] = str(int(AT.timestamp()))
    sent["webhook-signature"] = Webhook(SECRET).sign(sent["webhook-id"], AT, body.decode())
    return sent


def _message(name: str) -> Message:
    appointment = example_appointment(STATUS_AFTER.get(name, AppointmentStatus.SCHEDULED))
    sending = Message(key=KEY, kind=MessageKind.EVENT, channel=WebhookChannel.name, created_at=AT)
    if name == REMINDER_DUE:
        sending.pk, sending.kind, sending.offset, sending.appointment = 9, MessageKind.REMINDER, "1 day", appointment
    elif name in REMINDER_EVENTS:
        reminder = Message(
            pk=9, kind=MessageKind.REMINDER, channel=EmailChannel.name, offset="1 day", appointment=appointment
        )
        sending.details = {"type": name, "data": reminder_data(reminder)}
    else:
        sending.details = {"type": name, "data": event_data(appointment)}
    return sending


def example_appointment(status: AppointmentStatus = AppointmentStatus.SCHEDULED) -> Appointment:
    """Return an appointment that is not saved."""
    provider = Provider(pk=3, name="Dr. Ada Hart")
    client = Client(pk=14, name="Grace Miller", email="grace@example.org", phone="+442079460123")
    service = Service(pk=5, name="First visit")
    starts_at = AT + timedelta(days=1)
    reservation = Reservation(
        pk=41,
        provider=provider,
        client=client,
        service=service,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=45),
    )
    return Appointment(
        pk=27,
        uid=UUID("5f0c3f4e-8a57-4f0c-9d29-6d1b1a0b7c11"),
        reservation=reservation,
        status=status,
        sequence=0,
        title="First visit",
        timezone="Europe/London",
        created_at=AT,
        updated_at=AT,
    )
