"""The statuses of an appointment, its actions, and the events of its history. `transitions.py` has their table."""

from booking.appointments.transitions import UPCOMING as COMING
from booking.appointments.transitions import Action, AppointmentStatus, Event

__all__ = ["COMING", "Action", "AppointmentStatus", "Event"]
