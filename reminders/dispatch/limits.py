"""Messages that count towards the sending limits (`common/limits/sending.py`)."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Provider
from reminders.channels.registry import CHANNELS
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import Message
from reminders.templates.composer import recipient_of
from scheduler_project.common.limits import sending
from scheduler_project.common.limits.sending import Sending, Wait

SCATTERED = timedelta(minutes=2)
"""Spread of messages postponed to the same time, so that they do not all come at once."""


# The ORM has no UPDATE from rows made of arrays.
PUT_OFF = """
UPDATE reminders_message message SET status = theirs.status, next_at = theirs.next_at, error = theirs.error
FROM unnest(%(ids)s::bigint[], %(claims)s::int[], %(statuses)s::varchar[], %(times)s::timestamptz[],
            %(errors)s::varchar[]) AS theirs(id, claim, status, next_at, error)
WHERE message.id = theirs.id AND message.claim = theirs.claim AND message.status = 'pending'
"""


def sending_of(message: Message) -> Sending:
    """Return a message's sender and recipient. Messages to a provider about their own bookings count as theirs
    alone; a mail about an account is asked for by its recipient. Of guests who did not answer a mail the mailbox may be
    a stranger's: it gets as few as from a provider who is not vetted."""
    address = CHANNELS[message.channel].counted_as(recipient_of(message).address)
    if message.kind == MessageKind.ACCOUNT:
        return Sending(message.channel, "", address, trusted=True, asked_for=True)
    provider = message.about.provider
    unproved = message.recipient == Recipient.CLIENT and message.about.client.is_unproved
    trusted = provider.is_vetted and not unproved
    if message.endpoint_id is None and message.recipient == Recipient.PROVIDER and trusted:
        address = ""
    asked_for, notice = message.kind == MessageKind.HOLD, message.kind not in (MessageKind.HOLD, MessageKind.REMINDER)
    return Sending(message.channel, f"provider:{provider.pk}", address, trusted, asked_for, notice)


def put_off(waits: Sequence[tuple[Message, Wait]]) -> None:
    """Postpone leased messages to the end of a limit, with the reason; those that would come too late have failed.

    Mails about an account only wait: they are given up when they are due again.
    """
    if not waits:
        return
    statuses = [
        MessageStatus.PENDING
        if wait.until < message.useful_until or message.kind == MessageKind.ACCOUNT
        else MessageStatus.FAILED
        for message, wait in waits
    ]
    times = [wait.until + SCATTERED * random.random() for message, wait in waits]  # noqa: S311
    with connection.cursor() as cursor:
        cursor.execute(
            PUT_OFF,
            {
                "ids": [message.pk for message, _wait in waits],
                "claims": [message.claim for message, _wait in waits],
                "statuses": [status.value for status in statuses],
                "times": times,
                "errors": [wait.reason[:500] for message, wait in waits],
            },
        )


def counts(*, now: datetime) -> list[dict[str, Any]]:
    """Return the number of messages sent per channel, and the providers who sent most today, with their limits."""
    rows = sending.counts(now=now)
    ids = {row.sender: int(row.sender.partition(":")[2]) for row in rows if row.sender}
    providers = Provider.objects.in_bulk(ids.values())
    names = {sender: str(providers.get(pk, sender)) for sender, pk in ids.items()}
    return [
        row._asdict() | {"label": CHANNELS[row.channel].label, "name": names.get(row.sender, _("Total"))}
        for row in rows
    ]
