"""The statuses of an appointment, the actions on it and the events of its history. Their table is `transitions.py`."""

from booking.appointments.transitions import UPCOMING as COMING
from booking.appointments.transitions import Action, AppointmentStatus, Event

__all__ = ["COMING", "Action", "AppointmentStatus", "Event"]
