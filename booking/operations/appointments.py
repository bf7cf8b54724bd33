"""The life of an appointment: from a confirmed hold to completed, missed, cancelled or declined."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor, Face
from accounts.models import Client, Provider
from booking.enums import TRANSITIONS, Action, AppointmentStatus, Event, Override, ReservationStatus
from booking.errors import BadTransition, HoldExpired, HoldReleased, Missing, NotBookable, NotYet, ProviderNotPublished
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Reservation, Schedule, Service
from booking.operations.limits import (
    LOCK_PERSON,
    check_open_appointments,
    confirm_if_few,
    count_change,
    lock_person,
)
from booking.operations.reservations import (
    BOOK,
    chosen_length,
    claim,
    let_go,
    lock_client,
    locked_schedule,
    offered,
    offering_alternatives,
)
from booking.queries import moved_from
from booking.signals import appointment_changed
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.operations import operation
from scheduler_project.common.rows import columns_of, from_row
from scheduler_project.common.times import rfc3339

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

LOCK_RESERVATION = f"""
WITH person AS MATERIALIZED ({LOCK_PERSON})
SELECT {columns_of(Reservation, "reservation")}, {columns_of(Provider, "provider")}, {columns_of(Client, "client")},
       {columns_of(Service, "service")}, (SELECT array_agg(id) FROM person)
FROM booking_reservation reservation
JOIN accounts_provider provider ON provider.id = reservation.provider_id
JOIN accounts_client client ON client.id = reservation.client_id
LEFT JOIN booking_service service ON service.id = reservation.service_id
WHERE reservation.id = %(reservation)s AND (SELECT count(*) FROM person) >= 0
FOR NO KEY UPDATE OF reservation
"""
"""The condition that is always true has the person locked before the reservation."""

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
        raise _bad_transition(appointment)
    if runs:
        raise NotYet
    raise NotAllowed(_("The appointment has begun. Please get in touch with the provider."))


def _bad_transition(appointment: Appointment) -> BadTransition:
    allowed = [str(status) for status in TRANSITIONS[AppointmentStatus(appointment.status)]]
    said = _("An appointment that is %(status)s can become: %(allowed)s.")
    final = _("An appointment that is %(status)s can no longer be changed.")
    return BadTransition(
        (said if allowed else final) % {"status": appointment.status, "allowed": ", ".join(allowed)},
        field="status",
        details={"status": str(appointment.status), "allowed": allowed},
    )


@operation
def confirm(*, reservation_id: int, actor: Actor, now: datetime, note: str = "") -> Appointment:
    """Turn a held reservation into an appointment: `scheduled`, or `pending` if a client must await approval.

    The client's note, given now or with the hold, becomes its description.

    Repeating it returns the same appointment, wherever it was moved since. Raises HoldExpired from `expires_at` on,
    HoldReleased, TooManyAppointments; NotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RESERVATION, {"reservation": reservation_id, "client": actor.client_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    reservation = from_row(Reservation, row, provider=Provider, client=Client, service=Service)
    if not actor.runs(reservation.provider_id, BOOK) and reservation.client_id != actor.client_id:
        raise NotFound
    if reservation.status == ReservationStatus.CONFIRMED:
        made = Appointment.objects.get(reservation=reservation)
        made.reservation = reservation
        return made
    if reservation.status == ReservationStatus.RELEASED:
        if moved := moved_from(reservation):
            return moved
        raise HoldReleased
    if reservation.status != ReservationStatus.HELD or reservation.expires_at is None or reservation.expires_at <= now:
        raise HoldExpired
    if not reservation.provider.is_vetted:  # Staff took their approval back meanwhile.
        raise ProviderNotPublished(field="provider")
    themselves = not actor.runs(reservation.provider_id, BOOK) and chose_themselves(reservation)
    reach(Failpoint.HOLD_JUDGED)
    reservation.status = ReservationStatus.CONFIRMED
    reservation.network = None
    if not (themselves and confirm_if_few(reservation.pk, row[-1], reservation.provider_id, now)):
        if themselves:
            check_open_appointments(row[-1], reservation.provider_id, actor, now)
        reservation.save(update_fields=["status", "network"])
    return appoint(reservation, actor=actor, now=now, description=note or reservation.note)


def chose_themselves(reservation: Reservation) -> bool:
    """Return whether a time was taken by its client, and not by the provider or staff for them."""
    return reservation.created_by_id == reservation.client.user_id and reservation.face in (Face.PAGE, Face.API)


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
    reminder_offsets: list[str] | None = None,
    overrides: Collection[Override] = (),
    reason: str = "",
) -> Appointment:
    """Reserve and confirm in one step. Arguments and refusals are those of `reserve`.

    Instead of its limit on holds there is one on appointments to come: TooManyAppointments.

    `reason` says why rules were set aside, for the history; from the admin that must be said (Missing).
    """
    check_reason(overrides, reason, actor)
    says = {
        "title": title,
        "description": description,
        "timezone": timezone,
        "reminder_offsets": reminder_offsets,
        "reason": reason,
    }
    with offering_alternatives(provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now):
        return _book(provider_id, client_id, service_id, starts_at, ends_at, says, actor, now, overrides)


