"""Access to a provider's dashboard and a client's own pages, which need a login, and to a published provider."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from accounts.actors import Actor, Source
from accounts.models import Client, Provider, User
from booking.models import Schedule
from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages.base import page

P = ParamSpec("P")


def provider_page(view: Callable[Concatenate[HttpRequest, Schedule, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view a page of a provider's dashboard. It gets the schedule, with its provider, and shows its timezone."""

    @login_required
    @page
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        provider = login_of(request).provider_or_none
        if provider is None:
            raise NotFound
        schedule = Schedule.objects.select_related("provider").get(provider=provider)
        with timezone.override(schedule.zone):
            return view(request, schedule, *args, **kwargs)

    return answer


def client_page(view: Callable[Concatenate[HttpRequest, Client, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view a page of a registered client. It gets the client."""

    @login_required
    @page
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        client = login_of(request).client_or_none
        if client is None:
            raise NotFound
        return view(request, client, *args, **kwargs)

    return answer


def login_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    """Return the actor of a request through a page."""
    return Actor.of(request.user, Source.PAGE)


def published_or_404(slug: str) -> Provider:
    """Return the published provider with this slug. Raises Http404 if there is none."""
    provider = Provider.objects.published().select_related("schedule").filter(slug=slug).first()
    if provider is None:
        raise Http404
    return provider
