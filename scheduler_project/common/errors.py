"""Errors of the application.

A `DomainError` is an answer, not a bug: it has a stable machine-readable `code`, a `kind` that each interface maps to
its own response (the API: an HTTP status), the field at fault, and further help. Any other exception is a bug and is
reported."""

from enum import Enum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ErrorKind(Enum):
    """Kinds of refusals, with their HTTP statuses (RFC 9110 §15.5)."""

    INVALID = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    GONE = 410
    TOO_LARGE = 413
    UNPROCESSABLE = 422
    TOO_MANY = 429
    UNAVAILABLE = 503


class DomainError(Exception):
    """A refusal of an operation.

    `message` gives the reason and the way out, for people; `field` names the input at fault, if there is one; `details`
    is a dict ready for JSON, for programs: the free alternatives of a taken slot, for example.
    """

    code = "error"
    kind = ErrorKind.INVALID
    message: str | Promise = _("This cannot be done.")
    remedy = ""
    """The way out for programs: for the reference of errors, in English. Each class with a code has its own."""
    retry_after: int | None = None
    """The seconds until a retry makes sense, if known."""

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        field: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.field = field
        self.details = details or {}
        if retry_after is not None:
            self.retry_after = retry_after


class NotFound(DomainError):
    code = "not_found"
    kind = ErrorKind.NOT_FOUND
    message = _("Not found, or you don't have access to it.")
    remedy = "Look for the id in the list. What belongs to someone else gets the same answer."


class NotAllowed(DomainError):
    code = "not_allowed"
    kind = ErrorKind.FORBIDDEN
    message = _("You don't have permission to do this.")
    remedy = "Ask someone with permission, or leave out the field in `attr` if one is named."


class InUse(DomainError):
    code = "in_use"
    kind = ErrorKind.CONFLICT
    message = _("This has bookings, so it can't be deleted.")
    remedy = "Keep it. A service can be made inactive by `is_active`, and a client can be erased."


class TryAgain(DomainError):
    """A transaction that PostgreSQL rolled back several times in a row, because of concurrent ones."""

    code = "try_again"
    kind = ErrorKind.CONFLICT
    message = _("Someone else changed this at the same moment, so nothing was saved. Try again.")
    remedy = "Send the same request again. Wait a little longer each time."


class TooBusy(DomainError):
    """A request beyond this process's maximum of costly ones. Nothing was done."""

    code = "too_busy"
    kind = ErrorKind.UNAVAILABLE
    message = _("We're very busy right now, so nothing was saved. Try again in a moment.")
    remedy = "Wait as many seconds as `Retry-After` says, then send the same request again."
    retry_after = 2


class Missing(DomainError):
    code = "required"
    message = _("Required information is missing.")
    remedy = "Send the field in `attr`."
