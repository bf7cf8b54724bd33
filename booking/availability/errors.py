"""Errors of hours, instants and the grid of slots."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class OffGrid(DomainError):
    code = "off_grid"
    message = _("This time isn't one of the provider's start times. Choose one of the nearest, listed here.")


class EndsBeforeStart(DomainError):
    code = "ends_before_start"
    message = _("The end must come after the start.")


class InThePast(DomainError):
    code = "in_the_past"
    message = _("This time has passed.")


class BadHours(DomainError):
    code = "bad_hours"
    message = _("We can't read these hours. Check their format.")


class TooManyChanges(DomainError):
    code = "too_many_changes"
    kind = ErrorKind.TOO_MANY
    message = _("Too many changes to the hours just now. Wait a moment, then try again.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
