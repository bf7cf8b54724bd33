"""What the pages share that somebody reaches by a link, without logging in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from scheduler_project.common.errors import DomainError, Kind

P = ParamSpec("P")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The address of such a page is a key: nobody is to keep the page, list it, frame it, or run anything in it."""


def page(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that reads with GET and HEAD and acts with POST. A DomainError is a page too, with the status it has."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except DomainError as refusal:
            template = "404.html" if refusal.kind == Kind.NOT_FOUND else "refusal.html"
            response = render(request, template, {"refusal": refusal}, status=refusal.kind.value)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def site(request: HttpRequest) -> dict[str, Any]:
    """What every template knows."""
    return {"site_name": settings.SITE_NAME}
