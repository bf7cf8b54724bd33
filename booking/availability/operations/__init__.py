"""The operations of schedules. Changing the hours never destroys a booking (R6).

Each returns an `AvailabilityChange`: the free slots added and removed, the coming appointments that now lie outside the
hours (each to be kept, moved or cancelled) and the live holds there. `preview` (common) returns the same and changes
nothing.
"""

from booking.availability.operations.change import AvailabilityChange
from booking.availability.operations.closures import (
    close_business,
    preview_closing,
    preview_reopening,
    reopen_business,
)
from booking.availability.operations.schedules import (
    clear_date_override,
    open_schedule,
    set_date_override,
    set_policy,
    set_working_hours,
)
from booking.availability.operations.time_off import change_time_off, end_time_off, take_time_off
from booking.availability.operations.windows import close_window, move_window, open_window

__all__ = [
    "AvailabilityChange",
    "change_time_off",
    "clear_date_override",
    "close_business",
    "close_window",
    "end_time_off",
    "move_window",
    "open_schedule",
    "open_window",
    "preview_closing",
    "preview_reopening",
    "reopen_business",
    "set_date_override",
    "set_policy",
    "set_working_hours",
    "take_time_off",
]
