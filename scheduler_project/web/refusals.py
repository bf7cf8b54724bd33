"""Responses to requests that reach no view: the API's error format, a plain page for all others."""

import html
import json
from functools import lru_cache
from http import HTTPStatus

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header

from scheduler_project.common.api.cors import headers_for
from scheduler_project.common.pages.headers import EVERYWHERE

BAD_REQUEST = (HTTPStatus.BAD_REQUEST, "bad_request", _("The request is not valid HTTP."))
TIMEOUT = (
    HTTPStatus.REQUEST_TIMEOUT,
    "request_timeout",
    _("The request took too long to arrive. Send it again."),
)
TOO_LARGE = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_large",
    _("The request is too large. Send %(limit)s bytes or fewer."),
)
URL_TOO_LONG = (
    HTTPStatus.REQUEST_URI_TOO_LONG,
    "url_too_long",
    _("The address is too long. Use fewer or shorter parameters."),
)
HEADERS_TOO_LARGE = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "headers_too_large",
    _("The request has too many headers, or they are too long. Try deleting this site's cookies."),
)
EXPECTATION_FAILED = (
    HTTPStatus.EXPECTATION_FAILED,
    "expectation_failed",
    _("The only expectation this server meets is 100-continue."),
)
CODING_UNKNOWN = (
    HTTPStatus.NOT_IMPLEMENTED,
    "transfer_coding_unknown",
    _("The only transfer coding this server reads is chunked."),
)
VERSION_UNKNOWN = (
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    "http_version_unknown",
    _("This server supports HTTP/1.1. Send the request with that version."),
)
UNKNOWN_HOST = (
    HTTPStatus.BAD_REQUEST,
    "unknown_host",
    _("This site isn't available under this host name."),
)
BUSY = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "busy",
    _("The site is busy. Try again in a moment."),
)
FAILED = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "error",
    _("Something went wrong. Try again later."),
)

Refusal = tuple[HTTPStatus, str, object]

RETRY_AFTER_SECONDS = 2

PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


def refusal_bytes(
    refusal: Refusal, *, api: bool, language: str, limit: int = 0, body: bool = True, origin: str = ""
) -> bytes:
    """Return the whole response, after which the connection ends. `limit` is shown by `TOO_LARGE`, in bytes.

    Scripts of an `origin` in `CORS_ORIGINS` may read the API's.
    """
    reader = origin if api and origin in settings.CORS_ALLOWED_ORIGINS else ""  # few, because the answers are cached
    head, content = _encoded(refusal, api, language, limit, reader)
    return head + content if body else head


def content_of(refusal: Refusal, *, api: bool, language: str, limit: int = 0) -> tuple[bytes, str]:
    """Return the body of a refusal, and its media type."""
    status, code, says = refusal
    with translation.override(language):
        text = str(says) % {"limit": f"{limit:,}"} if limit else str(says)
    if api:
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "client_error"
        error = {"type": kind, "errors": [{"code": code, "detail": text, "attr": None}]}
        return json.dumps(error, ensure_ascii=False).encode(), "application/json"
    page = PAGE.format(language=language, title=html.escape(settings.SITE_NAME), text=html.escape(text))
    return page.encode(), "text/html; charset=utf-8"


@lru_cache(maxsize=256)
def _encoded(refusal: Refusal, api: bool, language: str, limit: int, origin: str) -> tuple[bytes, bytes]:
    status = refusal[0]
    content, media_type = content_of(refusal, api=api, language=language, limit=limit)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(content)}",
        f"Content-Language: {language}",
        *(f"{name}: {value}" for name, value in EVERYWHERE.items()),
        *(f"{name}: {value}" for name, value in headers_for(origin)),
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if refusal is BUSY:
        lines.append(f"Retry-After: {RETRY_AFTER_SECONDS}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1"), content


def preferred_language(accepted: str) -> str:
    """Return the best supported language of `Accept-Language`; else the site's."""
    for code, _quality in parse_accept_lang_header(accepted.lower()[:200]):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return translation.get_supported_language_variant(settings.LANGUAGE_CODE)
