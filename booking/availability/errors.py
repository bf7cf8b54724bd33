"""Errors of hours, instants and the grid of slots."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class OffGrid(DomainError):
    code = "off_grid"
    message = _("This time isn't one of the provider's start times. Choose one of the nearest, listed here.")
    remedy = "Choose one of `details.nearest`."


class EndsBeforeStart(DomainError):
    code = "ends_before_start"
    message = _("The end must come after the start.")
    remedy = "Swap them, or correct one. Both are instants: check the offsets."


class InThePast(DomainError):
    code = "in_the_past"
    message = _("This time has passed.")
    remedy = "Send a later time. Check the offset, and the clock of your machine."


class BadHours(DomainError):
    code = "bad_hours"
    message = _("We can't read these hours. Check their format.")
    remedy = "Correct the field in `attr`: the message says what is wrong with it."


class TooManyChanges(DomainError):
    code = "too_many_changes"
    kind = ErrorKind.TOO_MANY
    message = _("Too many changes to the hours just now. Wait a moment, then try again.")
    remedy = "Wait as many seconds as `Retry-After` says. Send all weekly hours at once, not one by one."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