@operation
def _book(
    provider_id: int,
    client_id: int,
    service_id: int | None,
    starts_at: datetime,
    ends_at: datetime | None,
    says: dict[str, Any],
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
) -> Appointment:
    if actor.runs(provider_id, BOOK):
        lock_client(client_id)
    else:
        check_open_appointments(lock_person(client_id), provider_id, actor, now)
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
    return appoint(reservation, actor=actor, now=now, **says)


def check_reason(overrides: Collection[Override], reason: str, actor: Actor) -> None:
    """Whoever sets rules of somebody else's calendar aside says why. Raises Missing."""
    if overrides and not reason and actor.face == Face.ADMIN:
        raise Missing(_("Say why these rules are set aside."), field="reason")


def appoint(
    reservation: Reservation,
    *,
    actor: Actor,
    now: datetime,
    title: str = "",
    description: str = "",
    timezone: str = "",
    reminder_offsets: list[str] | None = None,
    series: AppointmentSeries | None = None,
    occurrence: date | None = None,
    among: list[AppointmentEvent] | None = None,
    reason: str = "",
) -> Appointment:
    """Write the appointment of a reservation just confirmed. The caller has claimed its time.

    Here and below: when much happens at once, its events are gathered in `among`, for the caller to tell of together.
    """
    service = reservation.service
    waits = service is not None and service.needs_approval and not actor.runs(reservation.provider_id, BOOK)
    appointment = composed(
        reservation,
        now=now,
        title=title,
        description=description,
        timezone=timezone,
        reminder_offsets=reminder_offsets,
        status=AppointmentStatus.PENDING if waits else AppointmentStatus.SCHEDULED,
        series=series,
        occurrence=occurrence,
    )
    appointment.save(force_insert=True)
    _record(
        appointment,
        Event.BOOKED,
        actor,
        status=appointment.status,
        among=among,
        overrides=reservation.overrides,
        reason=reason,
        **({"series": series.pk} if series else {}),
    )
    return appointment


def composed(
    reservation: Reservation,
    *,
    now: datetime,
    status: AppointmentStatus,
    title: str = "",
    description: str = "",
    timezone: str = "",
    reminder_offsets: list[str] | None = None,
    series: AppointmentSeries | None = None,
    occurrence: date | None = None,
) -> Appointment:
    """The appointment of a reservation, not written yet."""
    return Appointment(  # type: ignore[misc]  # an ArrayField that may be NULL
        reservation=reservation,
        series=series,
        occurrence=occurrence,
        title=title or untitled(reservation.service),
        description=description,
        timezone=timezone or reservation.client.timezone,
        reminder_offsets=reminder_offsets,
        status=status,
        created_at=now,
        updated_at=now,
    )


