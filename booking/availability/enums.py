"""The days of a week, and causes for which time becomes free."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class FreedBy(StrEnum):
    """A cause for which time becomes free (`time_freed`)."""

    CALLED_OFF = "called_off"
    """An appointment does not take place."""

    MOVED = "moved"
    """An appointment has another time."""

    RELEASED = "released"
    """A hold was given up, or another time was picked instead."""

    EXPIRED = "expired"
    """A hold ended."""

    HOURS = "hours"
    """The provider is available: by weekly hours, a date or a window, or for time off or a closure that was deleted."""

    HORIZON = "horizon"
    """Slots were added at the end of the booking horizon, or where a job catches up with a change of hours."""
