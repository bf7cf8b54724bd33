"""Errors of analytics, beside the common ones."""

from django.utils.translation import gettext_lazy as _

from scheduler_project.common.errors import DomainError


class HalfASpan(DomainError):
    code = "required"
    message = _("Send both “from” and “to”, or neither.")
    remedy = "Send both, as dates."


class SpanEndsBeforeStart(DomainError):
    code = "ends_before_start"
    message = _("The last day must not come before the first.")
    remedy = "Swap `from` and `to`."


class SpanTooLong(DomainError):
    code = "span_too_long"
    message = _("Choose a period of at most %d days.")
    remedy = "Ask for shorter spans, one after another."
