"""Reading of rows about appointments, before any look-up in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from accounts.clients.fields import cleaned
from accounts.clients.imports import COLUMNS as CLIENT_COLUMNS
from accounts.clients.imports import provider_with_slug
from accounts.models import Provider
from booking.appointments.changes import default_title
from booking.appointments.representation import PLACES
from booking.appointments.transitions import FREEING, AppointmentStatus
from booking.availability.errors import EndsBeforeStart, InThePast
from booking.imports.services import REMINDERS
from booking.models import Appointment, ImportedEntry, Schedule, Service
from booking.reservations.enums import Override
from booking.series.rule import read as read_rule
from scheduler_project.common.files.cells import Cells, Column, local_or_instant, of_field, one_of, zone
from scheduler_project.common.files.csv_reader import Row
from scheduler_project.common.files.imports import ImportOptions, Key, Result

BY = ("reference", "email", "name", "phone")
"""The columns by which a client is known."""


CLIENT_READERS = {column.name: column.read for column in CLIENT_COLUMNS}


STATUSES = ", ".join(f"`{status}`" for status in AppointmentStatus)


def on_own_clocks(instant: datetime, row: Mapping[str, Any]) -> datetime:
    return instant.astimezone(ZoneInfo(row["timezone"]))


COLUMNS = (
    Column(
        "reference",
        "without it, recognised by provider, start and client",
        read=of_field(ImportedEntry, "reference"),
        value=Coalesce("imported__reference", Cast(PLACES["uid"], CharField())),
    ),
    Column("provider", "slug", is_needed=True, value=f"{PLACES['provider']}__slug"),
    *(
        Column(
            f"client_{name}",
            "the client, by reference, email or name at least: see below",
            read=CLIENT_READERS[name],
            value=f"{PLACES['client']}__{name}",
        )
        for name in BY
    ),
    Column("service_reference", "the service, by its reference", value=f"{PLACES['service']}__reference"),
    Column("service", "the service, by its name", value=f"{PLACES['service']}__name"),
    Column("start", is_needed=True, value=PLACES["start_time"], write=on_own_clocks),
    Column("end", "without it, as long as the service, or one slot", value=PLACES["end_time"], write=on_own_clocks),
    Column("timezone", "IANA; empty: the provider's"),
    Column("title", read=of_field(Appointment, "title")),
    Column("description", read=of_field(Appointment, "description")),
    Column(
        "status",
        f"{STATUSES}; empty: `scheduled`, or `completed` in the past",
        read=one_of([str(status) for status in AppointmentStatus]),
    ),
    Column("reason", read=of_field(Appointment, "cancellation_reason"), value="cancellation_reason"),
    REMINDERS,
)


RRULE = Column("rrule", "the rule of a series", read=lambda text: str(read_rule(text)))


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
    values: dict[str, Any]
    exdates: list[date]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def reference(self) -> str:
        return self.values["reference"]

    @property
    def status(self) -> str:
        return self.values["status"]

    @property
    def over(self) -> bool:
        """True if the row claims no time, because it is cancelled or declined."""
        return self.status in FREEING

    def key(self) -> Key:
        """Return the key that rows about the same appointment share: the reference, or else the client and the time."""
        if self.reference:
            return (self.provider.pk, self.reference)
        return (self.provider.pk, self.starts_at, self.over, tuple(map(str, self.client.values())))


def read_draft(row: Row, providers: dict[str, Provider], import_options: ImportOptions) -> Draft | Result:
    if row.refusals:
        return Result.refused(row, row.refusals, row_label(row))
    cells = Cells(row)
    values = cells.draft((*COLUMNS, RRULE))
    provider = cells.take("provider", provider_with_slug(providers), None)
    schedule = provider.schedule if provider else Schedule()
    zone_name = cells.take("timezone", zone, schedule.timezone)
    read_time = local_or_instant(ZoneInfo(zone_name))
    client = cleaned({name: values.pop(f"client_{name}") for name in BY})
    if not (client["reference"] or client["email"] or client["name"]):
        cells.refuse("no_client", _("Identify the client by reference, email or name."), "client_email")
    starts_at = cells.take("start", read_time, import_options.now)
    ends_at = cells.take("end", read_time, None)
    exdates = [date.fromisoformat(day) for day in row.cells.get("exdates", "").split()]
    if cells.refusals or provider is None:
        return Result.refused(row, cells.refusals, row_label(row))
    return Draft(cells, provider, schedule, starts_at, ends_at, zone_name, client, values, exdates)


def row_label(row: Row) -> str:
    who = row.cells.get("client_name") or row.cells.get("client_email") or row.cells.get("client_reference", "")
    parts = (row.cells.get("start", ""), row.cells.get("provider", ""), who, row.cells.get("title", ""))
    return " · ".join(part[:60] for part in parts if part)


def words_of(draft: Draft, service: Service | None) -> dict[str, Any]:
    """Return the title and other texts that the file gives an appointment; columns it does not have are left out."""
    columns = {"title": "title", "description": "description", "reminder_offsets": "reminders"}
    texts = {name: draft.values[name] for name, column in columns.items() if column in draft.cells}
    if draft.cells.text("timezone"):
        texts["timezone"] = draft.timezone
    if texts.get("title") == "":
        texts["title"] = default_title(service)
    return texts


def minutes_of(draft: Draft) -> int | None:
    if draft.ends_at is None:
        return None
    minutes = (draft.ends_at - draft.starts_at) // timedelta(minutes=1)
    if not 0 < minutes <= 24 * 60:
        raise EndsBeforeStart(_("The end must come after the start, by a day at most."), field="end")
    return minutes


def overrides_of(draft: Draft, import_options: ImportOptions) -> list[Override]:
    """The rules that are set aside for a row. Raises InThePast unless the past was chosen."""
    if draft.starts_at > import_options.now:
        return overrides_to_come(import_options)
    if not import_options.chosen.get("past"):
        raise InThePast(_("This time has passed. To import it anyway, allow past appointments."), field="start")
    return [Override.PAST]


def overrides_to_come(import_options: ImportOptions) -> list[Override]:
    return [Override.NOTICE, *([Override.HOURS] if import_options.chosen.get("outside_hours") else [])]
