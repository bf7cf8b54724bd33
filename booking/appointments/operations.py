"""Operations on appointments, from a confirmed hold to completed, missed, cancelled or declined."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from accounts.models import Client, Provider
from booking.appointments.changes import (
    add_exdate,
    apply_transition,
    check_reason,
    create_appointment,
    locked_appointment,
    move_to,
    pass_on,
    update_texts,
)
from booking.appointments.enums import Action, AppointmentStatus
from booking.appointments.limits import (
    LOCK_PERSON,
    check_known,
    check_open_appointments,
    confirm_if_few,
    count_unconfirmed,
    lock_person,
    people_counted,
)
from booking.appointments.permissions import CHANGE, bad_transition, check_allowed
from booking.appointments.queries import moved_from
from booking.appointments.transitions import TRANSITIONS, action_to
from booking.availability.locks import locked_schedule
from booking.models import Appointment, Reservation, Schedule, Service
from booking.reservations import guests
from booking.reservations.claims import BOOK, check_bookable, chosen_length, claim, lock_client, offered
from booking.reservations.enums import BY_THEMSELVES, Override, ReservationStatus
from booking.reservations.errors import ConfirmationRequired, HoldExpired, HoldReleased, ProviderNotPublished
from booking.reservations.operations import offering_alternatives
from booking.signals import guest_added
from scheduler_project.common.db.rows import columns_of, from_row
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.operations import operation

# One statement locks and reads five tables, in this order: `make bench` (reserve).
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
"""A condition that is always true makes PostgreSQL lock the person before the reservation."""


@operation
def confirm(
    *, reservation_id: int, actor: Actor, now: datetime, note: str = "", from_mailbox: bool = True
) -> Appointment:
    """Turn a hold into an appointment: `scheduled`, or `pending` if a client must wait for approval.

    The client's note, given now or with the hold, becomes the description. Repeating it returns the same appointment,
    even after it was moved. `from_mailbox` is False for a guest who did not answer the mail about it. Raises
    HoldExpired from `expires_at` on, HoldReleased, NoNewClients, TooManyAppointments; NotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RESERVATION, {"reservation": reservation_id, "client": actor.client_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    reservation = from_row(Reservation, row, provider=Provider, client=Client, service=Service)
    if not actor.runs(reservation.provider_id, BOOK) and reservation.client_id != actor.client_id:
        raise NotFound
    state = reservation.state(now)
    if state == ReservationStatus.CONFIRMED:
        made = Appointment.objects.get(reservation=reservation)
        made.reservation = reservation
        return made
    if state == ReservationStatus.RELEASED:
        if moved := moved_from(reservation):
            return moved
        raise HoldReleased
    if state == ReservationStatus.EXPIRED:
        raise HoldExpired
    if not reservation.provider.is_vetted:  # Staff withdrew their approval of the provider meanwhile.
        raise ProviderNotPublished(field="provider")
    if actor.guest is not None:
        actor = replace(actor, guest=guests.note_answer(reservation.client, from_mailbox=from_mailbox))
    themselves = not actor.runs(reservation.provider_id, BOOK) and chose_themselves(reservation)
    if themselves:
        check_known(row[-1] if from_mailbox else [], reservation.provider)
    reach(Failpoint.HOLD_JUDGED)
    _mark_confirmed(reservation, people_counted(row[-1], actor) if themselves else None, actor, now)
    made = create_appointment(reservation, actor=actor, now=now, description=note or reservation.note)
    if actor.guest is not None and actor.guest.is_unproved:
        count_unconfirmed()
    return made


def _mark_confirmed(reservation: Reservation, people: list[int] | None, actor: Actor, now: datetime) -> None:
    """Mark a hold as confirmed. With `people` (`people_counted`) raise TooManyAppointments if they have too many."""
    reservation.status = ReservationStatus.CONFIRMED
    reservation.network = None
    if people is not None:
        if confirm_if_few(reservation.pk, people, reservation.provider_id, now):
            return
        check_open_appointments(people, reservation.provider_id, actor, now)
    reservation.save(update_fields=["status", "network"])


def chose_themselves(reservation: Reservation) -> bool:
    """Return True if the client took the time, and not the provider or staff for them."""
    return reservation.created_by_id == reservation.client.user_id and reservation.face in BY_THEMSELVES


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
    """Reserve and confirm in one step. Arguments and errors are those of `reserve`.

    Instead of the limit on holds, the limit on appointments to come applies: TooManyAppointments. `reason` explains the
    overrides in the history; from the admin it is required (Missing).
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
        return write_booking(provider_id, client_id, service_id, starts_at, ends_at, says, actor, now, overrides)


def book_as_guest(
    *,
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    source: Source,
    now: datetime,
    note: str = "",
    timezone: str = "",
    language: str = "",
    by_sms: bool = False,
    **contact: Any,
) -> Appointment:
    """Reserve and confirm in one step for a new client, where the site lets guests do so without a mail (R10).

    Their mailbox counts as unverified. `contact` is what guests are asked for. Raises ConfirmationRequired, LinkInName,
    TooOften for a network, and what `book` raises; then no client is added.
    """
    if settings.GUESTS_CONFIRM:
        raise ConfirmationRequired
    with offering_alternatives(provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now):
        return _book_as_guest(
            provider_id, service_id, starts_at, source, now, note, timezone, language, by_sms, contact
        )


@operation
def _book_as_guest(
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    source: Source,
    now: datetime,
    note: str,
    timezone: str,
    language: str,
    by_sms: bool,
    contact: dict[str, Any],
) -> Appointment:
    client = guests.add_guest(provider_id=provider_id, timezone=timezone, contact=contact, now=now)
    guest_added.send(Client, client=client, language=language, by_sms=by_sms, now=now)
    actor = Actor(None, source, guest=client)
    made = write_booking(provider_id, client.pk, service_id, starts_at, None, {"description": note}, actor, now, ())
    count_unconfirmed()
    return made


@operation
def write_booking(
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
    """Book without adding alternatives to an error, for callers that do more in the same transaction."""
    if actor.runs(provider_id, BOOK):
        lock_client(client_id)
    else:
        people = lock_person(client_id)
        check_open_appointments(people_counted(people, actor), provider_id, actor, now)
        check_known(people if actor.guest is None else [], Provider.objects.get(pk=provider_id))
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
    return create_appointment(reservation, actor=actor, now=now, **says)


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

    It keeps its length, unless the provider or staff give `ends_at`. Its own old time is not in the way. Any error
    (those of `reserve`, and BadTransition) leaves the original. `reason` is that of `book`.
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
    schedule, appointment = _locked(appointment_id, provider_id)
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


@operation
def take_action(*, appointment_id: int, action: Action, actor: Actor, now: datetime, reason: str = "") -> Appointment:
    """Take an action that changes the status of an appointment. Declining or cancelling frees its time at once.

    A declined or cancelled occurrence becomes an exception (EXDATE) to the rule of its series. Raises BadTransition,
    which names the possible statuses; NotYet for an outcome before the start; NotAllowed; NotFound.
    """
    _schedule, appointment = _locked(appointment_id)
    return _take(appointment, action, actor, now, reason)


@operation
def set_status(
    *, appointment_id: int, status: AppointmentStatus, actor: Actor, now: datetime, reason: str = ""
) -> Appointment:
    """Take the action that leads to a status. Raises BadTransition if none does; else as `take_action`."""
    _schedule, appointment = _locked(appointment_id)
    return _to_status(appointment, status, actor, now, reason)


def _to_status(
    appointment: Appointment, status: AppointmentStatus, actor: Actor, now: datetime, reason: str
) -> Appointment:
    action = action_to(status, appointment.status)
    if action is None:
        raise bad_transition(appointment)
    return _take(appointment, action, actor, now, reason)


def _take(appointment: Appointment, action: Action, actor: Actor, now: datetime, reason: str) -> Appointment:
    check_allowed(action, appointment, actor, now)
    if TRANSITIONS[action].frees_time and appointment.series and appointment.occurrence:
        add_exdate(appointment.series, appointment.occurrence, now)
    return apply_transition(appointment, action, actor=actor, now=now, reason=reason)


@operation
def edit(*, appointment_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Appointment:
    """Change title, description, timezone or reminder offsets, for provider and staff. Raises NotAllowed; NotFound."""
    _schedule, appointment = _locked(appointment_id)
    if not actor.runs(appointment.reservation.provider_id, CHANGE):
        raise NotAllowed
    return update_texts(appointment, changes, actor=actor, now=now)


def change(
    *,
    appointment_id: int,
    actor: Actor,
    now: datetime,
    client_id: int | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    texts: dict[str, Any] | None = None,
    status: AppointmentStatus | None = None,
    reason: str = "",
    overrides: Collection[Override] = (),
) -> Appointment:
    """Change what is named of an appointment, all or nothing: its client and time, then its texts, then its status.

    What is named as it is already changes nothing and needs no permission. Another client gets an appointment without
    the texts and the history of the one before; it leaves its series. `reason` is that of the new status. Raises the
    errors of `reschedule`, `edit` and `set_status`; NotAllowed, ClientErased or NotFound for a client whom the actor
    may not book there.
    """
    reservation = _reservation_of(appointment_id)
    with offering_alternatives(
        provider_id=reservation.provider_id,
        service_id=reservation.service_id,
        starts_at=starts_at or reservation.starts_at,
        now=now,
    ):
        return _change(
            appointment_id,
            reservation.provider_id,
            client_id,
            starts_at,
            ends_at,
            texts or {},
            status,
            reason,
            overrides,
            actor,
            now,
        )


@operation
def _change(
    appointment_id: int,
    provider_id: int,
    client_id: int | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    texts: dict[str, Any],
    status: AppointmentStatus | None,
    reason: str,
    overrides: Collection[Override],
    actor: Actor,
    now: datetime,
) -> Appointment:
    if client_id is not None:
        lock_client(client_id)
    schedule, appointment = _locked(appointment_id, provider_id)
    texts = {name: value for name, value in texts.items() if getattr(appointment, name) != value}
    client = _next_client(client_id, appointment, actor, now)
    old = appointment.reservation
    start = starts_at or old.starts_at
    length = ends_at - start if ends_at else old.length
    if (start, length) != (old.starts_at, old.length):
        check_allowed(Action.RESCHEDULE, appointment, actor, now)
        if length != old.length:
            length = chosen_length(schedule, start, ends_at, actor) or length
        appointment = move_to(
            appointment,
            schedule=schedule,
            service=old.service,
            starts_at=start,
            length=length,
            actor=actor,
            now=now,
            overrides=overrides,
            client=client,
        )
    elif client is not None:
        appointment = pass_on(appointment, client, schedule=schedule, actor=actor, now=now)
    if texts:
        if not actor.runs(provider_id, CHANGE):
            raise NotAllowed
        appointment = update_texts(appointment, texts, actor=actor, now=now)
    if status is not None and status != appointment.status:
        appointment = _to_status(appointment, status, actor, now, reason)
    return appointment


def _next_client(client_id: int | None, appointment: Appointment, actor: Actor, now: datetime) -> Client | None:
    """Return the client who gets the appointment; None if it stays with its own. The caller has locked the client."""
    if client_id in (None, appointment.reservation.client_id):
        return None
    check_allowed(Action.REASSIGN, appointment, actor, now)
    if not actor.runs(appointment.reservation.provider_id, BOOK):
        raise NotAllowed(_("You can book for yourself only."), field="client")
    check_bookable(client_id, appointment.reservation.provider_id)
    return Client.objects.get(pk=client_id)


def _locked(appointment_id: int, provider_id: int | None = None) -> tuple[Schedule, Appointment]:
    """Lock the schedule of an appointment and then the appointment. Raises NotFound."""
    schedule = locked_schedule(provider_id or _reservation_of(appointment_id).provider_id)
    return schedule, locked_appointment(appointment_id)


def _reservation_of(appointment_id: int) -> Reservation:
    reservation = Reservation.objects.filter(appointment=appointment_id).first()
    if reservation is None:
        raise NotFound
    return reservation
