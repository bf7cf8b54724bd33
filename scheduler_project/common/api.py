"""Reading and writing JSON, and pages: what every API view shares."""

from typing import Any

import orjson
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import pagination, parsers, renderers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class JSONParser(parsers.BaseParser):
    """Reads JSON as RFC 8259 has it: no NaN, no lone surrogates, bounded in size and depth."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = parser_context["request"].body
        try:
            return orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not valid JSON: %(error)s") % {"error": error}) from error


class FormParser(parsers.BaseParser):
    """Reads what a form posts; for the few who tell us things that way. Bounded in size and number of fields."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> QueryDict:
        try:
            return QueryDict(parser_context["request"].body)
        except TooManyFieldsSent as error:
            raise ParseError(_("The form has too many fields.")) from error


class JSONRenderer(renderers.BaseRenderer):
    """Writes JSON with orjson."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
        return b"" if data is None else orjson.dumps(data, default=str, option=options)


class Negotiation(DefaultContentNegotiation):
    """An address with one format answers in it, whatever the caller accepts (RFC 9110 §12.5.1 leaves that free)."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if len(renderers) == 1:
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)


class Pagination(pagination.PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
