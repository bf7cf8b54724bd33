"""Demo data of reminders: messages as they would have been sent, preferences, and custom templates."""

from datetime import datetime, time, timedelta

from accounts.models import Client, Provider
from reminders.channels.email.channel import EmailChannel
from reminders.channels.sms.channel import SmsChannel
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus, OptOutSource
from reminders.models import DeliveryAttempt, Message, MessageTemplate, OptOut, Preferences
from reminders.plan.operations import replan_all
from reminders.templates.composer import recipient_of

TALKATIVE = "sam@example.com"


SILENT = "elena@example.com"


MOVED_AWAY = "ingrid@example.com"


def add_demo_messages(*, now: datetime) -> None:
    """Add messages to the demo practice. Nothing is sent: past messages count as sent when they were due."""
    registered = {client.user.email: client for client in Client.objects.filter(user__isnull=False) if client.user}
    Client.objects.filter(pk=registered[TALKATIVE].pk).update(phone="+12025550143", verified_phone="+12025550143")
    Preferences.objects.create(
        client=registered[TALKATIVE],
        channels=[EmailChannel.name, SmsChannel.name],
        quiet_from=time(21),
        quiet_until=time(8),
        updated_at=now,
    )
    OptOut.objects.create(
        channel=EmailChannel.name,
        address=registered[SILENT].email.lower(),
        at=now - timedelta(days=3),
        source=OptOutSource.LINK,
    )
    MessageTemplate.objects.create(
        provider=Provider.objects.get(user__email="maya@example.com"),
        kind=MessageKind.REMINDER,
        channel=EmailChannel.name,
        language="en",
        subject="See you soon: {{ title }}",
        body="Dear {{ client_name }},\n\nI look forward to seeing you on {{ start }}.\n\n{{ provider_name }}",
    )
    replan_all(now=now)
    due = list(Message.objects.detailed().filter(status=MessageStatus.PENDING, due_at__lte=now))
    attempts = []
    for message in due:
        message.status, message.sent_at = MessageStatus.SENT, message.due_at
        attempt = DeliveryAttempt(
            message=message,
            at=message.due_at,
            milliseconds=120,
            address=recipient_of(message).address,
            outcome=AttemptOutcome.SENT,
            reference=f"<{message.key}@example.com>",
        )
        if message is due[-1] or message.about.client_id == registered[MOVED_AWAY].pk:
            message.status, message.sent_at = MessageStatus.FAILED, None
            message.failures, message.error = 1, "550 5.1.1 There is no such mailbox here"
            attempt.outcome, attempt.error, attempt.reference = AttemptOutcome.REFUSED, message.error, ""
        attempts.append(attempt)
    Message.objects.bulk_update(due, ["status", "sent_at", "failures", "error"])
    DeliveryAttempt.objects.bulk_create(attempts)
