"""Conditional requests (RFC 9110 §13): what has not changed since the caller read it is not sent again."""

from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import OpenApiParameter
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


def not_modified(request: Request, tag: str | None, *, personal: bool = False) -> HttpResponseBase | None:
    """Return a 304 if the caller has the answer with this tag, else None. `personal` is that of `with_tag`."""
    if tag is None or not asks_for_changes(request):
        return None
    response = get_conditional_response(request, etag=tag)
    if response is None or response.status_code != 304:
        return None
    return with_tag(request, response, tag, personal=personal)


def with_tag(request: Request, response: HttpResponseBase, tag: str | None, *, personal: bool = False) -> Any:
    """Add the tag to a response, and that caches ask each time before they use it.

    If what people are shown is `personal`, caches keep nothing for those who are signed in (`with_safe_headers`).
    """
    if tag is not None:
        response.headers["ETag"] = tag
        if not is_personal(request, response):
            response.headers["Cache-Control"] = "public, no-cache"
        elif not personal:
            response.headers["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
    return response


class TaggedByContent:
    """A mixin of views whose `list` and `retrieve` have the tag of their content.

    A 304 saves what would be sent, not the work: rows that people are shown differ by who asks, and reading them is
    most of it.
    """

    action: str
    tagged_actions = frozenset({"list", "retrieve"})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self.action in self.tagged_actions and response.status_code == 200 and hasattr(response, "render"):
            response.add_post_render_callback(lambda rendered: tagged_by_content(request, rendered))
        return response


def tagged_by_content(request: Request, response: HttpResponse) -> Any:
    """Return a rendered response with the tag of its content, or a 304 if the caller has it."""
    tag = f'"{blake2b(response.content, digest_size=15).hexdigest()}"'
    return not_modified(request, tag, personal=True) or with_tag(request, response, tag, personal=True)


# --- The schema -------------------------------------------------------------------------------------------------------

PARAMETERS = [
    OpenApiParameter(
        "If-None-Match",
        str,
        OpenApiParameter.HEADER,
        description="The `ETag` of the answer you have. While nothing has changed, the answer is 304.",
    ),
    OpenApiParameter(
        "ETag",
        str,
        OpenApiParameter.HEADER,
        description="A tag of this answer, for `If-None-Match` of the next request.",
        response=[200, 304],
    ),
]


def is_tagged(documented: Any) -> bool:
    """Return whether the answers of a documented handler have tags (`tagged_actions` of its view)."""
    view = documented.view
    name = getattr(view, "action", None) or documented.method.lower()
    return documented.method == "GET" and name in getattr(view, "tagged_actions", ())
