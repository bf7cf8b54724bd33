"""Removal of malformed cookies: anybody can send any, including some that no browser would."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse

LONGEST = 4096
"""Maximum size in bytes that browsers keep (RFC 6265bis §5.6); ours are far shorter."""


def with_sound_cookies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Remove cookies that are too long, or contain control characters or lone surrogates.

    PostgreSQL, which looks up sessions by cookie, accepts neither.
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
    """Django's message storage: in a cookie, or in the session if a message is too long for one."""

    storage_classes = (MessageCookie, SessionStorage)
