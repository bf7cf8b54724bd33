"""Points in the code that decide a race, where a test can pause or fail the caller.

A point costs one look-up in an empty dict. Only code in the same process fills `armed`: no setting, environment
variable, request or row does, and the application has no such code."""

from collections.abc import Callable
from enum import Enum, auto


class Failpoint(Enum):
    """Points at which an operation can be paused."""

    TIME_FOUND = auto()
    """A time was found free, and is not claimed yet."""

    HOLD_JUDGED = auto()
    """A hold was found valid, and is not confirmed yet."""

    HOLDS_FOUND_DEAD = auto()
    """Holds were found overdue, and are not expired yet."""

    HOURS_CHANGED = auto()
    """The hours of a schedule were changed, and its slots not regenerated yet."""

    BEFORE_COMMIT = auto()
    """An operation has done its work, and its transaction is about to be committed."""

    AFTER_COMMIT = auto()
    """The transaction of an operation was committed, and the caller has no answer yet."""


armed: dict[Failpoint, Callable[[], None]] = {}
"""The function to call at each point. Empty except in tests."""


def reach(place: Failpoint) -> None:
    """Call the function armed for this point, if any."""
    if armed and (happening := armed.get(place)):
        happening()
