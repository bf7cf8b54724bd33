"""The base of all pages: handling of requests, the visitor's timezone, and the templates' common context."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxMiddleware

from scheduler_project.common.api.versions import is_api
from scheduler_project.common.db.errors import refusal_for
from scheduler_project.common.errors import DomainError, ErrorKind
from scheduler_project.common.limits.throttling import seconds_to_wait, seconds_until_mail
from scheduler_project.common.pages.formats import CLOCK, DAY, LONG, SHORT
from scheduler_project.common.site import clock
from scheduler_project.common.site.enums import Clock
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.time.zones import zone_names

P = ParamSpec("P")


View = Callable[Concatenate[HttpRequest, P], HttpResponse]


GetResponse = Callable[[HttpRequest], HttpResponse]


UNCOUNTED = frozenset({"/healthz", "/readyz"})
"""Paths polled by monitoring, exempt from rate limits."""


KEPT_BY_NOBODY = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
"""Headers of pages whose URL is a secret: nobody may store or index them."""


def for_pages(get_response: GetResponse) -> GetResponse:
    """Add a Content-Security-Policy, htmx, the visitor's timezone, and the rate limits of the API's reads.

    The API skips this: django-csp alone, which builds its policy for each response, takes a seventh of a listing's
    time.
    """
    dressed = CSPMiddleware(HtmxMiddleware(in_zone(limited(get_response))))

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request.path_info):
            return get_response(request)
        _ = request.GET  # Too many parameters are refused here (TooManyFieldsSent), before templates stumble over them.
        return dressed(request)  # type: ignore[return-value]

    return middleware


def limited(get_response: GetResponse) -> GetResponse:
    """Apply the API's rate limits to pages, also to requests without a CSRF token."""

    def middleware(request: HttpRequest) -> HttpResponse:
        scope = "read" if request.method in {"GET", "HEAD"} else "write"
        counts = request.path_info not in UNCOUNTED
        return (too_many(request, scope) if counts else None) or get_response(request)

    return middleware


def in_zone(get_response: GetResponse) -> GetResponse:
    """Show times in the visitor's timezone and by their clock, except in feeds."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/calendar/"):
            return get_response(request)
        chosen = request.COOKIES.get(settings.CLOCK_COOKIE_NAME, "")
        token = clock.chosen.set(chosen if chosen in Clock.values else "")
        try:
            with timezone.override(visitor_zone(request) or site_settings().timezone or "UTC"):
                return get_response(request)
        finally:
            clock.chosen.reset(token)

    return middleware


def visitor_zone(request: HttpRequest) -> ZoneInfo | None:
    """Return the timezone a visitor chose or their browser sent; else that of their login; else None."""
    zone_name = request.COOKIES.get(settings.TIMEZONE_COOKIE_NAME, "")
    if zone_name in zone_names():
        return ZoneInfo(zone_name)
    login = getattr(request.user, "timezone", None)
    return ZoneInfo(login) if login else None


def page(view: View[P]) -> Callable[..., HttpResponse]:
    """Make a view that reads on GET and HEAD and acts on POST, with an error page for DomainErrors."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as refusal:
            return refusal_page(request, refusal)

    return answer


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Return the error page of a refusal."""
    template = {ErrorKind.NOT_FOUND: "404.html", ErrorKind.TOO_MANY: "too_many.html"}.get(refusal.kind, "refusal.html")
    context = {"refusal": refusal, "wait": wait_in_words(refusal.retry_after)}
    response = render(request, template, context, status=refusal.kind.value)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def unavailable(refusal: DomainError) -> HttpResponse:
    """Return an error page that needs no database, for when the database is unavailable."""
    words = {"refusal": refusal, "site_name": site_settings().title, "language": get_language()}
    response = HttpResponse(render_to_string("unavailable.html", words), status=refusal.kind.value)
    response.headers["Cache-Control"] = "no-store"
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django then logs no bug.)
    return response


def with_refusals(get_response: GetResponse) -> GetResponse:
    """Middleware that returns an error page for DomainErrors raised in the views of allauth and the admin."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DomainError):
            return refusal_page(request, exception)
        refusal = refusal_for(exception)
        return unavailable(refusal) if refusal else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]  # where Django looks for it
    return middleware