def untitled(service: Service | None) -> str:
    """The title of an appointment that was given none. Without a service it has none: see `Appointment.called`."""
    return service.name if service else ""


def reschedule(
    *,
    appointment_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    ends_at: datetime | None = None,
    overrides: Collection[Override] = (),
    reason: str = "",
) -> Appointment:
    """Move an appointment to another time of the same provider, all or nothing.

    It stays as long as it was, unless the provider or staff say `ends_at`. Its own old
    time is not in the way. On any refusal (those of `reserve`, and BadTransition) the original stands. `reason` is that
    of `book`.
    """
    check_reason(overrides, reason, actor)
    reservation = _reservation_of(appointment_id)
    with offering_alternatives(
        provider_id=reservation.provider_id, service_id=reservation.service_id, starts_at=starts_at, now=now
    ):
        return _reschedule(appointment_id, reservation.provider_id, starts_at, ends_at, actor, now, overrides, reason)


@operation
def _reschedule(
    appointment_id: int,
    provider_id: int,
    starts_at: datetime,
    ends_at: datetime | None,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
    reason: str,
) -> Appointment:
    schedule = locked_schedule(provider_id)
    appointment = locked_appointment(appointment_id)
    check_allowed(Action.RESCHEDULE, appointment, actor, now)
    old = appointment.reservation
    return move_to(
        appointment,
        schedule=schedule,
        service=old.service,
        starts_at=starts_at,
        length=chosen_length(schedule, starts_at, ends_at, actor) or old.length,
        actor=actor,
        now=now,
        overrides=overrides,
        reason=reason,
    )


def move_to(
    appointment: Appointment,
    *,
    schedule: Schedule,
    service: Service | None,
    starts_at: datetime,
    length: timedelta,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
    among: list[AppointmentEvent] | None = None,
    reason: str = "",
) -> Appointment:
    """Let an appointment's time go and claim another. The caller holds the locks, and undoes all on a refusal."""
    if not schedule.provider_is_active:
        raise NotBookable
    old = appointment.reservation
    let_go(old, now)
    claimed = claim(
        schedule=schedule,
        service=service,
        client_id=old.client_id,
        starts_at=starts_at,
        length=length,
        expires_at=None,
        actor=actor,
        now=now,
        overrides=overrides,
    )
    claimed.provider, claimed.client, claimed.service = old.provider, old.client, service
    appointment.reservation = claimed
    appointment.mark_changed(now)
    appointment.save(update_fields=["reservation", "sequence", "updated_at"])
    _record(
        appointment,
        Event.RESCHEDULED,
        actor,
        among=among,
        **{"from": rfc3339(old.starts_at), "to": rfc3339(starts_at)},
        reservation=old.pk,
        overrides=claimed.overrides,
        reason=reason,
    )
    return appointment


@operation
def act(*, appointment_id: int, action: Action, actor: Actor, now: datetime, reason: str = "") -> Appointment:
    """Approve, decline, complete, miss or cancel an appointment; a declined or cancelled one's time is free at once.

    What is cancelled or declined of a series is an exception to its rule (EXDATE) from then on.
    Raises BadTransition naming the moves there are, NotYet for an outcome before the start, NotAllowed; NotFound.
    """
    locked_schedule(_reservation_of(appointment_id).provider_id)
    appointment = locked_appointment(appointment_id)
    check_allowed(action, appointment, actor, now)
    if action in (Action.CANCEL, Action.DECLINE) and appointment.series and appointment.occurrence:
        except_date(appointment.series, appointment.occurrence, now)
    return do(appointment, action, actor=actor, now=now, reason=reason)


