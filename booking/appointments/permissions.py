"""The actions that an actor may take on an appointment at a moment, by the table in `transitions.py`."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.appointments.errors import BadTransition, NotYet
from booking.appointments.transitions import TRANSITIONS, Action, targets_of
from booking.models import Appointment
from scheduler_project.common.errors import NotAllowed

CHANGE = "booking.change_appointment"
"""The permission of staff to change any appointment."""


def allowed_actions(appointment: Appointment, actor: Actor, now: datetime) -> list[Action]:
    """Return the actions that `actor` may take on the appointment at `now`.

    The provider and staff may take every action that the status allows, but set an outcome only once the appointment
    has begun. Its client may move or cancel it until it begins.
    """
    runs = actor.runs(appointment.reservation.provider_id, CHANGE)
    begun = appointment.starts_at <= now
    if not runs and (begun or appointment.reservation.client_id != actor.client_id):
        return []
    return [
        action
        for action, row in TRANSITIONS.items()
        if appointment.status in row.sources and (runs or row.by_client) and (begun or not row.only_once_begun)
    ]


def check_allowed(action: Action, appointment: Appointment, actor: Actor, now: datetime) -> None:
    if action in allowed_actions(appointment, actor, now):
        return
    row = TRANSITIONS[action]
    runs = actor.runs(appointment.reservation.provider_id, CHANGE)
    if not runs and (not row.by_client or appointment.reservation.client_id != actor.client_id):
        raise NotAllowed
    if appointment.status not in row.sources:
        raise bad_transition(appointment)
    if runs:
        raise NotYet
    raise NotAllowed(_("The appointment has begun. Please get in touch with the provider."))


def bad_transition(appointment: Appointment) -> BadTransition:
    allowed = [str(status) for status in targets_of(appointment.status)]
    text = _("An appointment that is %(status)s can become: %(allowed)s.")
    final = _("An appointment that is %(status)s can no longer be changed.")
    return BadTransition(
        (text if allowed else final) % {"status": appointment.status, "allowed": ", ".join(allowed)},
        field="status",
        details={"status": str(appointment.status), "allowed": allowed},
    )
