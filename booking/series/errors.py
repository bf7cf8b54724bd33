"""Refusals about recurrence rules and series."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadRule(DomainError):
    code = "bad_rule"
    message = _("We can't read this recurrence rule. Check its syntax.")

    def __init__(self, message: str | None = None, *, field: str = "rrule") -> None:
        super().__init__(message, field=field)


class NotInRule(DomainError):
    code = "not_in_rule"
    message = _("The rule does not produce this date.")


class SeriesConflict(DomainError):
    code = "series_conflict"
    kind = ErrorKind.CONFLICT
    message = _("Some times can't be booked, so nothing was changed. Each is listed with the nearest available time.")


class SeriesEnded(DomainError):
    code = "series_ended"
    kind = ErrorKind.CONFLICT
    message = _("This series is over or cancelled.")
