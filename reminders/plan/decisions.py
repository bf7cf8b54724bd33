"""The decision on each reminder of an appointment: one is owed, or there is a reason why not (R17a)."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from booking.appointments.transitions import REMINDED
from reminders import skip_reasons
from reminders.channels.registry import personal_channels
from reminders.channels.webhook.channel import WebhookChannel
from reminders.plan.facts import Facts
from reminders.plan.quiet_hours import before_quiet
from reminders.webhooks.events import REMINDER_DUE
from scheduler_project.common.time.offsets import Offset, parse_offset


class Decision(NamedTuple):
    """One offset on one channel. `reason` is empty if a reminder is owed, else a name in `skip_reasons.PLANNING`."""

    offset: str
    channel: str
    due_at: datetime
    endpoint_id: int | None = None
    reason: str = ""


def decisions(facts: Facts) -> Iterator[Decision]:
    """Yield the decision on each offset × channel of one appointment, also on those whose time has passed.

    Reminders go to the channels the client chose, and to each of the provider's webhooks subscribed to `reminder.due`,
    whatever the client chose: the provider decides what their program does with it. A reminder due in the client's
    quiet hours is moved to the last minute before them.
    """
    reasons = {channel: facts.skip_reason(channel, reminding=True) for channel in personal_channels()}
    status = "" if facts.status in REMINDED else skip_reasons.NOT_REMINDED
    times = [(offset, _due_at(offset, facts)) for offset in _offsets(facts)]
    nearest = {due_at: offset for offset, due_at in times}  # Two that fall on one instant are one: the nearer.
    for offset, due_at in times:
        merged = "" if nearest[due_at] == offset else skip_reasons.MERGED
        for channel, reason in reasons.items():
            yield Decision(str(offset), channel, due_at, reason=reason or status or merged)
        for endpoint in facts.endpoints_for(REMINDER_DUE):
            yield Decision(str(offset), WebhookChannel.name, due_at, endpoint, status or merged)


def _offsets(facts: Facts) -> list[Offset]:
    """Return the offsets, the longest first."""
    offsets = settings.REMINDER_OFFSETS if facts.offsets is None else facts.offsets
    return sorted({parse_offset(text) for text in offsets}, key=lambda each: -each.length)


def _due_at(offset: Offset, facts: Facts) -> datetime:
    zone = ZoneInfo(facts.timezone)
    due_at = offset.before(facts.starts_at, zone)
    if facts.quiet_from is None or facts.quiet_until is None:
        return due_at
    return before_quiet(due_at, quiet_from=facts.quiet_from, quiet_until=facts.quiet_until, zone=zone)
