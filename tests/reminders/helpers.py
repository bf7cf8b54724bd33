"""Ways to look at the outbox."""

from booking.models import Appointment
from reminders.enums import Kind
from reminders.models import Message
from reminders.outbox.dispatcher import dispatch
from tests.factories import at


def reminders(appointment: Appointment, *, status="pending"):
    """`(channel, offset, due)` of an appointment's reminders in one status, in order."""
    rows = Message.objects.filter(appointment=appointment, kind=Kind.REMINDER, status=status).order_by(
        "due_at", "channel"
    )
    return [(row.channel, row.offset, f"{row.due_at:%d %H:%M}") for row in rows]


def notices(appointment: Appointment, *, status="pending"):
    """`(kind, recipient, channel)` of an appointment's notices in one status."""
    rows = Message.objects.filter(appointment=appointment, status=status).exclude(kind__in=[Kind.REMINDER, Kind.EVENT])
    return sorted((row.kind, row.recipient, row.channel) for row in rows)


def send(now) -> int:
    """One round of the dispatcher in the test's own transaction."""
    instant = at(now) if isinstance(now, str) else now
    return dispatch(clock=lambda: instant, parallel=False)
