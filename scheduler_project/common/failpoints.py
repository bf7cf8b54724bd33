"""Places where a race is decided, at which a test can stop whoever comes by, or have them fail.

A place costs one look at an empty dict. Nothing fills it but code in the same process that writes to `armed`: no
setting, environment variable, request or row does, and the application has no such code.
"""

from collections.abc import Callable
from enum import Enum, auto


class Failpoint(Enum):
    """Where an operation can be stopped."""

    TIME_FOUND = auto()
    """A time was found free, and is not taken yet."""

    HOLD_JUDGED = auto()
    """A hold was found fit to be confirmed, and is not confirmed yet."""

    HOLDS_FOUND_DEAD = auto()
    """Holds were found past their end, and are not expired yet."""

    HOURS_CHANGED = auto()
    """The hours of a calendar were changed, and its slots do not follow yet."""

    BEFORE_COMMIT = auto()
    """An operation has done its work, and its transaction is about to be committed."""

    AFTER_COMMIT = auto()
    """The transaction of an operation was committed, and whoever called it has no answer yet."""


armed: dict[Failpoint, Callable[[], None]] = {}
"""What happens at a place. Empty, but in tests."""


def reach(place: Failpoint) -> None:
    """Come to a place where a test may have something happen; else do nothing."""
    if armed and (happening := armed.get(place)):
        happening()
