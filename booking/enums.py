"""The states of a reservation and an appointment, and the moves between them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReservationStatus(models.TextChoices):
    HELD = "held", _("held")
    CONFIRMED = "confirmed", _("confirmed")
    EXPIRED = "expired", _("expired")
    RELEASED = "released", _("released")


LIVE = (ReservationStatus.HELD, ReservationStatus.CONFIRMED)
"""The states in which a reservation claims its time (a hold: until it expires)."""


class AppointmentStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    SCHEDULED = "scheduled", _("scheduled")
    COMPLETED = "completed", _("completed")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")
    DECLINED = "declined", _("declined")


TRANSITIONS: dict[AppointmentStatus, tuple[AppointmentStatus, ...]] = {
    AppointmentStatus.PENDING: (
        AppointmentStatus.SCHEDULED,
        AppointmentStatus.DECLINED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.SCHEDULED: (
        AppointmentStatus.COMPLETED,
        AppointmentStatus.MISSED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.COMPLETED: (),
    AppointmentStatus.MISSED: (),
    AppointmentStatus.CANCELLED: (),
    AppointmentStatus.DECLINED: (),
}
"""Every move an appointment can make. Moves not listed here do not exist."""

COMING = (AppointmentStatus.PENDING, AppointmentStatus.SCHEDULED)
"""The states of an appointment that has yet to take place."""


class Action(models.TextChoices):
    """An action that somebody can take on an appointment."""

    APPROVE = "approve", _("approve")
    DECLINE = "decline", _("decline")
    COMPLETE = "complete", _("mark as completed")
    MISS = "miss", _("mark as missed")
    RESCHEDULE = "reschedule", _("reschedule")
    CANCEL = "cancel", _("cancel")


class Event(models.TextChoices):
    """An event in the history of an appointment."""

    BOOKED = "booked", _("booked")
    EDITED = "edited", _("edited")
    APPROVED = "approved", _("approved")
    DECLINED = "declined", _("declined")
    RESCHEDULED = "rescheduled", _("rescheduled")
    COMPLETED = "completed", _("completed")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")


class Override(models.TextChoices):
    """The rules a provider or staff may set aside on purpose (R7). An overlap is not among them."""

    NOTICE = "notice", _("minimum notice and booking horizon")
    HOURS = "hours", _("working hours")
    PAST = "past", _("times that have passed")


ON_REQUEST = (Override.NOTICE, Override.HOURS)
"""Those a booking can ask for. What has passed is only taken over from elsewhere, which is recorded."""


class Policy(models.TextChoices):
    """The treatment of a series if some of its times cannot be booked."""

    ALL_OR_NOTHING = "all_or_nothing", _("all or nothing")
    SKIP_CONFLICTS = "skip_conflicts", _("skip what cannot be booked")


class Scope(models.TextChoices):
    """The occurrences of a series to which a change applies. Past ones are never touched."""

    THIS = "this", _("this one")
    FOLLOWING = "following", _("this one and those after it")
    ALL = "all", _("all that are to come")


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")
