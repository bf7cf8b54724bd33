"""Adds messages to the outbox, in the transaction of the event they are about (R16)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from reminders.channels.email.channel import EmailChannel
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import Message
from scheduler_project.common.db.retention import delete_rows, older_than


class OutboxEntry(NamedTuple):
    """A message to be added to the outbox."""

    kind: MessageKind
    channel: str
    recipient: Recipient
    reservation_id: int
    appointment_id: int | None
    due_at: datetime
    useful_until: datetime
    offset: str = ""
    endpoint_id: int | None = None
    details: dict[str, Any] = {}


# The ORM has no ON CONFLICT for an index with a condition: `make bench` (plan).
WRITE = """
INSERT INTO reminders_message (
    key, kind, channel, recipient, reservation_id, appointment_id, endpoint_id, "offset", details, due_at, next_at,
    useful_until, status, failures, claim, error, created_at)
SELECT key, kind, channel, recipient, reservation_id, appointment_id, nullif(endpoint_id, 0), "offset", details, due_at,
       due_at, useful_until, 'pending', 0, 0, '', %(now)s
FROM unnest(%(key)s::uuid[], %(kind)s::varchar[], %(channel)s::varchar[], %(recipient)s::varchar[],
            %(reservation_id)s::bigint[], %(appointment_id)s::bigint[], %(endpoint)s::bigint[], %(offset)s::varchar[],
            %(details)s::jsonb[], %(due_at)s::timestamptz[], %(useful_until)s::timestamptz[])
     AS owed(key, kind, channel, recipient, reservation_id, appointment_id, endpoint_id, "offset", details, due_at,
             useful_until)
ON CONFLICT (reservation_id, channel, "offset", coalesce(endpoint_id, 0)) WHERE kind = 'reminder'
DO UPDATE SET status = 'pending', due_at = excluded.due_at, next_at = excluded.due_at, key = excluded.key,
              useful_until = excluded.useful_until, failures = 0, error = '', claim = reminders_message.claim + 1
WHERE reminders_message.status = 'cancelled'
"""


def enqueue(owed: Collection[OutboxEntry], now: datetime) -> None:
    """Add messages to the outbox with one statement. A withdrawn reminder becomes pending again; existing others
    stay."""
    if not owed:
        return
    with connection.cursor() as cursor:
        cursor.execute(WRITE, {**columns_of(owed), "now": now})


def columns_of(owed: Collection[OutboxEntry]) -> dict[str, list[Any]]:
    return {
        "key": [uuid4() for _ in owed],
        "kind": [str(one.kind) for one in owed],
        "channel": [one.channel for one in owed],
        "recipient": [str(one.recipient) for one in owed],
        "reservation_id": [one.reservation_id for one in owed],
        "appointment_id": [one.appointment_id for one in owed],
        "endpoint": [one.endpoint_id or 0 for one in owed],
        "offset": [one.offset for one in owed],
        "details": [Jsonb(one.details) for one in owed],
        "due_at": [one.due_at for one in owed],
        "useful_until": [one.useful_until for one in owed],
    }


def write_account_mail(*, mail: dict[str, str], useful_until: datetime, now: datetime) -> None:
    """Add a mail about an account to the outbox."""
    Message.objects.create(
        kind=MessageKind.ACCOUNT,
        channel=EmailChannel.name,
        recipient=Recipient.MAILBOX,
        mail=mail,
        due_at=now,
        next_at=now,
        useful_until=useful_until,
        created_at=now,
    )


def purge_messages(*, now: datetime) -> int:
    """Delete closed messages and their attempts some time after they were due. Returns how many."""
    before = older_than(settings.RETAIN_MESSAGES_DAYS, now)
    settled = Message.objects.exclude(status=MessageStatus.PENDING)
    return 0 if before is None else delete_rows(settled.filter(due_at__lt=before, useful_until__lt=now))
