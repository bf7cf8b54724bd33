"""What is said once something was done to an appointment, on a provider's desk as in the admin."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.enums import Action
from booking.models import Appointment
from booking.signals import client_told
from scheduler_project.common.text import isolated

DONE = {
    Action.APPROVE: gettext_lazy("Approved."),
    Action.DECLINE: gettext_lazy("Declined: the time is free again."),
    Action.CANCEL: gettext_lazy("Cancelled: the time is free again."),
}

MARKED = {
    Action.COMPLETE: gettext_lazy("Marked as completed: %s."),
    Action.MISS: gettext_lazy("Marked as missed: %s."),
}
"""What nobody is told of."""


def done_by(action: Action, appointment: Appointment) -> str:
    marked = MARKED.get(action)
    return marked % isolated(str(appointment.client)) if marked else and_told(str(DONE[action]), appointment)


def and_told(done: str, appointment: Appointment) -> str:
    """What was done, and whether the client hears of it, or is to be told by whoever did it."""
    client = isolated(str(appointment.client))
    answers = client_told.send(Appointment, appointment=appointment)
    if any(told for _receiver, told in answers):
        return f"{done} " + _("%s is told.") % client
    return f"{done} " + _("We have no way to write to %s: please tell them yourself.") % client
