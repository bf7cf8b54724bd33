"""The operations of series: preview, create, extend up to the horizon, change and cancel (R14).

Every occurrence is an ordinary appointment, booked by `claim`. Each operation holds the schedule's lock, so that two
that extend the same series take turns; the unique date of an occurrence stands behind that.
"""

from booking.series.operations.booker import Conflict, SeriesChange
from booking.series.operations.cancel import cancel_series
from booking.series.operations.create import SeriesSpec, create_series, preview_series
from booking.series.operations.edit import edit_series
from booking.series.operations.extend import extend_all_series, extend_series

__all__ = [
    "Conflict",
    "SeriesChange",
    "SeriesSpec",
    "cancel_series",
    "create_series",
    "edit_series",
    "extend_all_series",
    "extend_series",
    "preview_series",
]