def do(
    appointment: Appointment,
    action: Action,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    among: list[AppointmentEvent] | None = None,
) -> Appointment:
    """Carry an action out. The caller holds the locks and has checked that it is allowed."""
    if action in (Action.CANCEL, Action.DECLINE):
        let_go(appointment.reservation, now)
    _move(appointment, TARGETS[action], now, reason)
    because = {"reason": reason} if reason else {}
    _record(appointment, EVENTS[action], actor, among=among, status=appointment.status, **because)
    return appointment


def except_date(series: AppointmentSeries, day: date, now: datetime) -> None:
    """Leave a date of a series out. The caller holds the schedule's lock, under which a series changes."""
    if day not in series.exdates:
        series.exdates = sorted([*series.exdates, day])
        series.mark_changed(now)
        series.save(update_fields=["exdates", "updated_at"])


def set_status(
    *, appointment_id: int, status: AppointmentStatus, actor: Actor, now: datetime, reason: str = ""
) -> Appointment:
    """`act`, told by the status wanted. Raises BadTransition for a status no action leads to."""
    action = next((action for action, target in TARGETS.items() if target == status), None)
    if action is None:
        raise _bad_transition(Appointment.objects.get(pk=appointment_id))
    return act(appointment_id=appointment_id, action=action, actor=actor, now=now, reason=reason)


@operation
def edit(*, appointment_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Appointment:
    """Change title, description, timezone or reminder offsets. For provider and staff. Raises NotAllowed; NotFound."""
    locked_schedule(_reservation_of(appointment_id).provider_id)
    appointment = locked_appointment(appointment_id)
    if not actor.runs(appointment.reservation.provider_id, CHANGE):
        raise NotAllowed
    return reword(appointment, changes, actor=actor, now=now)


def reword(
    appointment: Appointment,
    changes: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    among: list[AppointmentEvent] | None = None,
) -> Appointment:
    """Change what an appointment says; nothing is written if nothing differs. The caller holds the locks."""
    if changes.get("title") == "":
        changes = {**changes, "title": untitled(appointment.service)}
    changed = {name: value for name, value in changes.items() if getattr(appointment, name) != value}
    if changed:
        was = {name: getattr(appointment, name) for name in sorted(changed)}
        for name, value in changed.items():
            setattr(appointment, name, value)
        appointment.mark_changed(now)
        appointment.save(update_fields=[*changed, "sequence", "updated_at"])
        _record(appointment, Event.EDITED, actor, among=among, changed=sorted(changed), was=was)
    return appointment


def _reservation_of(appointment_id: int) -> Reservation:
    reservation = Reservation.objects.filter(appointment=appointment_id).first()
    if reservation is None:
        raise NotFound
    return reservation


def locked_appointment(appointment_id: int) -> Appointment:
    """An appointment, locked until the transaction ends. The caller holds the schedule's lock. Raises NotFound."""
    try:
        return (
            Appointment.objects.detailed()
            .select_related("series")
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
    appointment.mark_changed(now)
    moved = Appointment.objects.filter(pk=appointment.pk, status=before).update(
        status=status,
        cancellation_reason=appointment.cancellation_reason,
        sequence=appointment.sequence,
        updated_at=appointment.updated_at,
    )
    if not moved:
        raise _bad_transition(appointment)


def _record(
    appointment: Appointment,
    event: Event,
    actor: Actor,
    *,
    among: list[AppointmentEvent] | None = None,
    **details: Any,
) -> None:
    if among is None:
        count_change(appointment.reservation.client_id, actor)
    happened = entry(appointment, event, actor, **details)
    happened.save(force_insert=True)
    if among is not None:
        among.append(happened)
    appointment_changed.send(Appointment, appointment=appointment, event=happened, now=happened.at, alone=among is None)


def entry(appointment: Appointment, event: Event, actor: Actor, **details: Any) -> AppointmentEvent:
    """A line of an appointment's history, of the moment it was last changed; not written yet."""
    return AppointmentEvent(
        appointment=appointment,
        event=event,
        at=appointment.updated_at,
        user=actor.user,
        face=actor.face,
        details={name: value for name, value in details.items() if value not in ([], "")},
    )
