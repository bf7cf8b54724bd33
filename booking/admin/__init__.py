"""Booking, for an office's staff. Every change goes through the operations, as it does on the pages and in the API."""

from booking.admin import (  # noqa: F401
    appointments,
    availability,
    feeds,
    panels,
    people,
    reservations,
    series,
    services,
)
