"""The statuses of an appointment, its actions, and the events of its history. `transitions.py` has their table."""

from booking.appointments.transitions import UPCOMING, Action, AppointmentStatus, Event

__all__ = ["UPCOMING", "Action", "AppointmentStatus", "Event"]
