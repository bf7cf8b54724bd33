"""The life of an appointment: from a confirmed hold to completed, missed, cancelled or declined."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.enums import TRANSITIONS, Action, AppointmentStatus, Event, Override, ReservationStatus
from booking.errors import BadTransition, HoldExpired, HoldReleased, NotAllowed, NotBookable, NotFound, NotYet
from booking.models import Appointment, AppointmentEvent, Reservation
from booking.operations.reservations import (
    chosen_length,
    claim,
    let_go,
    lock_client,
    locked_schedule,
    offered,
    offering_alternatives,
    rfc3339,
)
from scheduler_project.common.operations import operation

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

CLIENTS_ACTIONS = (Action.RESCHEDULE, Action.CANCEL)


def allowed_actions(appointment: Appointment, actor: Actor, now: datetime) -> list[Action]:
    """What `actor` may do with the appointment at this moment.

    The provider and staff: whatever its status allows; how it went only once it has begun. Its client: move or cancel
    it until it begins.
    """
    runs = actor.runs(appointment.reservation.provider_id)
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


def _check(action: Action, appointment: Appointment, actor: Actor, now: datetime) -> None:
    if action in allowed_actions(appointment, actor, now):
        return
    runs = actor.runs(appointment.reservation.provider_id)
    if not runs and (action not in CLIENTS_ACTIONS or appointment.reservation.client_id != actor.client_id):
        raise NotAllowed
    possible = TRANSITIONS[AppointmentStatus(appointment.status)]
    if not possible or (action in TARGETS and TARGETS[action] not in possible):
        raise _bad_transition(appointment)
    if runs:
        raise NotYet
    raise NotAllowed(_("The appointment has begun. Please get in touch with the provider."))


def _bad_transition(appointment: Appointment) -> BadTransition:
    allowed = [str(status) for status in TRANSITIONS[AppointmentStatus(appointment.status)]]
    return BadTransition(
        _("An appointment that is %(status)s can become: %(allowed)s.")
        % {"status": appointment.status, "allowed": ", ".join(allowed) or _("nothing else")},
        field="status",
        details={"status": str(appointment.status), "allowed": allowed},
    )


@operation
def confirm(*, reservation_id: int, actor: Actor, now: datetime) -> Appointment:
    """Turn a held reservation into an appointment: `scheduled`, or `pending` if a client must await approval.

    Repeating it returns the same appointment. Raises HoldExpired from `expires_at` on, HoldReleased; NotFound.
    """
    reservation = (
        Reservation.objects.select_related("provider", "client", "service")
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=reservation_id)
        .first()
    )
    if reservation is None:
        raise NotFound
    if not actor.runs(reservation.provider_id) and reservation.client_id != actor.client_id:
        raise NotAllowed
    if (made := Appointment.objects.filter(reservation=reservation).first()) is not None:
        made.reservation = reservation
        return made
    if reservation.status == ReservationStatus.RELEASED:
        raise HoldReleased
    if reservation.status != ReservationStatus.HELD or reservation.expires_at is None or reservation.expires_at <= now:
        raise HoldExpired
    reservation.status = ReservationStatus.CONFIRMED
    reservation.save(update_fields=["status"])
    return _appoint(reservation, actor=actor, now=now)


def book(
    *,
    provider_id: int,
    client_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    service_id: int | None = None,
    ends_at: datetime | None = None,
    title: str = "",
    description: str = "",
    timezone: str = "",
    overrides: Collection[Override] = (),
) -> Appointment:
    """Reserve and confirm in one step. Arguments and refusals are those of `reserve`, without its limit on holds."""
    with offering_alternatives(provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now):
        return _book(
            provider_id, client_id, service_id, starts_at, ends_at, title, description, timezone, actor, now, overrides
        )


@operation
def _book(
    provider_id: int,
    client_id: int,
    service_id: int | None,
    starts_at: datetime,
    ends_at: datetime | None,
    title: str,
    description: str,
    timezone: str,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
) -> Appointment:
    lock_client(client_id)
    schedule = locked_schedule(provider_id)
    reservation = claim(
        schedule=schedule,
        service=offered(schedule, service_id, actor),
        client_id=client_id,
        starts_at=starts_at,
        length=chosen_length(schedule, starts_at, ends_at, actor),
        expires_at=None,
        actor=actor,
        now=now,
        overrides=overrides,
    )
    return _appoint(reservation, actor=actor, now=now, title=title, description=description, timezone=timezone)


def _appoint(
    reservation: Reservation,
    *,
    actor: Actor,
    now: datetime,
    title: str = "",
    description: str = "",
    timezone: str = "",
) -> Appointment:
    service = reservation.service
    waits = service is not None and service.needs_approval and not actor.runs(reservation.provider_id)
    appointment = Appointment.objects.create(
        reservation=reservation,
        title=title or (service.name if service else _("Appointment")),
        description=description,
        timezone=timezone or reservation.client.timezone,
        status=AppointmentStatus.PENDING if waits else AppointmentStatus.SCHEDULED,
        created_at=now,
        updated_at=now,
    )
    _record(appointment, Event.BOOKED, actor, now, status=appointment.status, overrides=reservation.overrides)
    return appointment


def reschedule(
    *,
    appointment_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    ends_at: datetime | None = None,
    overrides: Collection[Override] = (),
) -> Appointment:
    """Move an appointment to another time of the same provider, all or nothing.

    It stays as long as it was, unless the provider or staff say `ends_at`. Its own old
    time is not in the way. On any refusal (those of `reserve`, and BadTransition) the original stands.
    """
    reservation = _reservation_of(appointment_id)
    with offering_alternatives(
        provider_id=reservation.provider_id, service_id=reservation.service_id, starts_at=starts_at, now=now
    ):
        return _reschedule(appointment_id, reservation.provider_id, starts_at, ends_at, actor, now, overrides)


@operation
def _reschedule(
    appointment_id: int,
    provider_id: int,
    starts_at: datetime,
    ends_at: datetime | None,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
) -> Appointment:
    schedule = locked_schedule(provider_id)
    appointment = _locked(appointment_id)
    _check(Action.RESCHEDULE, appointment, actor, now)
    if not schedule.provider_is_active:
        raise NotBookable
    old = appointment.reservation
    let_go(old, now)
    appointment.reservation = claim(
        schedule=schedule,
        service=old.service,
        client_id=old.client_id,
        starts_at=starts_at,
        length=chosen_length(schedule, starts_at, ends_at, actor) or old.length,
        expires_at=None,
        actor=actor,
        now=now,
        overrides=overrides,
    )
    appointment.sequence += 1
    appointment.updated_at = now
    appointment.save(update_fields=["reservation", "sequence", "updated_at"])
    _record(
        appointment,
        Event.RESCHEDULED,
        actor,
        now,
        **{"from": rfc3339(old.starts_at), "to": rfc3339(starts_at)},
        overrides=appointment.reservation.overrides,
    )
    return appointment


@operation
def act(*, appointment_id: int, action: Action, actor: Actor, now: datetime, reason: str = "") -> Appointment:
    """Approve, decline, complete, miss or cancel an appointment; a declined or cancelled one's time is free at once.

    Raises BadTransition naming the moves there are, NotYet for an outcome before the start, NotAllowed; NotFound.
    """
    locked_schedule(_reservation_of(appointment_id).provider_id)
    appointment = _locked(appointment_id)
    _check(action, appointment, actor, now)
    if action in (Action.CANCEL, Action.DECLINE):
        let_go(appointment.reservation, now)
    _move(appointment, TARGETS[action], now, reason)
    _record(
        appointment, EVENTS[action], actor, now, status=appointment.status, **({"reason": reason} if reason else {})
    )
    return appointment


def set_status(
    *, appointment_id: int, status: AppointmentStatus, actor: Actor, now: datetime, reason: str = ""
) -> Appointment:
    """`act`, told by the status wanted. Raises BadTransition for a status no action leads to."""
    action = next((action for action, target in TARGETS.items() if target == status), None)
    if action is None:
        raise _bad_transition(Appointment.objects.get(pk=appointment_id))
    return act(appointment_id=appointment_id, action=action, actor=actor, now=now, reason=reason)


@operation
def edit(*, appointment_id: int, changes: dict[str, str], actor: Actor, now: datetime) -> Appointment:
    """Change the title, description or timezone. For the provider and staff. Raises NotAllowed; NotFound."""
    locked_schedule(_reservation_of(appointment_id).provider_id)
    appointment = _locked(appointment_id)
    if not actor.runs(appointment.reservation.provider_id):
        raise NotAllowed
    changed = {name: value for name, value in changes.items() if getattr(appointment, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(appointment, name, value)
        appointment.sequence += 1
        appointment.updated_at = now
        appointment.save(update_fields=[*changed, "sequence", "updated_at"])
        _record(appointment, Event.EDITED, actor, now, changed=sorted(changed))
    return appointment


def _reservation_of(appointment_id: int) -> Reservation:
    reservation = Reservation.objects.filter(appointment=appointment_id).first()
    if reservation is None:
        raise NotFound
    return reservation


def _locked(appointment_id: int) -> Appointment:
    try:
        return (
            Appointment.objects.detailed()
            .select_for_update(of=("self", "reservation"), no_key=True)
            .get(pk=appointment_id)
        )
    except Appointment.DoesNotExist:
        raise NotFound from None


def _move(appointment: Appointment, status: AppointmentStatus, now: datetime, reason: str) -> None:
    """Write a status, if the row still has the one it was judged by."""
    before = appointment.status
    appointment.status = status
    appointment.cancellation_reason = (
        reason if status in (AppointmentStatus.CANCELLED, AppointmentStatus.DECLINED) else ""
    )
    appointment.sequence += 1
    appointment.updated_at = now
    moved = Appointment.objects.filter(pk=appointment.pk, status=before).update(
        status=status,
        cancellation_reason=appointment.cancellation_reason,
        sequence=appointment.sequence,
        updated_at=now,
    )
    if not moved:
        raise _bad_transition(appointment)


def _record(appointment: Appointment, event: Event, actor: Actor, now: datetime, **details: Any) -> None:
    AppointmentEvent.objects.create(
        appointment=appointment,
        event=event,
        at=now,
        user=actor.user,
        face=actor.face,
        details={name: value for name, value in details.items() if value not in ([], "")},
    )
