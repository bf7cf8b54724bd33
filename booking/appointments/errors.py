"""Refusals to book, change or end an appointment."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class TooManyAppointments(DomainError):
    code = "too_many_appointments"
    kind = ErrorKind.CONFLICT
    message = _("You have as many appointments to come as you may book. Cancel one first.")


class TooOften(DomainError):
    code = "too_often"
    kind = ErrorKind.TOO_MANY
    message = _("You have booked, moved and cancelled very often of late. Wait a while and try again.")


class BadTransition(DomainError):
    code = "bad_transition"
    kind = ErrorKind.CONFLICT
    message = _("The appointment cannot move to this status from the one it has.")


class NotYet(DomainError):
    code = "not_yet"
    kind = ErrorKind.CONFLICT
    message = _("The appointment has not begun, so nobody can say how it went.")
