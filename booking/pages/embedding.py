"""Booking inside somebody else's page: without header and footer, and only where the provider allows it."""

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
    """A page that others may show in a frame, with `?embed=1`, on the websites its provider names (`let_embed`).

    Browsers keep cookies from frames, so there is neither a login nor a CSRF token there. What is posted then acts for
    an anonymous visitor, whoever else the browser knows: nobody gains by making somebody post it.
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
    """Let the websites named by the provider (`let_embed`) show what the view answers with `?embed=1` in a frame."""

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
    """Let the websites this provider names show the page in a frame."""
    untyped: Any = request
    untyped.embed_origins = provider.embed_origins
