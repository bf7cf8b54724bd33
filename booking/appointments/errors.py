"""Refusals to book, change or end an appointment."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class TooManyAppointments(DomainError):
    code = "too_many_appointments"
    kind = ErrorKind.CONFLICT
    message = _("You've reached the limit for upcoming appointments. Cancel one first.")
    remedy = "Cancel one, or have the provider book. With `details.verify_email`, verify the email."


class TooOften(DomainError):
    code = "too_often"
    kind = ErrorKind.TOO_MANY
    message = _("Too many bookings and changes in a short time. Wait a while and try again.")
    remedy = "Wait as many seconds as `Retry-After` says, or have the provider book."


class BadTransition(DomainError):
    code = "bad_transition"
    kind = ErrorKind.CONFLICT
    message = _("The appointment can't change from its current status to this one.")
    remedy = "Read the appointment again, and choose from `details.allowed`."


class NotYet(DomainError):
    code = "not_yet"
    kind = ErrorKind.CONFLICT
    message = _("The appointment hasn't started yet. Record its outcome once it has begun.")
    remedy = "Send it again once the appointment has begun."
