"""The body and the signature of webhooks (standardwebhooks.com)."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.utils import translation

from booking.appointments.representation import describe
from booking.models import Appointment
from reminders.enums import MessageKind
from reminders.models import Message, WebhookEndpoint
from reminders.webhooks.events import REMINDER_DUE
from scheduler_project.common.time.zones import rfc3339

WEBHOOK_FIELDS = (
    *("id", "uid", "status", "sequence", "title", "start_time", "end_time", "timezone"),
    *("provider", "client", "service"),
)
"""The fields of an appointment in webhooks."""


def event_data(appointment: Appointment) -> dict[str, Any]:
    """Return the current state of an appointment for webhooks."""
    with translation.override(settings.LANGUAGE_CODE):
        return describe(appointment, WEBHOOK_FIELDS, instant=rfc3339)


def reminder_data(message: Message) -> dict[str, Any]:
    """Return a reminder for webhooks, with the current state of its appointment."""
    assert message.appointment
    return {
        "reminder": {"id": message.pk, "channel": str(message.channel), "offset": message.offset},
        "appointment": event_data(message.appointment),
    }


def event_of(message: Message) -> str:
    """Return the event type of a webhook message."""
    return REMINDER_DUE if message.kind == MessageKind.REMINDER else str(message.details["type"])


def envelope(message: Message) -> bytes:
    """Return the body to post: `type`, `timestamp` and `data`.

    The bytes are the same for every attempt, except that a reminder contains the appointment's current state.
    """
    data = reminder_data(message) if message.kind == MessageKind.REMINDER else message.details["data"]
    # PostgreSQL does not keep the order of keys.
    options = orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS
    return orjson.dumps({"type": event_of(message), "timestamp": message.created_at, "data": data}, option=options)


def signing_secrets(endpoint: WebhookEndpoint | None, now: datetime) -> tuple[str, ...]:
    """Return the secrets that sign a request: after a rotation also the old one, while it is valid."""
    if endpoint is None:
        return ()
    old = endpoint.previous_until is not None and endpoint.previous_until > now
    return (endpoint.secret, endpoint.previous_secret) if old else (endpoint.secret,)
