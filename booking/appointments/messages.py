"""Messages after an action on an appointment, for a provider's dashboard and the admin."""

from django.utils.translation import gettext as _

from booking.appointments.transitions import TRANSITIONS, Action, Event
from booking.models import Appointment
from booking.signals import client_is_notified
from scheduler_project.common.validators import isolated


def success_message(action: Action, appointment: Appointment) -> str:
    row = TRANSITIONS[action]
    if row.notifies:
        return with_notification_note(str(row.done), appointment, row.event)
    return str(row.done) % isolated(str(appointment.client))


def with_notification_note(done: str, appointment: Appointment, event: Event) -> str:
    """Return the message, with a note that the client is notified or that the user has to notify them."""
    client = isolated(str(appointment.client))
    answers = client_is_notified.send(Appointment, appointment=appointment, event=event)
    if any(told for _receiver, told in answers):
        return f"{done} " + _("We've notified %s.") % client
    return f"{done} " + _("We have no way to contact %s. Please tell them yourself.") % client
