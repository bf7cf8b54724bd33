"""The nouns of booking."""

from booking.models.appointments import Appointment, AppointmentEvent
from booking.models.feeds import CalendarFeed
from booking.models.imports import ImportedEntry
from booking.models.reservations import Reservation
from booking.models.schedules import (
    Absence,
    AvailabilityWindow,
    Closure,
    DateOverride,
    FormerHours,
    Schedule,
    TimeOff,
    WorkingHours,
)
from booking.models.series import AppointmentSeries
from booking.models.services import Service
from booking.models.slots import Slot

__all__ = [
    "Absence",
    "Appointment",
    "AppointmentEvent",
    "AppointmentSeries",
    "AvailabilityWindow",
    "CalendarFeed",
    "Closure",
    "DateOverride",
    "FormerHours",
    "ImportedEntry",
    "Reservation",
    "Schedule",
    "Service",
    "Slot",
    "TimeOff",
    "WorkingHours",
]
