"""Changes to appointments, of which the operations consist. The callers hold the locks."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.enums import Action, AppointmentStatus, Event
from booking.appointments.limits import count_change
from booking.appointments.permissions import bad_transition
from booking.appointments.transitions import STATUSES, TRANSITIONS
from booking.availability.enums import FreedBy
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Reservation, Schedule, Service
from booking.reservations.claims import BOOK, claim, pass_on_claim, release_claim
from booking.reservations.enums import Override
from booking.reservations.errors import NotBookable, ProviderNotPublished
from booking.signals import appointment_changed
from scheduler_project.common.errors import Missing, NotFound
from scheduler_project.common.time.zones import rfc3339


def check_reason(overrides: Collection[Override], reason: str, actor: Actor) -> None:
    """Raise Missing if staff override rules of another person's schedule in the admin without a reason."""
    if overrides and not reason and actor.source == Source.ADMIN:
        raise Missing(_("Give a reason for overriding these rules."), field="reason")


def create_appointment(
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

    Here and below, `among` collects the events of many changes at once, so that the caller can announce them together.
    """
    service = reservation.service
    waits = service is not None and service.needs_approval and not actor.runs(reservation.provider_id, BOOK)
    appointment = build_appointment(
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


def build_appointment(
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
    """Return the appointment of a reservation, not saved yet."""
    return Appointment(  # type: ignore[misc]  # an ArrayField that may be NULL
        reservation=reservation,
        series=series,
        occurrence=occurrence,
        title=title or default_title(reservation.service),
        description=description,
        timezone=timezone or reservation.client.timezone,
        reminder_offsets=reminder_offsets,
        status=status,
        created_at=now,
        updated_at=now,
    )


def default_title(service: Service | None) -> str:
    """Return the default title: the service's name, or "" without a service (see `Appointment.called`)."""
    return service.name if service else ""


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
    client: Client | None = None,
) -> Appointment:
    """Free an appointment's time and claim another, for another `client` if one is given.

    The caller holds the locks, and rolls back on an error.
    """
    if not schedule.provider_is_active:
        raise NotBookable
    old = appointment.reservation
    release_claim(old, FreedBy.MOVED, now)
    claimed = claim(
        schedule=schedule,
        service=service,
        client_id=client.pk if client else old.client_id,
        starts_at=starts_at,
        length=length,
        expires_at=None,
        actor=actor,
        now=now,
        overrides=overrides,
    )
    claimed.provider, claimed.client, claimed.service = old.provider, client or old.client, service
    details = {
        "from": rfc3339(old.starts_at),
        "to": rfc3339(starts_at),
        "overrides": claimed.overrides,
        "reason": reason,
    }
    if client is not None:
        return _begin_anew(appointment, claimed, actor, now, details)
    appointment.reservation = claimed
    appointment.mark_changed(now)
    appointment.save(update_fields=["reservation", "sequence", "updated_at"])
    _record(appointment, Event.RESCHEDULED, actor, among=among, reservation=old.pk, **details)
    return appointment


def pass_on(
    appointment: Appointment, client: Client, *, schedule: Schedule, actor: Actor, now: datetime
) -> Appointment:
    """Give an appointment to another client at the same time.

    The caller holds the locks and has checked that the client can be booked.
    """
    if not schedule.provider_is_active:
        raise NotBookable
    if not schedule.provider_is_vetted:
        raise ProviderNotPublished
    claimed = pass_on_claim(appointment.reservation, client, actor, now)
    return _begin_anew(appointment, claimed, actor, now, {})


