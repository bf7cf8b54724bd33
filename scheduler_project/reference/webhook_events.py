"""The page of webhook events, with examples from the code that sends them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import translation
from standardwebhooks import Webhook

from accounts.models import Client, Provider
from booking.appointments.enums import AppointmentStatus
from booking.models import Appointment, Reservation, Service
from reminders.channels.base import OutgoingMessage
from reminders.channels.email.channel import EmailChannel
from reminders.channels.webhook.channel import WebhookChannel, headers
from reminders.enums import MessageKind
from reminders.models import Message
from reminders.webhooks.events import EVENTS
from reminders.webhooks.operations import MOST, OVERLAP
from reminders.webhooks.payloads import envelope, event_data, reminder_data
from scheduler_project.reference import markdown

HOUR = timedelta(hours=1)
AT = datetime(2030, 5, 6, 8, 0, tzinfo=UTC)
KEY = UUID("0191f2a4-7c3e-7d52-9f41-2b6a9c8e1d05")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105  (of the example)

INTRODUCTION = f"""
`POST /api/v1/webhooks` with a `url`, and with `events` unless all are wanted, tells a program of a provider what
happens. The answer shows a `secret`, once. A provider may have {MOST} webhooks. A provider who is not published yet is
told of nothing, and an import tells of the appointments it takes over only where that was chosen. What to answer, and
what becomes of an event that is not taken: [Receive webhooks](../howto/webhooks.md).
"""

REQUEST = """
## The request

One POST for each event, written and signed as [Standard Webhooks](https://www.standardwebhooks.com) has it:
"""

CHECKING = f"""
`webhook-id` is the same in every try at one event, so whoever has met it has the event already. `webhook-timestamp` is
the time of this try, in seconds since 1970. `webhook-signature` is `v1,` and the base64 of an HMAC-SHA256, keyed with
the secret, over `id.timestamp.body`. For {OVERLAP // HOUR} hours after `POST /api/v1/webhooks/{{id}}/rotate` there are
two signatures with a space between, one of each secret. The libraries of Standard Webhooks check all of this:

```python
event = Webhook("whsec_…").verify(request.body, request.headers)
```
"""

APPOINTMENTS = """
## Appointment events

The `data` is the appointment as it is after the event. Times are in UTC; `timezone` is where it takes place. `service`
is null where there is none. `sequence` rises whenever the calendar entry `uid` changes.
"""

REMINDERS = """
## Reminder events

The `data` is the reminder and its appointment. `channel` is `email` or `sms`, and `webhook` in a `reminder.due`;
`offset` is the time before the start at which it is due.
"""


def page() -> str:
    appointment = example_appointment()
    with translation.override("en"):
        booked = _example("appointment.booked", {"type": "appointment.booked", "data": event_data(appointment)})
        reminder = Message(
            pk=9, kind=MessageKind.REMINDER, channel=EmailChannel.name, offset="1 day", appointment=appointment
        )
        sent = _example("reminder.sent", {"type": "reminder.sent", "data": reminder_data(reminder)})
    return markdown.generated_page(
        "Webhook events",
        INTRODUCTION,
        "## Events\n\n"
        + markdown.table(("event", "sent when"), [(f"`{name}`", text) for name, text in EVENTS.items()]),
        REQUEST,
        markdown.block(_head(booked), "http"),
        CHECKING,
        APPOINTMENTS,
        markdown.block(_indented(booked), "json"),
        REMINDERS,
        markdown.block(_indented(sent), "json"),
    )


def example_appointment() -> Appointment:
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
        status=AppointmentStatus.SCHEDULED,
        sequence=0,
        title="First visit",
        timezone="Europe/London",
        created_at=AT,
        updated_at=AT,
    )


def _example(name: str, details: dict[str, object]) -> bytes:
    """Return the body of an event."""
    message = Message(key=KEY, kind=MessageKind.EVENT, channel=WebhookChannel.name, details=details, created_at=AT)
    return envelope(message)


def _head(body: bytes) -> str:
    """Return the head of a request at AT."""
    sent = headers(OutgoingMessage(KEY, "https://practice.example.org/hooks", body=body, secrets=(SECRET,)))
    sent["webhook-timestamp"] = str(int(AT.timestamp()))
    sent["webhook-signature"] = Webhook(SECRET).sign(sent["webhook-id"], AT, body.decode())
    return "\n".join(["POST /hooks HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())])


def _indented(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
