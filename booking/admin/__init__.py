"""Booking, for an office's staff. Every change goes through the operations, as it does on the pages and in the API."""

from booking.admin import appointments, availability, feeds, reservations, series, services  # noqa: F401
