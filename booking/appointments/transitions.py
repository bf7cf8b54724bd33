"""The moves between the states of an appointment, and who may make them when."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.appointments.enums import Action, AppointmentStatus, Event
from booking.appointments.errors import BadTransition, NotYet
from booking.models import Appointment
from scheduler_project.common.errors import NotAllowed

TARGETS: dict[Action, AppointmentStatus] = {
    Action.APPROVE: AppointmentStatus.SCHEDULED,
    Action.DECLINE: AppointmentStatus.DECLINED,
    Action.COMPLETE: AppointmentStatus.COMPLETED,
    Action.MISS: AppointmentStatus.MISSED,
    Action.CANCEL: AppointmentStatus.CANCELLED,
}
"""The status each action leads to. Rescheduling keeps the one there is."""


EVENTS: dict[Action, Event] = {
    Action.APPROVE: Event.APPROVED,
    Action.DECLINE: Event.DECLINED,
    Action.COMPLETE: Event.COMPLETED,
    Action.MISS: Event.MISSED,
    Action.CANCEL: Event.CANCELLED,
}


CHANGE = "booking.change_appointment"
"""The permission by which staff change anybody's appointments."""


CLIENTS_ACTIONS = (Action.RESCHEDULE, Action.CANCEL)


def allowed_actions(appointment: Appointment, actor: Actor, now: datetime) -> list[Action]:
    """Return the actions that `actor` may take on the appointment at this moment.

    The provider and staff: whatever its status allows; how it went only once it has begun. Its client: move or cancel
    it until it begins.
    """
    runs = actor.runs(appointment.reservation.provider_id, CHANGE)
    begun = appointment.starts_at <= now
    if not runs and (begun or appointment.reservation.client_id != actor.client_id):
        return []
    possible = TRANSITIONS[AppointmentStatus(appointment.status)]
    return [
        action
        for action in (Action if runs else CLIENTS_ACTIONS)
        if (TARGETS[action] in possible if action in TARGETS else possible)
        and (begun or action not in (Action.COMPLETE, Action.MISS))
    ]


def check_allowed(action: Action, appointment: Appointment, actor: Actor, now: datetime) -> None:
    if action in allowed_actions(appointment, actor, now):
        return
    runs = actor.runs(appointment.reservation.provider_id, CHANGE)
    if not runs and (action not in CLIENTS_ACTIONS or appointment.reservation.client_id != actor.client_id):
        raise NotAllowed
    possible = TRANSITIONS[AppointmentStatus(appointment.status)]
    if not possible or (action in TARGETS and TARGETS[action] not in possible):
        raise bad_transition(appointment)
    if runs:
        raise NotYet
    raise NotAllowed(_("The appointment has begun. Please get in touch with the provider."))


def bad_transition(appointment: Appointment) -> BadTransition:
    allowed = [str(status) for status in TRANSITIONS[AppointmentStatus(appointment.status)]]
    said = _("An appointment that is %(status)s can become: %(allowed)s.")
    final = _("An appointment that is %(status)s can no longer be changed.")
    return BadTransition(
        (said if allowed else final) % {"status": appointment.status, "allowed": ", ".join(allowed)},
        field="status",
        details={"status": str(appointment.status), "allowed": allowed},
    )


TRANSITIONS: dict[AppointmentStatus, tuple[AppointmentStatus, ...]] = {
    AppointmentStatus.PENDING: (
        AppointmentStatus.SCHEDULED,
        AppointmentStatus.DECLINED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.SCHEDULED: (
        AppointmentStatus.COMPLETED,
        AppointmentStatus.MISSED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.COMPLETED: (),
    AppointmentStatus.MISSED: (),
    AppointmentStatus.CANCELLED: (),
    AppointmentStatus.DECLINED: (),
}
"""Every move an appointment can make. Moves not listed here do not exist."""
