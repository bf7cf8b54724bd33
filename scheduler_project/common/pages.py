"""What pages share: how a request for one is answered, in whose timezone, and what every template knows."""

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

from scheduler_project.common.database_errors import refusal_for
from scheduler_project.common.errors import DomainError, Kind
from scheduler_project.common.languages import DAY, LONG
from scheduler_project.common.sending_limits import mailbox
from scheduler_project.common.throttling import seconds_to_wait, seconds_until
from scheduler_project.common.times import zone_names

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
GetResponse = Callable[[HttpRequest], HttpResponse]

UNCOUNTED = frozenset({"/healthz", "/readyz"})
"""Addresses that monitoring asks, as often as it likes."""

KEPT_BY_NOBODY = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
"""The address of such a page is a key: nobody is to keep the page or list it."""


def for_pages(get_response: GetResponse) -> GetResponse:
    """A Content-Security-Policy, htmx, the visitor's timezone, and the limit that the API's reads have.

    The API goes by all that: django-csp alone, which writes its policy anew for each answer, costs a seventh of a
    listing.
    """
    dressed = CSPMiddleware(HtmxMiddleware(in_zone(limited(get_response))))

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return get_response(request)
        _ = request.GET  # Too many parameters are refused here (TooManyFieldsSent), before templates stumble over them.
        return dressed(request)  # type: ignore[return-value]

    return middleware


def limited(get_response: GetResponse) -> GetResponse:
    """Refuse whoever reads pages, or acts on them, more often than the API allows: also without a CSRF token."""

    def middleware(request: HttpRequest) -> HttpResponse:
        scope = "read" if request.method in {"GET", "HEAD"} else "write"
        counts = request.path_info not in UNCOUNTED
        return (too_many(request, scope) if counts else None) or get_response(request)

    return middleware


def in_zone(get_response: GetResponse) -> GetResponse:
    """Show times in the visitor's timezone, but in feeds."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/calendar/"):
            return get_response(request)
        with timezone.override(visitor_zone(request) or timezone.get_default_timezone()):
            return get_response(request)

    return middleware


def visitor_zone(request: HttpRequest) -> ZoneInfo | None:
    """The timezone a visitor chose or their browser told; else that of their login; None if nobody knows."""
    told = request.COOKIES.get(settings.TIMEZONE_COOKIE_NAME, "")
    if told in zone_names():
        return ZoneInfo(told)
    login = getattr(request.user, "timezone", None)
    return ZoneInfo(login) if login else None


def page(view: View[P]) -> Callable[..., HttpResponse]:
    """A view that reads with GET and HEAD and acts with POST. A DomainError is a page too, with the status it has."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as refusal:
            return refusal_page(request, refusal)

    return answer


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The page that says no, and why."""
    template = {Kind.NOT_FOUND: "404.html", Kind.TOO_MANY: "too_many.html"}.get(refusal.kind, "refusal.html")
    context = {"refusal": refusal, "wait": wait_in_words(refusal.retry_after)}
    response = render(request, template, context, status=refusal.kind.value)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def unavailable(refusal: DomainError) -> HttpResponse:
    """A page for when the database may be what is not there, so that nothing on it is looked up."""
    words = {"refusal": refusal, "site_name": settings.SITE_NAME, "language": get_language()}
    response = HttpResponse(render_to_string("unavailable.html", words), status=refusal.kind.value)
    response.headers["Cache-Control"] = "no-store"
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django then logs no bug.)
    return response


def with_refusals(get_response: GetResponse) -> GetResponse:
    """A middleware that makes a page of each DomainError that a view lets pass: allauth's, the admin's."""

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
    """The page that says so, once somebody (or whoever else is about `subject`) has done this too often."""
    return refused_for(request, seconds_to_wait(request, scope, subject))


def too_many_mails(request: HttpRequest, kind: str, address: str) -> HttpResponse | None:
    """The page that says so, once a mailbox has been sent too many links of a kind, whoever asks for them."""
    return refused_for(request, seconds_until("mail", f"{kind}:{mailbox(address)}"))


def refused_for(request: HttpRequest, seconds: int | None) -> HttpResponse | None:
    if seconds is None:
        return None
    response = render(request, "too_many.html", {"wait": wait_in_words(seconds)}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def wait_in_words(seconds: int | None) -> str:
    """Never shorter than the wait: from a minute on in whole minutes, from two hours on in whole hours."""
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
    """A page whose address is a key, such as one that a mailed link leads to."""
    shown = page(view)

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = shown(request, *args, **kwargs)
        for name, value in KEPT_BY_NOBODY.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def back(request: HttpRequest, default: str = "home") -> str:
    """Where `next` leads, if that is here; else the default, a URL or the name of one."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    here = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if here else resolve_url(default)


@page
def choose_zone(request: HttpRequest) -> HttpResponse:
    """Let a visitor choose the timezone in which all pages show times, and go back to where they were."""
    chosen = request.POST.get("timezone", "")
    if request.method == "POST" and chosen in zone_names():
        response = HttpResponseRedirect(back(request))
        remember_zone(response, chosen)
        return response
    return render(request, "timezone.html", {"zones": sorted(zone_names()), "next": back(request)})


def remember_zone(response: HttpResponse, zone: str) -> None:
    """Let this browser's pages show times in that timezone from now on."""
    response.set_cookie(
        settings.TIMEZONE_COOKIE_NAME,
        zone,
        max_age=365 * 24 * 60 * 60,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def site(request: HttpRequest) -> dict[str, Any]:
    """What every template knows."""
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "mailbox": settings.MAILBOX,
        "long_format": LONG,
        "day_format": DAY,
        "zone": timezone.get_current_timezone_name(),
        "timezone_cookie": settings.TIMEZONE_COOKIE_NAME,
        "layout": "embedded.html" if embedded(request) else "base.html",
    }


def embedded(request: HttpRequest) -> bool:
    """Whether a page is shown inside somebody else's."""
    return request.GET.get("embed") == "1"


def as_file(archive: dict[str, Any], name: str) -> HttpResponse:
    """An archive of somebody's data as a JSON file to keep, which nobody else does."""
    response = JsonResponse(archive, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
