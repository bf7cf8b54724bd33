"""Parsers, renderers and pagination of the API."""

import json
from typing import Any

import orjson
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import pagination, parsers, renderers
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from scheduler_project.common.api.versions import documented


class DuplicateField(ParseError):
    default_code = "duplicate_field"
    remedy = "Send each name once in an object of JSON."


class JSONParser(parsers.BaseParser):
    """A parser of JSON as in RFC 8259: no NaN, no lone surrogates, no duplicate names, bounded in size and depth."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = parser_context["request"].body
        try:
            read = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not valid JSON: %(error)s") % {"error": error}) from error
        refuse_duplicates(raw)
        return read


def refuse_duplicates(raw: bytes) -> None:
    """Raise DuplicateField for a name that occurs twice in a JSON object: programs differ in which value they read.

    orjson silently takes the last (RFC 8259 §4 leaves that open).
    """
    if raw.count(b":") > 1:
        try:
            _DUPLICATES.decode(raw.decode())
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> None:
    met: set[str] = set()
    for name, _value in pairs:
        if name in met:
            raise DuplicateField(_("“%(name)s” appears twice in one object. Send it once.") % {"name": name[:60]})
        met.add(name)


def _unread(number: str) -> None:
    return None


_DUPLICATES = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_unread, parse_float=_unread, parse_constant=_unread
)


class FormParser(parsers.BaseParser):
    """A parser of posted forms, for the few services that post them to us. Bounded in size and number of fields."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> QueryDict:
        try:
            return QueryDict(parser_context["request"].body)
        except TooManyFieldsSent as error:
            raise ParseError(_("The form has too many fields.")) from error


class JSONRenderer(renderers.BaseRenderer):
    """A renderer that writes JSON with orjson."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
        return b"" if data is None else orjson.dumps(data, default=str, option=options)


class Negotiation(DefaultContentNegotiation):
    """The negotiation of an address with one format.

    It answers in that format, whatever the client accepts, which RFC 9110 §12.5.1 allows.
    """

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if len(renderers) == 1:
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Any, format: str) -> Any:  # noqa: A002  # DRF names it
        """Return the renderers of the requested format (`?format=`). Raises ValidationError if there are none."""
        fitting = [renderer for renderer in renderers if renderer.format == format]
        if not fitting:
            formats = ", ".join(sorted({renderer.format for renderer in renderers}))
            raise ValidationError({"format": [_("Choose one of these: %s.") % formats]}, code="invalid_choice")
        return fitting


class Pagination(pagination.PageNumberPagination):
    """Pages of 50 rows, or as many as requested, up to 200; more are an error."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_next_link(self) -> str | None:
        link = super().get_next_link()
        return link and documented(link)

    def get_previous_link(self) -> str | None:
        link = super().get_previous_link()
        return link and documented(link)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page. DRF writes OpenAPI 3.0, where a link is `nullable`."""
        page = super().get_paginated_response_schema(schema)
        link = {"type": ["string", "null"], "format": "uri"}
        page["properties"] |= {
            "next": {**link, "description": "Link to the next page, or null."},
            "previous": {**link, "description": "Link to the previous page, or null."},
        }
        return page

    def get_page_number(self, request: Request, paginator: Any) -> int | str:
        """Return the page requested. Raises NotFound unless it is a number in ASCII digits."""
        value = request.query_params.get(self.page_query_param, "1")
        if not whole_number(value):
            raise NotFound(self.invalid_page_message.format(page_number=value[:20], message=_("Enter a whole number.")))
        return int(value)

    def get_page_size(self, request: Request) -> int:
        """Return the number of rows per page. Raises ValidationError unless it is in ASCII digits and not too large."""
        value = request.query_params.get(self.page_size_query_param) or str(self.page_size)
        if not whole_number(value) or not int(value):
            raise ValidationError(
                {self.page_size_query_param: [_("Enter a whole number of 1 or more.")]}, code="invalid"
            )
        if int(value) > self.max_page_size:
            most = _("A page has at most %d rows.") % self.max_page_size
            raise ValidationError({self.page_size_query_param: [most]}, code="max_value")
        return int(value)


def whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