def _begin_anew(
    appointment: Appointment, claimed: Reservation, actor: Actor, now: datetime, details: dict[str, Any]
) -> Appointment:
    """Carry an appointment by the reservation of another client, without what the former one may have written.

    It leaves its series, which is the former client's. Its `sequence` rises by two: the one between is that of the
    cancellation for the former client. If both have one mailbox, its calendar keeps the appointment, whichever mail
    comes first.
    """
    old = appointment.reservation
    fresh = {"title": default_title(claimed.service), "description": "", "timezone": claimed.client.timezone}
    was = {name: getattr(appointment, name) for name in fresh if getattr(appointment, name) != fresh[name]}
    if appointment.series_id:
        details["series"] = appointment.series_id
    if appointment.series and appointment.occurrence:
        add_exdate(appointment.series, appointment.occurrence, now)
    appointment.reservation = claimed
    appointment.series = appointment.occurrence = None
    for name, value in fresh.items():
        setattr(appointment, name, value)
    appointment.mark_changed(now)
    appointment.mark_changed(now)
    appointment.save(update_fields=["reservation", "series", "occurrence", *fresh, "sequence", "updated_at"])
    _record(
        appointment,
        Event.REASSIGNED,
        actor,
        reservation=old.pk,
        changed=sorted(["client", *was]),
        was={"client": old.client_id, **was},
        **details,
    )
    return appointment


def apply_transition(
    appointment: Appointment,
    action: Action,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    among: list[AppointmentEvent] | None = None,
) -> Appointment:
    """Take an action. The caller holds the locks and has checked that it is allowed."""
    row = TRANSITIONS[action]
    if row.target is None:
        raise bad_transition(appointment)
    if row.frees_time:
        release_claim(appointment.reservation, FreedBy.CALLED_OFF, now)
    _move(appointment, row.target, now, reason)
    because = {"reason": reason} if reason else {}
    _record(appointment, row.event, actor, among=among, status=appointment.status, **because)
    return appointment


def add_exdate(series: AppointmentSeries, day: date, now: datetime) -> None:
    """Add an exception to a series. The caller holds the schedule's lock, which protects the series."""
    if day not in series.exdates:
        series.exdates = sorted([*series.exdates, day])
        series.mark_changed(now)
        series.save(update_fields=["exdates", "updated_at"])


def update_texts(
    appointment: Appointment,
    changes: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    among: list[AppointmentEvent] | None = None,
) -> Appointment:
    """Change an appointment's texts and settings; write nothing if nothing differs. The caller holds the locks."""
    if changes.get("title") == "":
        changes = {**changes, "title": default_title(appointment.service)}
    changed = {name: value for name, value in changes.items() if getattr(appointment, name) != value}
    if changed:
        was = {name: getattr(appointment, name) for name in sorted(changed)}
        for name, value in changed.items():
            setattr(appointment, name, value)
        appointment.mark_changed(now)
        appointment.save(update_fields=[*changed, "sequence", "updated_at"])
        _record(appointment, Event.EDITED, actor, among=among, changed=sorted(changed), was=was)
    return appointment


def locked_appointment(appointment_id: int) -> Appointment:
    """Lock an appointment until the transaction ends and return it. The caller holds the schedule's lock.

    Raises NotFound.
    """
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
    """Write a status if the row still has the status it was judged by. Raises BadTransition."""
    before = appointment.status
    appointment.status = status
    appointment.cancellation_reason = "" if STATUSES[status].claims_time else reason
    appointment.mark_changed(now)
    moved = Appointment.objects.filter(pk=appointment.pk, status=before).update(
        status=status,
        cancellation_reason=appointment.cancellation_reason,
        sequence=appointment.sequence,
        updated_at=appointment.updated_at,
    )
    if not moved:
        raise bad_transition(appointment)


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
    """Return an event of an appointment's history at the time of its last change, not saved yet.

    Its details name the API key with which a program acted, if one did.
    """
    key = actor.user.key if actor.user else None
    if key is not None:
        details["key"] = {"id": key.pk, "name": key.name}
    return AppointmentEvent(
        appointment=appointment,
        event=event,
        at=appointment.updated_at,
        user=actor.user,
        face=actor.source,
        details={name: value for name, value in details.items() if value not in ([], "")},
    )
