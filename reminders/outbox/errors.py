"""Refusals to send a message again."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class NotRetryable(DomainError):
    code = "not_retryable"
    kind = ErrorKind.CONFLICT
    message = _("Only a message that failed can be sent again.")
    remedy = "Read the message again: it was sent, or is still to be sent."


class TooLate(DomainError):
    code = "too_late"
    kind = ErrorKind.GONE
    message = _("It's too late to send this message.")
    remedy = "Nothing: what it was about has passed."
