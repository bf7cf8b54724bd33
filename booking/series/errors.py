"""Refusals about recurrence rules and series."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError, ErrorKind


class BadRule(DomainError):
    code = "bad_rule"
    message = _("We can't read this recurrence rule. Check its syntax.")
    remedy = "Correct the rule as the message says: RFC 5545, daily or slower, on one line."

    def __init__(self, message: str | None = None, *, field: str = "rrule") -> None:
        super().__init__(message, field=field)


class NotInRule(DomainError):
    code = "not_in_rule"
    message = _("The rule does not produce this date.")
    remedy = "Choose a date that the rule gives: `details.nearest` has one if there is one."


class SeriesConflict(DomainError):
    code = "series_conflict"
    kind = ErrorKind.CONFLICT
    message = _("Some times can't be booked, so nothing was changed. Each is listed with the nearest available time.")
    remedy = "Show `details.conflicts`. Then change the rule, or send `policy` as `skip_conflicts`."


class SeriesEnded(DomainError):
    code = "series_ended"
    kind = ErrorKind.CONFLICT
    message = _("This series is over or cancelled.")
    remedy = "Create a new series."
