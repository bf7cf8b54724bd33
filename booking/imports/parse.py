"""Reading of rows about appointments, before any look-up in the database."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.clients.imports import READ as CLIENT_CELLS
from accounts.clients.imports import named
from accounts.models import Provider, User
from booking.appointments.steps import default_title
from booking.appointments.transitions import FREEING, AppointmentStatus
from booking.availability.errors import EndsBeforeStart, InThePast
from booking.imports.services import offsets
from booking.models import Appointment, ImportedEntry, Schedule, Service
from booking.reservations.enums import Override
from booking.series.rule import read as read_rule
from scheduler_project.common.files.csv_reader import Row
from scheduler_project.common.files.imports import (
    Cells,
    ImportOptions,
    Result,
    local_or_instant,
    of_field,
    one_of,
    zone,
)

COLUMNS = (
    "reference",
    "provider",
    "client_reference",
    "client_email",
    "client_name",
    "client_phone",
    "service_reference",
    "service",
    "start",
    "end",
    "timezone",
    "title",
    "description",
    "status",
    "reason",
    "reminders",
)


Key = tuple[Any, ...]


@dataclass
class Draft:
    """The values of one row."""

    cells: Cells
    provider: Provider
    schedule: Schedule
    starts_at: datetime
    ends_at: datetime | None
    timezone: str
    client: dict[str, Any]
    status: str
    values: dict[str, Any]
    exdates: list[date]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def reference(self) -> str:
        return self.values["reference"]

    @property
    def over(self) -> bool:
        """True if the row claims no time, because it is cancelled or declined."""
        return self.status in FREEING

    def key(self) -> Key:
        """Return the key that rows about the same appointment share: the reference, or else the client and the time."""
        if self.reference:
            return (self.provider.pk, self.reference)
        return (self.provider.pk, self.starts_at, self.over, tuple(map(str, self.client.values())))


def read_draft(row: Row, providers: dict[str, Provider], asked: ImportOptions) -> Draft | Result:
    if row.refusals:
        return Result.refused(row, row.refusals, about(row))
    cells = Cells(row)
    cells.need("provider", "start")
    provider = cells.take("provider", named(providers), None)
    schedule = provider.schedule if provider else Schedule()
    zone_name = cells.take("timezone", zone, schedule.timezone)
    read_time = local_or_instant(ZoneInfo(zone_name))
    values = {
        "reference": cells.take("reference", of_field(ImportedEntry, "reference"), ""),
        "title": cells.take("title", of_field(Appointment, "title"), ""),
        "description": cells.take("description", of_field(Appointment, "description"), ""),
        "reason": cells.take("reason", of_field(Appointment, "cancellation_reason"), ""),
        "reminder_offsets": cells.take("reminders", offsets, None),
        "rrule": cells.take("rrule", lambda text: str(read_rule(text)), ""),
    }
    client = {
        name: cells.take(f"client_{name}", CLIENT_CELLS[name], "") for name in ("reference", "email", "name", "phone")
    }
    client["email"] = User.objects.normalize_email(client["email"])
    if not (client["reference"] or client["email"] or client["name"]):
        cells.refuse("no_client", _("Say who the client is: by reference, email or name."), "client_email")
    starts_at = cells.take("start", read_time, asked.now)
    status = cells.take("status", one_of([str(status) for status in AppointmentStatus]), "")
    ends_at = cells.take("end", read_time, None)
    exdates = [date.fromisoformat(day) for day in row.cells.get("exdates", "").split()]
    if cells.refusals or provider is None:
        return Result.refused(row, cells.refusals, about(row))
    return Draft(cells, provider, schedule, starts_at, ends_at, zone_name, client, status, values, exdates)


def about(row: Row) -> str:
    who = row.cells.get("client_name") or row.cells.get("client_email") or row.cells.get("client_reference", "")
    parts = (row.cells.get("start", ""), row.cells.get("provider", ""), who, row.cells.get("title", ""))
    return " · ".join(part[:60] for part in parts if part)


def words_of(draft: Draft, service: Service | None) -> dict[str, Any]:
    """Return the title and other texts that the file gives an appointment; columns it does not have are left out."""
    columns = {"title": "title", "description": "description", "reminder_offsets": "reminders"}
    said = {name: draft.values[name] for name, column in columns.items() if column in draft.cells}
    if draft.cells.text("timezone"):
        said["timezone"] = draft.timezone
    if said.get("title") == "":
        said["title"] = default_title(service)
    return said


def minutes_of(draft: Draft) -> int | None:
    if draft.ends_at is None:
        return None
    minutes = (draft.ends_at - draft.starts_at) // timedelta(minutes=1)
    if not 0 < minutes <= 24 * 60:
        raise EndsBeforeStart(_("The end must come after the start, by a day at most."), field="end")
    return minutes


def overrides_of(draft: Draft, asked: ImportOptions) -> list[Override]:
    """The rules that are set aside for a row. Raises InThePast unless the past was chosen."""
    if draft.starts_at > asked.now:
        return overrides_to_come(asked)
    if not asked.options.get("past"):
        raise InThePast(_("This time has passed. Choose to take over the past as well."), field="start")
    return [Override.PAST]


def overrides_to_come(asked: ImportOptions) -> list[Override]:
    return [Override.NOTICE, *([Override.HOURS] if asked.options.get("outside_hours") else [])]
