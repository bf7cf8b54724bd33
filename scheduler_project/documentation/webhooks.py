"""The requests that webhooks get, as OpenAPI 3.1 describes them. Events, fields and examples are those of the code."""

from typing import Any

from django.conf import settings

from reminders.channels.registry import CHANNELS
from reminders.webhooks.events import EVENTS, RETRIED_FOR
from reminders.webhooks.examples import REMINDER_EVENTS, example, example_headers
from reminders.webhooks.operations import OVERLAP
from reminders.webhooks.payloads import WEBHOOK_FIELDS

Schema = dict[str, Any]

ORDER = (
    "Events can arrive in any order, or twice. `webhook-id` is the same on every attempt at one event: ignore "
    "ids you already know. The appointment's `sequence` rises with each change: keep the highest you have seen "
    "for each appointment, and ignore events with a lower one."
)
RETRIES = (
    f"Answer 2xx within {settings.SEND_TIMEOUT_SECONDS} seconds; the body of your answer does not matter. Anything "
    f"else is tried again after {settings.SEND_BACKOFF_SECONDS} seconds, then after twice as long each time, up to "
    f"{settings.SEND_BACKOFF_MAX_SECONDS // 60} minutes, for {RETRIED_FOR.days} days or as long as the event is of "
    "use. Redirects are not followed."
)

HEADERS = {
    "webhook-id": "The event's id, the same on every attempt.",
    "webhook-timestamp": (
        "The time of this attempt, in seconds since 1970. Reject it if it is more than five minutes off."
    ),
    "webhook-signature": (
        "`v1,` and the base64 of an HMAC-SHA256, keyed with the secret, over `id.timestamp.body`. For "
        f"{OVERLAP.total_seconds() / 3600:.0f} hours after the secret is replaced there are two, with a space between. "
        "The libraries of [Standard Webhooks](https://www.standardwebhooks.com) check it."
    ),
}
EXAMPLES = example_headers("appointment.booked")

ANSWERS = {
    "2XX": "The event was received.",
    "410": "The endpoint is disabled: we send it nothing more.",
    "429": "Try later. We follow `Retry-After`.",
    "503": "Try later. We follow `Retry-After`.",
    "default": "We retry the event.",
}


def describe_webhooks(result: Schema) -> None:
    """Add the webhooks, one for each event, and the schemas of their bodies."""
    schemas = result["components"]["schemas"]
    appointment = schemas["Appointment"]["properties"]
    fields = {name: _as_sent(appointment[name]) for name in WEBHOOK_FIELDS}
    fields["timezone"]["description"] = "The appointment's time zone."
    schemas["WebhookAppointment"] = _object("The appointment after the event. Times are in UTC.", fields)
    schemas["WebhookReminder"] = _object(
        "A reminder.",
        {
            "id": {"type": "integer"},
            "channel": {"type": "string", "enum": list(CHANNELS)},
            "offset": {"type": "string", "description": "How long before the start it is due, such as `1 day`."},
        },
    )
    schemas["WebhookReminderData"] = _object(
        "The reminder and its current appointment.",
        {"reminder": _ref("WebhookReminder"), "appointment": _ref("WebhookAppointment")},
    )
    result["webhooks"] = {name: {"post": _request(name, meaning)} for name, meaning in EVENTS.items()}


def _as_sent(field: Schema) -> Schema:
    """Return the schema of a field without what is about requests."""
    return {key: value for key, value in field.items() if key != "readOnly"}


def _request(name: str, meaning: str) -> Schema:
    data = "WebhookReminderData" if name in REMINDER_EVENTS else "WebhookAppointment"
    body = _object(
        "",
        {
            "type": {"type": "string", "const": name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened, in UTC."},
            "data": _ref(data),
        },
    )
    return {
        "operationId": f"webhook_{name.replace('.', '_')}",
        "tags": ["Webhooks"],
        "summary": name,
        "description": f"{meaning}\n\n{ORDER}\n\n{RETRIES}",
        "security": [],
        "parameters": [
            {
                "in": "header",
                "name": header,
                "required": True,
                "schema": {"type": "string"},
                "description": text,
                "example": EXAMPLES[header],
            }
            for header, text in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "examples": {name: {"value": example(name)}}}},
        },
        "responses": {status: {"description": text} for status, text in ANSWERS.items()},
    }


def _object(description: str, properties: Schema) -> Schema:
    described = {"description": description} if description else {}
    return {"type": "object", **described, "properties": properties, "required": list(properties)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
