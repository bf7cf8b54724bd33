"""The admin of booking, for staff. Every change goes through the operations, as on the pages and in the API."""

from booking.appointments.admin import appointments, panels, people
from booking.availability.admin import absences, schedules
from booking.calendars import admin as calendars
from booking.reservations import admin as reservations
from booking.series import admin as series
from booking.services import admin as services

__all__ = [
    "absences",
    "appointments",
    "calendars",
    "panels",
    "people",
    "reservations",
    "schedules",
    "series",
    "services",
]
