"""Recurring appointments: previewed, booked, kept booked up to the horizon, changed and cancelled (R14).

Every occurrence is an ordinary appointment that went through `claim`. Whoever changes a series holds the schedule's
lock, so that two who generate the same one take turns; the unique date of an occurrence stands behind that.
"""

from booking.operations.series.beginning import Wanted, create_series, preview_series
from booking.operations.series.cancelling import cancel_series
from booking.operations.series.changing import edit_series
from booking.operations.series.extending import extend_all_series, extend_series
from booking.operations.series.work import Conflict, SeriesChange

__all__ = [
    "Conflict",
    "SeriesChange",
    "Wanted",
    "cancel_series",
    "create_series",
    "edit_series",
    "extend_all_series",
    "extend_series",
    "preview_series",
]
