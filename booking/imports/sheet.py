"""Appointments as files have them: the sheet, what is chosen for an import, and the export."""

from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from booking.appointments.representation import PLACES
from booking.imports.appointments import PERMISSIONS, import_appointments
from booking.imports.batching import parts
from booking.imports.parse import COLUMNS
from booking.imports.services import offsets_text
from booking.models import Appointment
from scheduler_project.common.files.imports import Option, Sheet

EXPORTED = (
    *("imported__reference", PLACES["uid"], f"{PLACES['provider']}__slug"),
    *(f"{PLACES['client']}__{name}" for name in ("reference", "email", "name", "phone")),
    *(f"{PLACES['service']}__{name}" for name in ("reference", "name")),
    *(PLACES[name] for name in ("start_time", "end_time", "timezone")),
    *(PLACES[name] for name in ("title", "description", "status", "cancellation_reason", "reminder_offsets")),
)


def export_appointments(appointments: QuerySet[Appointment]) -> Iterator[Sequence[Any]]:
    """Rows as `import_appointments` reads them; times on the appointment's own clocks, with their offset."""
    for (
        reference,
        uid,
        *who,
        starts_at,
        ends_at,
        zone_name,
        title,
        description,
        status,
        reason,
        reminders,
    ) in appointments.values_list(*EXPORTED).iterator(chunk_size=2000):
        own = ZoneInfo(zone_name)
        yield [
            reference or str(uid),
            *("" if value is None else value for value in who),
            starts_at.astimezone(own),
            ends_at.astimezone(own),
            zone_name,
            title,
            description,
            status,
            reason,
            offsets_text(reminders),
        ]


OPTIONS = (
    Option(
        "outside_hours",
        gettext_lazy("Book outside the hours as well"),
        gettext_lazy("This is recorded. Booked time stays booked."),
    ),
    Option(
        "past",
        gettext_lazy("Take over the past as well"),
        gettext_lazy("This is recorded. What has passed counts as completed, unless the file says otherwise."),
    ),
    Option(
        "add_clients",
        gettext_lazy("Add clients there are not"),
        gettext_lazy("Into the provider's address book."),
        permission="accounts.add_client",
    ),
    Option(
        "tell",
        gettext_lazy("Tell both sides, and webhooks"),
        gettext_lazy("Otherwise nobody is told of what is imported. Reminders are sent in any case."),
    ),
)


APPOINTMENTS = Sheet(
    name="appointments",
    model=Appointment,
    title=gettext_lazy("appointments"),
    columns=COLUMNS,
    required=frozenset({"provider", "start"}),
    permissions=PERMISSIONS,
    work=import_appointments,
    parts=parts,
    export=export_appointments,
    order=("reservation__provider__slug", "reservation__starts_at", "pk"),  # as parts are, so that it comes out again
    options=OPTIONS,
)
