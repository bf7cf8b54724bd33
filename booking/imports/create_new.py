"""Import of rows about new appointments: each claims its time as any other booking does (R8), or begins a series."""

from datetime import timedelta

from django.utils.translation import gettext as _

from accounts.clients.operations import add_client
from accounts.models import Client
from booking.appointments.changes import build_appointment, entry
from booking.appointments.enums import AppointmentStatus, Event
from booking.appointments.errors import NotYet
from booking.appointments.transitions import ONLY_ONCE_BEGUN, TRANSITIONS
from booking.availability.search import booking_span
from booking.imports.parse import Draft, minutes_of, overrides_of, overrides_to_come
from booking.models import Appointment, AppointmentEvent, ImportedEntry, Reservation, Schedule, Service
from booking.reservations.claims import chosen_length, claim
from booking.reservations.enums import ReservationStatus
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from scheduler_project.common.files.csv_reader import RowRefused
from scheduler_project.common.files.imports import ImportOptions

ENDED: dict[str, Event] = {
    row.target: row.event for row in TRANSITIONS.values() if row.target and row.target != AppointmentStatus.SCHEDULED
}
"""The event to record after booking for an appointment imported in one of these states."""


def added_client(draft: Draft, import_options: ImportOptions) -> Client:
    """A client there was not, put into the provider's address book."""
    wanted = draft.client
    if not import_options.chosen.get("add_clients"):
        says = _("There is no such client. Import the clients first, or choose to add missing clients.")
        raise RowRefused("unknown_client", says, next(f"client_{name}" for name, value in wanted.items() if value))
    given = {name: wanted[name] for name in ("email", "phone")}
    name = wanted["name"] or wanted["email"].partition("@")[0]
    if not name:
        raise RowRefused("required", _("This is required."), "client_name")
    client = add_client(
        name=name,
        timezone=draft.timezone,
        owner=draft.provider,
        actor=import_options.actor,
        now=import_options.now,
        **given,
    )
    if wanted["reference"]:
        Client.objects.filter(pk=client.pk).update(reference=wanted["reference"])
        client.reference = wanted["reference"]
    return client


def booked(
    draft: Draft, client: Client, service: Service | None, schedule: Schedule, import_options: ImportOptions
) -> tuple[Appointment, list[AppointmentEvent]]:
    """The appointment of a time that was claimed for it, and its history; neither is written yet.

    The caller holds the schedule's lock.
    """
    past = draft.starts_at <= import_options.now
    overrides = overrides_of(draft, import_options)
    status = AppointmentStatus(draft.status or (AppointmentStatus.COMPLETED if past else AppointmentStatus.SCHEDULED))
    if status in ONLY_ONCE_BEGUN and not past:
        raise NotYet(field="status")
    length = chosen_length(schedule, draft.starts_at, draft.ends_at, import_options.actor)
    if draft.over:
        reservation = _add_released(draft, schedule, client, service, length, import_options)
    else:
        reservation = claim(
            schedule=schedule,
            service=service,
            client_id=client.pk,
            starts_at=draft.starts_at,
            length=length,
            expires_at=None,
            actor=import_options.actor,
            now=import_options.now,
            overrides=overrides,
            taken_over=True,
        )
    reservation.provider, reservation.client, reservation.service = draft.provider, client, service
    says = {name: draft.values[name] for name in ("title", "description", "reminder_offsets")}
    made = build_appointment(reservation, now=import_options.now, status=status, timezone=draft.timezone, **says)
    made.cancellation_reason = draft.values["reason"] if draft.over else ""
    details = {"status": status, "overrides": reservation.overrides, "reference": draft.reference}
    events = [entry(made, Event.BOOKED, import_options.actor, **details)]
    if status in ENDED:
        details = {"status": status, "reason": made.cancellation_reason}
        events.append(entry(made, ENDED[status], import_options.actor, **details))
    return made, events


def _add_released(
    draft: Draft,
    schedule: Schedule,
    client: Client,
    service: Service | None,
    length: timedelta | None,
    import_options: ImportOptions,
) -> Reservation:
    """The reservation of what was cancelled or declined elsewhere: it claims nothing, so somebody else may."""
    time = booking_span(schedule, service, draft.starts_at, length)
    return Reservation.objects.create(
        provider=draft.provider,
        client=client,
        service=service,
        **time._asdict(),
        status=ReservationStatus.RELEASED,
        closed_at=import_options.now,
        overrides=sorted(overrides_of(draft, import_options)),
        created_by=import_options.actor.user,
        face=import_options.actor.source,
        created_at=import_options.now,
    )


def begin_series(draft: Draft, client: Client, import_options: ImportOptions) -> None:
    """Begin the series that a rule of the file says, whole or not at all."""
    if draft.over:
        raise RowRefused("cancelled_series", _("Cancelled series can't be imported."), "status")
    wanted = SeriesSpec(
        provider_id=draft.provider.pk,
        client_id=client.pk,
        rrule=draft.values["rrule"],
        starts=draft.starts_at,
        timezone=draft.timezone,
        duration_minutes=minutes_of(draft),
        title=draft.values["title"],
        description=draft.values["description"],
        exdates=draft.exdates,
        overrides=overrides_to_come(import_options),
    )
    quietly = not import_options.chosen.get("tell")
    change = create_series(
        wanted=wanted,
        policy=ConflictPolicy.ALL_OR_NOTHING,
        actor=import_options.actor,
        now=import_options.now,
        quietly=quietly,
    )
    if draft.reference:
        ImportedEntry.objects.create(provider=draft.provider, reference=draft.reference, series=change.series)
