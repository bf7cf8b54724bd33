"""Import of rows about existing appointments: each is moved, reworded or ended, as the file has it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from accounts.models import Client
from booking.appointments.changes import apply_transition, locked_appointment, move_to, update_texts
from booking.appointments.enums import Action
from booking.appointments.permissions import check_allowed
from booking.appointments.transitions import action_to
from booking.availability.errors import EndsBeforeStart
from booking.imports.parse import Draft, minutes_of, overrides_of, words_of
from booking.models import Appointment, AppointmentEvent, AppointmentSeries, Schedule, Service
from scheduler_project.common.files.csv_reader import RowRefused
from scheduler_project.common.files.imports import ImportOptions, RowOutcome
from scheduler_project.common.operations import operation
from scheduler_project.common.time.intervals import DAY


class Move(NamedTuple):
    """The start, length and service that the file gives an existing appointment."""

    starts_at: datetime
    length: timedelta
    service: Service | None


def compare_series(draft: Draft, found: AppointmentSeries | Appointment) -> None:
    """Raise RowRefused unless a series is what the file says: only those who keep it change it."""
    same = (
        isinstance(found, AppointmentSeries)
        and found.rrule == draft.values["rrule"]
        and found.instant(found.start_date) == draft.starts_at
        and found.duration_minutes == (minutes_of(draft) or found.duration_minutes)
    )
    if not same:
        says = _("This was imported before and differs now. Change the series itself.")
        raise RowRefused("series_differs", says, "rrule" if draft.values["rrule"] else "reference")


def update_existing(
    draft: Draft, existing: Appointment, service: Service | None, schedule: Schedule, import_options: ImportOptions
) -> tuple[RowOutcome, str]:
    """Let an appointment be what the file says, by the rules for moving, rewording and ending it; tell what that was.

    The caller holds the schedule's lock.
    """
    _check_client(draft, existing.client)
    wanted = words_of(draft, service or existing.service)
    words = {name: value for name, value in wanted.items() if getattr(existing, name) != value}
    move = moved(draft, existing, service)
    action = None
    if draft.status and draft.status != existing.status:
        action = action_to(draft.status, existing.status)
        if action is None:
            says = _("An appointment that is %(status)s cannot become %(wanted)s again.")
            raise RowRefused("bad_transition", says % {"status": existing.status, "wanted": draft.status}, "status")
    if not (words or move or action):
        return RowOutcome.UNCHANGED, ""
    _change(draft, existing, words, move, action, schedule, import_options)
    changed = [*(["start"] if move else []), *words, *(["status"] if action else [])]
    return RowOutcome.CHANGED, ", ".join(changed)


def moved(draft: Draft, existing: Appointment, service: Service | None) -> Move | None:
    """The time, length and service an appointment is to have, if they are not those it has."""
    names_service = {"service", "service_reference"} & draft.cells.row.cells.keys()
    service = service if names_service else existing.service
    length = draft.ends_at - draft.starts_at if draft.ends_at else existing.reservation.length_for(service)
    if (draft.starts_at, length, service) == (existing.starts_at, existing.reservation.length, existing.service):
        return None
    if not timedelta() < length <= DAY:
        raise EndsBeforeStart(_("The end must come after the start, by a day at most."), field="end")
    return Move(draft.starts_at, length, service)


@operation
def _change(
    draft: Draft,
    existing: Appointment,
    words: dict[str, Any],
    move: Move | None,
    action: Action | None,
    schedule: Schedule,
    import_options: ImportOptions,
) -> None:
    among: list[AppointmentEvent] | None = None if import_options.chosen.get("tell") else []
    common: dict[str, Any] = {"actor": import_options.actor, "now": import_options.now, "among": among}
    appointment = locked_appointment(existing.pk)
    if move:
        check_allowed(Action.RESCHEDULE, appointment, import_options.actor, import_options.now)
        move_to(
            appointment, schedule=schedule, overrides=overrides_of(draft, import_options), **move._asdict(), **common
        )
    if words:
        update_texts(appointment, words, **common)
    if action:
        check_allowed(action, appointment, import_options.actor, import_options.now)
        apply_transition(appointment, action, reason=draft.values["reason"], **common)


def _check_client(draft: Draft, existing: Client) -> None:
    wanted = draft.client
    same = (
        existing.reference == wanted["reference"]
        or (wanted["email"] and existing.email == wanted["email"])
        or (not wanted["email"] and wanted["name"] and existing.name == wanted["name"])
    )
    if not same:
        says = _("This appointment is %s's. Imports can't change the client: change it in the appointment.")
        raise RowRefused("client_differs", says % existing, "client_email")
