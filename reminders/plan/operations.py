"""The reminders an appointment needs, and planning them again (R15)."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from booking.models import Appointment
from reminders.enums import MessageKind, Recipient
from reminders.outbox.enqueue import OutboxEntry, columns_of, enqueue
from reminders.plan.decisions import decisions
from reminders.plan.facts import Facts, facts_of
from scheduler_project.common.operations import each_by_itself, operation

BATCH = 500
"""Number of appointments replanned in one batch."""


def reminders_for(facts: Facts) -> Iterator[OutboxEntry]:
    """Yield the reminders that are owed for one appointment, including those whose time has passed."""
    for decision in decisions(facts):
        if not decision.reason:
            yield OutboxEntry(
                MessageKind.REMINDER,
                decision.channel,
                Recipient.PROVIDER if decision.endpoint_id else Recipient.CLIENT,
                facts.reservation_id,
                facts.appointment_id,
                decision.due_at,
                facts.starts_at,
                decision.offset,
                decision.endpoint_id,
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
