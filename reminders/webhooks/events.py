"""The events that a webhook can choose."""

from datetime import timedelta

from booking.appointments.transitions import ENDS, AppointmentStatus, Event

REMINDER_DUE = "reminder.due"
REMINDER_SENT = "reminder.sent"
REMINDER_FAILED = "reminder.failed"

RETRIED_FOR = timedelta(days=3)
"""The time for which an event is retried."""


def event_name(event: str, status: str) -> str:
    """Return the name in webhooks for an event of an appointment and the status after it."""
    if event == Event.BOOKED and status == AppointmentStatus.PENDING:
        return "appointment.pending"
    return "appointment.moved" if event == Event.RESCHEDULED else f"appointment.{event}"


APPOINTMENT_EVENTS = {
    "appointment.booked": "An appointment is booked that needs no approval.",
    "appointment.pending": "An appointment is booked that waits for approval.",
    "appointment.approved": "The provider or staff approve a pending appointment.",
    "appointment.declined": "The provider or staff decline a pending appointment.",
    "appointment.moved": "An appointment has another time.",
    "appointment.reassigned": "An appointment has another client. At another time too, if both changed at once.",
    "appointment.edited": "An appointment keeps its time, and its title, notes or reminders change.",
    "appointment.completed": "An appointment is marked as completed.",
    "appointment.missed": "An appointment is marked as missed: the client did not come.",
    "appointment.reopened": "An outcome is taken back: the appointment is scheduled again.",
    "appointment.cancelled": "An appointment is cancelled, by whoever it is.",
}
"""The sentences of the reference about events of appointments. Other events are described by their status."""

EVENTS = {
    **APPOINTMENT_EVENTS,
    **{
        name: f"An appointment becomes `{ENDS[event]}`."
        for event in ENDS
        if (name := event_name(event, ENDS[event])) not in APPOINTMENT_EVENTS
    },
    REMINDER_DUE: "The moment of a reminder has come. It is as long before the start as clients are reminded.",
    REMINDER_SENT: "A reminder to the client was sent, on any channel.",
    REMINDER_FAILED: "A reminder to the client was given up.",
}
"""All events that a webhook can choose, with the time at which each is sent."""
