"""The states of an appointment, what can be done with it, and what happened to it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AppointmentStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    SCHEDULED = "scheduled", _("scheduled")
    COMPLETED = "completed", _("completed")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")
    DECLINED = "declined", _("declined")


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
