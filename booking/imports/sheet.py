"""Appointments as files have them: the sheet, and what is chosen for an import."""

from django.utils.translation import gettext_lazy

from booking.imports.appointments import import_appointments
from booking.imports.batching import parts
from booking.imports.parse import COLUMNS
from booking.models import Appointment
from scheduler_project.common.files.imports import Option, Sheet

OPTIONS = (
    Option(
        "outside_hours",
        gettext_lazy("Book outside the hours as well"),
        gettext_lazy("We record this. Booked time stays booked."),
    ),
    Option(
        "past",
        gettext_lazy("Also import past appointments"),
        gettext_lazy("We record this. Past appointments count as completed unless the file says otherwise."),
    ),
    Option(
        "add_clients",
        gettext_lazy("Add missing clients"),
        gettext_lazy("Into the provider's address book."),
        permission="accounts.add_client",
    ),
    Option(
        "tell",
        gettext_lazy("Notify both sides, and webhooks"),
        gettext_lazy("Otherwise we notify nobody about the import. Reminders are always sent."),
    ),
)


APPOINTMENTS = Sheet(
    name="appointments",
    model=Appointment,
    title=gettext_lazy("appointments"),
    columns=COLUMNS,
    permissions=("booking.add_appointment", "booking.change_appointment"),
    work=import_appointments,
    parts=parts,
    order=("reservation__provider__slug", "reservation__starts_at", "pk"),  # as parts are, so that it comes out again
    options=OPTIONS,
)
