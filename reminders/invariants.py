"""Invariants of the outbox (see `common/db/invariants.py`): the reminders are those that planning now would create."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F, Q

from booking.appointments.transitions import REMINDED
from booking.models import Appointment
from reminders.enums import MessageStatus
from reminders.models import Reminder
from reminders.plan.facts import facts_of
from reminders.plan.operations import BATCH, reminders_for
from scheduler_project.common.db.invariants import Look, by_query

Key = tuple[int, str, str, int]
"""The key of one reminder: reservation, channel, offset, endpoint (0: none)."""

OF_NOTHING_TO_COME = Reminder.objects.filter(
    ~Q(appointment__status__in=REMINDED) | ~Q(appointment__reservation=F("reservation")),
    status=MessageStatus.PENDING,
    appointment__isnull=False,
).values_list("pk", "appointment", "appointment__status", "appointment__reservation", "reservation")


def unplanned(now: datetime) -> Iterator[tuple[int, str]]:
    """Yield upcoming appointments with missing or surplus reminders. Those already due are left to the dispatcher."""
    ids = list(Appointment.objects.coming(now=now).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        wanted: dict[int, dict[Key, datetime]] = {}
        for facts in facts_of(ids[start : start + BATCH]):
            owed = [one for one in reminders_for(facts) if one.due_at > now]
            wanted[facts.appointment_id] = {
                (one.reservation_id, str(one.channel), one.offset, one.endpoint_id or 0): one.due_at for one in owed
            }
        planned: dict[int, dict[Key, tuple[str, datetime]]] = {pk: {} for pk in wanted}
        rows = Reminder.objects.filter(appointment__in=wanted).exclude(status=MessageStatus.CANCELLED).order_by()
        columns = ("appointment", "reservation", "channel", "offset", "endpoint", "status", "due_at")
        for appointment, reservation, channel, offset, endpoint, status, due_at in rows.values_list(*columns):
            planned[appointment][reservation, channel, offset, endpoint or 0] = (status, due_at)
        for pk, due in wanted.items():
            yield from ((pk, problem) for problem in _differences(due, planned[pk], now))


def _differences(due: dict[Key, datetime], planned: dict[Key, tuple[str, datetime]], now: datetime) -> Iterator[str]:
    for key, due_at in due.items():
        status, planned_at = planned.get(key, ("", None))
        if not status or (status == MessageStatus.PENDING and planned_at != due_at):
            yield f"no reminder by {key[1]} is owed at {due_at:%Y-%m-%d %H:%M} UTC ({key[2]} before)"
    for key, (status, planned_at) in planned.items():
        if status == MessageStatus.PENDING and planned_at > now and key not in due:
            yield f"a reminder by {key[1]} is owed at {planned_at:%Y-%m-%d %H:%M} UTC, which none should be"


INVARIANTS: dict[str, tuple[str, Look]] = {
    "reminders_are_owed_for_what_is_to_come": (
        "reminders_message",
        by_query(
            OF_NOTHING_TO_COME,
            lambda appointment, status, taken, planned: (
                f"it is owed, though appointment {appointment} is {status}"
                + (" and was moved" if taken != planned else "")
            ),
        ),
    ),
    "appointments_have_their_reminders": ("booking_appointment", unplanned),
}
