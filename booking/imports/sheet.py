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
    permissions=("booking.add_appointment", "booking.change_appointment"),
    work=import_appointments,
    parts=parts,
    order=("reservation__provider__slug", "reservation__starts_at", "pk"),  # as parts are, so that it comes out again
    options=OPTIONS,
)
