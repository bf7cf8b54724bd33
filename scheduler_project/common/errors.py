"""How the application says no.

A `DomainError` is an answer, not a bug: it has a stable machine-readable `code`, a `kind` that each face turns into its
own manner of refusing (the API: an HTTP status), the field it is about, and what else helps the asker along.
Everything else that is raised is a bug and stays loud.
"""

from enum import Enum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(Enum):
    """What sort of no it is, with the HTTP status that says so (RFC 9110 §15.5)."""

    INVALID = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    GONE = 410
    TOO_LARGE = 413
    UNPROCESSABLE = 422
    TOO_MANY = 429
    UNAVAILABLE = 503


class DomainError(Exception):
    """The answer is no.

    `message` says why and what to do, for people; `field` names the input at fault, if one is; `details` is a
    JSON-ready dict for programs, such as the free alternatives of a taken slot.
    """

    code = "error"
    kind = Kind.INVALID
    message: str | Promise = _("This cannot be done.")
    retry_after: int | None = None
    """In how many seconds it may be tried again, where that is known."""

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
    kind = Kind.NOT_FOUND
    message = _("There is no such thing, or it is not yours to see.")


class NotAllowed(DomainError):
    code = "not_allowed"
    kind = Kind.FORBIDDEN
    message = _("You may not do this.")


class InUse(DomainError):
    code = "in_use"
    kind = Kind.CONFLICT
    message = _("Bookings refer to this, so it cannot be deleted.")


class TryAgain(DomainError):
    """The database undid one of two transactions that stood in each other's way, several times running."""

    code = "try_again"
    kind = Kind.CONFLICT
    message = _("Somebody changed the same thing at the same moment. Nothing was done; please try again.")


class TooBusy(DomainError):
    """There are more requests of a costly kind than this process may work on at once. Nothing was done."""

    code = "too_busy"
    kind = Kind.UNAVAILABLE
    message = _("There is too much going on right now. Nothing was done. Try again in a moment.")
    retry_after = 2
