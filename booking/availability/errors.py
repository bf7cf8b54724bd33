"""Errors of hours, instants and the grid of slots."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class OffGrid(DomainError):
    code = "off_grid"
    message = _("This time does not lie on the provider's grid of slots. The nearest times that do are listed.")


class EndsBeforeStart(DomainError):
    code = "ends_before_start"
    message = _("The end must come after the start.")


class InThePast(DomainError):
    code = "in_the_past"
    message = _("This time has passed.")


class BadHours(DomainError):
    code = "bad_hours"
    message = _("These hours cannot be read.")


class TooManyChanges(DomainError):
    code = "too_many_changes"
    kind = ErrorKind.TOO_MANY
    message = _("The hours were changed very often just now. Wait a moment, then try again.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
