"""Conditional requests (RFC 9110 §13): what has not changed since the caller read it is not sent again."""

from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.request import Request

from scheduler_project.common.pages.headers import is_personal

FORMAT = (1, settings.SPECTACULAR_SETTINGS["VERSION"], version("tzdata"))
"""A part of every tag. Count it up when the same facts are written in another way."""

MET = "HTTP_IF_NONE_MATCH"


def tag_for(request: Request, *facts: Any) -> str:
    """Return the entity tag of an answer that the address and the facts decide.

    It is weak: it promises that answers mean the same, not that each byte is the same.
    """
    text = repr((FORMAT, request.build_absolute_uri(), facts))
    return f'W/"{blake2b(text.encode(), digest_size=15).hexdigest()}"'


def asks_for_changes(request: Request) -> bool:
    """Return whether the caller has an answer already, and names its tag."""
    return MET in request.META and request.method in ("GET", "HEAD")


def not_modified(request: Request, tag: str | None) -> HttpResponseBase | None:
    """Return a 304 if the caller has the answer with this tag, else None."""
    if tag is None or not asks_for_changes(request):
        return None
    response = get_conditional_response(request, etag=tag)
    if response is None or response.status_code != 304:
        return None
    return with_tag(request, response, tag)


def with_tag(request: Request, response: HttpResponseBase, tag: str | None) -> Any:
    """Add the tag to a response, and that caches ask each time before they use it."""
    if tag is not None:
        response.headers["ETag"] = tag
        response.headers["Cache-Control"] = f"{'private' if is_personal(request, response) else 'public'}, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
