"""Handlers of errors outside of views: the API's error format for its callers, a plain page for all others."""

import sys
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from scheduler_project.common.api.versions import is_api
from scheduler_project.common.db.errors import refusal_for
from scheduler_project.web import refusals


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 400 for a request Django calls suspicious, for example one for an unknown host."""
    known = isinstance(exception, DisallowedHost)
    return _refused(request, refusals.UNKNOWN_HOST if known else refusals.BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500 without details; 503 if the database timed out or cannot be reached.

    It needs no template, context or database, because these may have failed.
    """
    refusal = refusal_for(sys.exc_info()[1])
    if refusal is None:
        return _refused(request, refusals.FAILED)
    response = _refused(request, (HTTPStatus(refusal.kind.value), refusal.code, refusal.message))
    response.headers["Retry-After"] = str(refusal.retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (It is no bug.)
    return response


def _refused(request: HttpRequest, refusal: refusals.Refusal) -> HttpResponse:
    # This request's language may not be set yet, and the thread may still have that of the last request.
    language = refusals.preferred_language(request.headers.get("Accept-Language", ""))
    api = is_api(request.path_info)
    content, media_type = refusals.content_of(refusal, api=api, language=language)
    response = HttpResponse(content, content_type=media_type, status=refusal[0])
    response.headers["Content-Language"] = language
    add_never_cache_headers(response)
    return response