def too_many(request: HttpRequest, scope: str, subject: str | None = None) -> HttpResponse | None:
    """Return an error page if the caller, or all requests about `subject`, exceed this rate limit, else None."""
    return refused_for(request, seconds_to_wait(request, scope, subject))


def limited_as(scope: str) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Make a view that applies a rate limit of the API to what is posted to it."""

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            refused = too_many(request, scope) if request.method == "POST" else None
            return refused or view(request, *args, **kwargs)

        return answer

    return decorate


def too_many_mails(request: HttpRequest, kind: str, address: str) -> HttpResponse | None:
    """Return an error page if a mailbox has been sent too many links of a kind, by whatever caller, else None."""
    return refused_for(request, seconds_until_mail(kind, address))


def refused_for(request: HttpRequest, seconds: int | None) -> HttpResponse | None:
    if seconds is None:
        return None
    response = render(request, "too_many.html", {"wait": wait_in_words(seconds)}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def wait_in_words(seconds: int | None) -> str:
    """Return the wait rounded up: from a minute on in whole minutes, from two hours on in whole hours."""
    if seconds is None:
        return ""
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    hours = math.ceil(minutes / 60)
    return ngettext("%d hour", "%d hours", hours) % hours


def secret_page(view: View[P]) -> Callable[..., HttpResponse]:
    """Make a view for pages whose URL is a secret, such as mailed links."""
    shown = page(view)

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = shown(request, *args, **kwargs)
        for name, value in KEPT_BY_NOBODY.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def back(request: HttpRequest, default: str = "home") -> str:
    """Return the local URL in `next`; else the default, a URL or its name."""
    requested = request.POST.get("next") or request.GET.get("next") or ""
    here = url_has_allowed_host_and_scheme(requested, {request.get_host()}, require_https=request.is_secure())
    return requested if here else resolve_url(default)


@page
def choose_zone(request: HttpRequest) -> HttpResponse:
    """Set the visitor's timezone and clock for all pages, and redirect to the previous page."""
    chosen, form = request.POST.get("timezone", ""), request.POST.get("clock")
    if request.method == "POST" and chosen in zone_names():
        response = HttpResponseRedirect(back(request))
        remember_zone(response, chosen)
        if form in Clock.values:
            _remember(response, settings.CLOCK_COOKIE_NAME, str(form))
        return response
    context = {
        "zones": sorted(zone_names()),
        "next": back(request),
        "clocks": Clock.choices,
        "clock": clock.chosen.get(),
    }
    return render(request, "timezone.html", context)


def remember_zone(response: HttpResponse, zone: str) -> None:
    """Show times in that timezone in this browser from now on."""
    _remember(response, settings.TIMEZONE_COOKIE_NAME, zone)


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=365 * 24 * 60 * 60,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the context common to all templates."""
    return {
        "practice": site_settings(),
        "site_name": site_settings().title,
        "site_url": settings.SITE_URL,
        "mailbox": settings.MAILBOX,
        "issuer": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "long_format": LONG,
        "short_format": SHORT,
        "clock_format": CLOCK,
        "day_format": DAY,
        "zone": timezone.get_current_timezone_name(),
        "timezone_cookie": settings.TIMEZONE_COOKIE_NAME,
        "layout": "embedded.html" if embedded(request) else "base.html",
    }


def embedded(request: HttpRequest) -> bool:
    """Return whether a page is shown in a frame of another site."""
    return request.GET.get("embed") == "1"


def as_file(archive: dict[str, Any], name: str) -> HttpResponse:
    """Return an archive of a person's data as a JSON file that caches must not store."""
    response = JsonResponse(archive, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
