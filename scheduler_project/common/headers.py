"""What every answer tells browsers and caches, whatever it is: page, API, refusal or crash."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

NOTHING_RUNS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of what is no page: JSON, files, refusals of the server itself. Pages have their own (`for_pages`)."""

PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid", "microphone"),
        *("midi", "payment", "publickey-credentials-get", "serial", "usb", "xr-spatial-tracking"),
    )
)
"""No page uses any of these, nor may what is ever put into one."""

EVERYWHERE = {
    "Content-Security-Policy": NOTHING_RUNS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def with_safe_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Fill in the headers that an answer does not set itself.

    Nothing that is anybody's own is kept by caches: what somebody is answered who sends a token or has a session, what
    answers a write, and what sets a cookie.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path_info.startswith(settings.STATIC_URL):  # anybody's; and the policy would unstyle pictures
            return response
        headers = response.headers
        for name, value in EVERYWHERE.items():
            headers.setdefault(name, value)
        if is_personal(request, response):
            headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def is_personal(request: HttpRequest, response: HttpResponse) -> bool:
    return (
        "authorization" in request.headers
        or request.method not in ("GET", "HEAD")
        or settings.SESSION_COOKIE_NAME in request.COOKIES
        or bool(response.cookies)
    )
