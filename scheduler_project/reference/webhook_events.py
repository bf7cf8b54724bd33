"""The page of webhook events, with examples from the code that sends them."""

import json
from datetime import timedelta

from reminders.webhooks.events import EVENTS, REMINDER_SENT
from reminders.webhooks.examples import example_body, example_headers
from reminders.webhooks.operations import MOST, OVERLAP
from scheduler_project.reference import markdown

HOUR = timedelta(hours=1)

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
    booked, sent = example_body("appointment.booked"), example_body(REMINDER_SENT)
    return markdown.generated_page(
        "Webhook events",
        INTRODUCTION,
        "## Events\n\n"
        + markdown.table(("event", "sent when"), [(f"`{name}`", text) for name, text in EVENTS.items()]),
        REQUEST,
        markdown.block(_head("appointment.booked"), "http"),
        CHECKING,
        APPOINTMENTS,
        markdown.block(_indented(booked), "json"),
        REMINDERS,
        markdown.block(_indented(sent), "json"),
    )


def _head(name: str) -> str:
    """Return the head of a request."""
    sent = (f"{header}: {value}" for header, value in example_headers(name).items())
    return "\n".join(["POST /hooks HTTP/1.1", *sent])


def _indented(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
