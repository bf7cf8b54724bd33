"""Security and cache headers of every response: pages, API, errors and crashes."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

NOTHING_RUNS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of responses that are no pages: JSON, files, errors of the server itself.

Pages have their own (`for_pages`).
"""


PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid", "microphone"),
        *("midi", "payment", "publickey-credentials-get", "serial", "usb", "xr-spatial-tracking"),
    )
)
"""Features that no page uses, disabled also for injected content."""


EVERYWHERE = {
    "Content-Security-Policy": NOTHING_RUNS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def with_safe_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Add the headers that a response does not set itself.

    Caches store no private responses: those to requests with a token or a session, those to writes, and those that set
    a cookie.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path_info.startswith(settings.STATIC_URL):  # public; and the policy would unstyle pictures
            return response
        headers = response.headers
        for name, value in EVERYWHERE.items():
            headers.setdefault(name, value)
        if is_personal(request, response):
            headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def is_personal(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        "authorization" in request.headers
        or request.method not in ("GET", "HEAD")
        or settings.SESSION_COOKIE_NAME in request.COOKIES
        or bool(response.cookies)
    )
