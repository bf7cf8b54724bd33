"""Messages after an action on an appointment, for a provider's desk and the admin."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.appointments.enums import Action
from booking.models import Appointment
from booking.signals import client_told
from scheduler_project.common.validators import isolated

DONE = {
    Action.APPROVE: gettext_lazy("Approved."),
    Action.DECLINE: gettext_lazy("Declined: the time is free again."),
    Action.CANCEL: gettext_lazy("Cancelled: the time is free again."),
}


MARKED = {
    Action.COMPLETE: gettext_lazy("Marked as completed: %s."),
    Action.MISS: gettext_lazy("Marked as missed: %s."),
}
"""Messages for actions that notify nobody."""


def done_by(action: Action, appointment: Appointment) -> str:
    marked = MARKED.get(action)
    return marked % isolated(str(appointment.client)) if marked else and_told(str(DONE[action]), appointment)


def and_told(done: str, appointment: Appointment) -> str:
    """Return the message, followed by a note that the client is notified, or that the user has to do so."""
    client = isolated(str(appointment.client))
    answers = client_told.send(Appointment, appointment=appointment)
    if any(told for _receiver, told in answers):
        return f"{done} " + _("%s is told.") % client
    return f"{done} " + _("We have no way to write to %s: please tell them yourself.") % client
