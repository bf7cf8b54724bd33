"""The models of booking, gathered for Django."""

from booking.appointments.models import Appointment, AppointmentEvent
from booking.availability.models import (
    Absence,
    AvailabilityWindow,
    Closure,
    DateOverride,
    FormerHours,
    Schedule,
    Slot,
    SlotsVersion,
    TimeOff,
    WorkingHours,
)
from booking.calendars.models import CalendarFeed
from booking.imports.models import ImportedEntry
from booking.reservations.models import Reservation
from booking.series.models import AppointmentSeries
from booking.services.models import Service

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
    "SlotsVersion",
    "TimeOff",
    "WorkingHours",
]
