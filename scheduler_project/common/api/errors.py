"""The format of all API errors: code, reason, and the field at fault."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.formatter import ExceptionFormatter as StandardFormatter
from drf_standardized_errors.handler import ExceptionHandler as StandardHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.response import Response

from scheduler_project.common.audit.redaction import remember_fields
from scheduler_project.common.db.errors import refusal_for
from scheduler_project.common.errors import DomainError, ErrorKind, TryAgain
from scheduler_project.common.operations import DELETED_MEANWHILE


class ExceptionHandler(StandardHandler):
    """A handler that makes a DomainError the response of its kind, and simplejwt's list of tokens into one error."""

    def run(self) -> Response | None:
        remember_fields(self.context["request"])
        return super().run()

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, SuspiciousOperation):
            return next(answered() for kind, answered in SUSPICIOUS.items() if isinstance(exc, kind))
        if isinstance(exc, DomainError):
            return answer(exc)
        if isinstance(exc, IntegrityError) and getattr(exc.__cause__, "sqlstate", None) == DELETED_MEANWHILE:
            return answer(TryAgain())  # Foreign keys are checked at COMMIT, which may be that of an idempotent request.
        if refusal := refusal_for(exc):
            return answer(refusal)
        if isinstance(exc, AuthenticationFailed) and isinstance(exc.detail, dict):
            plain = AuthenticationFailed(str(exc.detail["detail"]), str(exc.detail["code"]))
            plain.auth_header = getattr(exc, "auth_header", None)  # type: ignore[attr-defined]
            return plain
        return super().convert_known_exceptions(exc)

    def report_exception(self, exc: APIException, response: Response) -> None:
        """Report nothing, whatever the status: a DomainError is no bug."""
        if isinstance(exc, Refusal):
            response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django's own way)
        else:
            super().report_exception(exc, response)


class TooLarge(APIException):
    status_code = ErrorKind.TOO_LARGE.value
    default_code = "too_large"
    default_detail = _("The request is too large. Send one megabyte or less.")
    remedy = "Send less than a megabyte."


class TooManyFields(APIException):
    status_code = ErrorKind.INVALID.value
    default_code = "too_many_fields"
    default_detail = _("The request has too many fields or parameters. Send 1,000 or fewer.")
    remedy = "Send at most 1,000 parameters and fields."


class BadRequest(APIException):
    """A request that Django calls suspicious: an error of the client, not a bug."""

    status_code = ErrorKind.INVALID.value
    default_code = "bad_request"
    default_detail = _("We can't read this request. Check its format.")
    remedy = "Correct the request's address and headers."


SUSPICIOUS: dict[type[SuspiciousOperation], type[APIException]] = {
    RequestDataTooBig: TooLarge,
    TooManyFieldsSent: TooManyFields,
    SuspiciousOperation: BadRequest,
}


class Refusal(APIException):
    """A DomainError as an exception of DRF."""

    field: str | None = None
    wait: int | None = None
    extra: dict[str, Any] = {}


def answer(error: DomainError) -> Refusal:
    refusal = Refusal(str(error.message), error.code)
    refusal.status_code = error.kind.value
    refusal.field = error.field
    refusal.wait = error.retry_after
    refusal.extra = error.details
    return refusal


class ExceptionFormatter(StandardFormatter):
    """`{"type", "errors": [{"code", "detail", "attr"}]}`, plus `details` for some errors."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        body: dict[str, Any] = super().format_error_response(error_response)
        if isinstance(self.exc, Refusal):
            body["errors"][0]["attr"] = self.exc.field
            if self.exc.extra:
                body["details"] = self.exc.extra
        return body
