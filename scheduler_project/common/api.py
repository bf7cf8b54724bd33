"""What every API view shares: reading and writing JSON, pages, and the one shape of an error."""

from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.formatter import ExceptionFormatter as StandardFormatter
from drf_standardized_errors.handler import ExceptionHandler as StandardHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import pagination, parsers, renderers
from rest_framework.exceptions import APIException, ParseError

from scheduler_project.common.errors import DomainError, Kind


class JSONParser(parsers.BaseParser):
    """Reads JSON as RFC 8259 has it: no NaN, no lone surrogates, bounded in size and depth."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = parser_context["request"]._request.body
        try:
            return orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not valid JSON: %(error)s") % {"error": error}) from error


class JSONRenderer(renderers.BaseRenderer):
    """Writes JSON with orjson."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)


class Pagination(pagination.PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class ExceptionHandler(StandardHandler):
    """Turns a DomainError into the HTTP answer of its kind."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, RequestDataTooBig):
            return TooLarge()
        if isinstance(exc, DomainError):
            return answer(exc)
        return super().convert_known_exceptions(exc)


class TooLarge(APIException):
    status_code = Kind.TOO_LARGE.value
    default_code = "too_large"
    default_detail = _("The request is too large. At most one megabyte is read.")


class Refusal(APIException):
    """A DomainError on its way out."""

    field: str | None = None
    extra: dict[str, Any] = {}


def answer(error: DomainError) -> Refusal:
    refusal = Refusal(error.message, error.code)
    refusal.status_code = error.kind.value
    refusal.field = error.field
    refusal.extra = error.details
    return refusal


class ExceptionFormatter(StandardFormatter):
    """`{"type", "errors": [{"code", "detail", "attr"}]}`, plus `details` where there is more to say."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        body: dict[str, Any] = super().format_error_response(error_response)
        if isinstance(self.exc, Refusal):
            body["errors"][0]["attr"] = self.exc.field
            if self.exc.extra:
                body["details"] = self.exc.extra
        return body
