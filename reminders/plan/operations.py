"""The reminders an appointment needs, and planning them again (R15)."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from booking.appointments.transitions import REMINDED
from booking.models import Appointment
from reminders.channels.webhook.channel import WebhookChannel
from reminders.enums import MessageKind, Recipient
from reminders.outbox.enqueue import OutboxEntry, columns_of, enqueue
from reminders.plan.facts import Facts, facts_of
from reminders.plan.quiet_hours import before_quiet
from scheduler_project.common.operations import each_by_itself, operation
from scheduler_project.common.time.offsets import Offset, parse_offset

BATCH = 500
"""Number of appointments replanned in one batch."""


def reminders_for(facts: Facts) -> Iterator[OutboxEntry]:
    """Yield the reminders of one appointment: each offset × channel, including those whose time has passed.

    They go to the channels the client chose, and to each of the provider's webhooks subscribed to `reminder.due`,
    whatever the client chose: the provider decides what their program does with it. A reminder due in the client's
    quiet hours is moved to the last minute before them.
    """
    if facts.status not in REMINDED:
        return
    zone = ZoneInfo(facts.timezone)
    offsets = settings.REMINDER_OFFSETS if facts.offsets is None else facts.offsets
    due: dict[datetime, Offset] = {}
    for offset in sorted({parse_offset(text) for text in offsets}, key=lambda each: -each.length):
        due_at = offset.before(facts.starts_at, zone)
        if facts.quiet_from is not None and facts.quiet_until is not None:
            due_at = before_quiet(due_at, quiet_from=facts.quiet_from, quiet_until=facts.quiet_until, zone=zone)
        due[due_at] = offset  # Two that fall on one instant are one: the nearer.
    for due_at, offset in due.items():
        ways: list[tuple[str, int | None]] = [(way, None) for way in facts.client_channels(reminding=True)]
        ways += [(WebhookChannel.name, endpoint) for endpoint in facts.endpoints_for("reminder.due")]
        for channel, endpoint in ways:
            yield OutboxEntry(
                MessageKind.REMINDER,
                channel,
                Recipient.PROVIDER if endpoint else Recipient.CLIENT,
                facts.reservation_id,
                facts.appointment_id,
                due_at,
                facts.starts_at,
                str(offset),
                endpoint,
            )


# The ORM has no NOT IN for rows of several columns: `make bench` (plan).
WITHDRAW = """
UPDATE reminders_message SET status = 'cancelled', error = ''
WHERE kind = 'reminder' AND status = 'pending' AND appointment_id = ANY(%(appointments)s)
  AND (reservation_id, channel, "offset", coalesce(endpoint_id, 0), due_at) NOT IN (
      SELECT * FROM unnest(%(reservation_id)s::bigint[], %(channel)s::varchar[], %(offset)s::varchar[],
                           %(endpoint)s::bigint[], %(due_at)s::timestamptz[]))
"""


def plan_reminders(facts: Collection[Facts], now: datetime) -> None:
    """Bring the reminders of these appointments up to date: unsent ones that are no longer needed are withdrawn."""
    wanted = [one for each in facts for one in reminders_for(each)]
    with connection.cursor() as cursor:  # Overdue reminders, as in an outage, stay pending.
        columns = columns_of(wanted)
        cursor.execute(WITHDRAW, {**columns, "appointments": [each.appointment_id for each in facts]})
    enqueue(to_come(wanted, now), now)


def to_come(owed: Iterable[OutboxEntry], now: datetime) -> list[OutboxEntry]:
    return [one for one in owed if one.due_at > now]


def replan(appointments: QuerySet[Appointment], *, now: datetime) -> int:
    """Bring the reminders of these appointments up to date. Returns how many appointments. Safe to repeat."""
    ids = list(appointments.order_by("pk").values_list("pk", flat=True))
    for batch in _batches(ids):
        _replan(batch, now)
    return len(ids)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


@operation
def _replan(appointments: Collection[int], now: datetime) -> None:
    plan_reminders(facts_of(appointments, locked=True), now)


def replan_all(*, now: datetime) -> int:
    """Replan every upcoming appointment, to cover changes that bypass the operations, such as rows written by hand.

    A batch that loses a lock or deadlock is left for the next run.
    """
    ids = list(Appointment.objects.coming(now=now).order_by("pk").values_list("pk", flat=True))
    batches = {batch[0]: batch for batch in _batches(ids)}
    each_by_itself(lambda first: _replan(batches[first], now), batches, what="Planning the appointments from")
    return len(ids)
