"""Reports and replies from the SMS gateway."""

import re
from datetime import datetime

from reminders.channels.base import shortened
from reminders.channels.sms.channel import SmsChannel
from reminders.enums import AttemptOutcome, MessageStatus, OptOutSource
from reminders.models import DeliveryAttempt, Message
from reminders.preferences.operations import opt_in, opt_out
from scheduler_project.common.operations import operation

ARRIVED = ("delivered", "read")


LOST = ("undelivered", "failed", "canceled")


FINAL = ARRIVED + LOST


STOP = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT OPTOUT REVOKE".split())


START = frozenset("START YES UNSTOP".split())
"""Keywords on which carriers act themselves, so we must too (twilio.com/docs/messaging/tutorials/advanced-opt-out)."""


NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
"""A number in E.164."""


@operation
def report(*, reference: str, status: str, error: str) -> AttemptOutcome | None:
    """Record the gateway's report on its message `reference`. Return the current outcome; None for an unknown message.

    The first final report counts, so a repeated or late one changes nothing. An undelivered message has failed: it is
    listed and can be sent again, but is not retried automatically, because the gateway has already tried.
    """
    attempt = _attempt(reference)
    if attempt is None:
        return None
    message = Message.objects.select_for_update(no_key=True).get(pk=attempt.message_id)
    attempt = DeliveryAttempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if attempt.outcome != AttemptOutcome.SENT or status not in FINAL:
        return AttemptOutcome(attempt.outcome)
    if status in ARRIVED:
        attempt.outcome = AttemptOutcome.DELIVERED
        attempt.save(update_fields=["outcome"])
        return AttemptOutcome.DELIVERED
    attempt.outcome, attempt.error = AttemptOutcome.REFUSED, shortened(f"{status} {error}")
    attempt.save(update_fields=["outcome", "error"])
    if message.status == MessageStatus.SENT and not message.attempts.filter(pk__gt=attempt.pk).exists():
        message.status, message.error = MessageStatus.FAILED, attempt.error
        message.save(update_fields=["status", "error"])
    return AttemptOutcome.REFUSED


def _attempt(reference: str) -> DeliveryAttempt | None:
    found = DeliveryAttempt.objects.filter(message__channel=SmsChannel.name, reference=reference).exclude(reference="")
    return found.order_by("-pk").first()


def answered(*, number: str, text: str, now: datetime) -> None:
    """Process a reply: STOP ends all SMS to the number, START withdraws that. Any other text is ignored."""
    word = re.sub(r"[\W_]+", "", text).upper()
    if not NUMBER.fullmatch(number):
        return
    if word in STOP:
        opt_out(channel=SmsChannel.name, address=number, source=OptOutSource.SMS, now=now)
    elif word in START:
        opt_in(channel=SmsChannel.name, address=number, now=now)
