"""Booking pages in a frame on another website: without header and footer, and only if the provider allows it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.models import Provider
from scheduler_project.common.pages.base import embedded

P = ParamSpec("P")


def embeddable(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view available in a frame with `?embed=1`, on the websites that its provider names (`let_embed`).

    Browsers keep cookies from frames, so a frame has neither a login nor a CSRF token. A POST there acts for an
    anonymous visitor, whatever login the browser has: forging one gains nothing.
    """
    shown = framed(view)

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not embedded(request):
            return csrf_protect(view)(request, *args, **kwargs)
        request.user = AnonymousUser()
        return shown(request, *args, **kwargs)

    return answer


def framed(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the websites that the provider names (`let_embed`) show the view's answer to `?embed=1` in a frame."""

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        origins = getattr(request, "embed_origins", [])
        if origins and embedded(request):
            policed: Any = response
            policed._csp_replace = {"frame-ancestors": origins}  # noqa: SLF001  (what django-csp's decorators set)
            policed.xframe_options_exempt = True
        return response

    return answer


def let_embed(request: HttpRequest, provider: Provider) -> None:
    """Let the websites that this provider names show the page in a frame."""
    untyped: Any = request
    untyped.embed_origins = provider.embed_origins
