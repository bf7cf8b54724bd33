"""Cookies are what anybody sends: what no browser could have been given is not looked at."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse

LONGEST = 4096
"""What browsers keep (RFC 6265bis §5.6); ours are far shorter."""


def with_sound_cookies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Go on as if cookies that are too long, or hold control characters or lone surrogates, had not been sent.

    PostgreSQL, where a session is looked up by its cookie, takes neither.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if sound(value)}
        return get_response(request)

    return middleware


def sound(value: str) -> bool:
    return len(value) <= LONGEST and value.isprintable()


class MessageCookie(CookieStorage):
    @property
    def cookie_name(self) -> str:  # type: ignore[override]
        return str(settings.MESSAGES_COOKIE_NAME)


class MessageStorage(FallbackStorage):
    """Django's: what a page says once, in a cookie, or in the session where it is too long for one."""

    storage_classes = (MessageCookie, SessionStorage)
