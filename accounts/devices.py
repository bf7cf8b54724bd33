"""The browser or program that asks: from which network, and whether it has logged in with a login before."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string, salted_hmac
from rest_framework.request import Request

from accounts.models import User
from scheduler_project.common.security_log import address_of
from scheduler_project.common.throttling import network

REMEMBERED_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True)
class Device:
    """What is known of whoever asks. Without a network it is a job or a command."""

    network: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest | Request) -> "Device":
        return cls(network(address_of(request) or ""), dict(request.COOKIES))

    def browser_of(self, user: User) -> str | None:
        """The name of a browser that has logged in with this login; None for any other.

        It has none once the login has another password: then it need not be the owner's any more.
        """
        try:
            return _signer(user).unsign(self.cookies[_cookie(user)], max_age=REMEMBERED_SECONDS)
        except (KeyError, BadSignature):
            return None


def remember_browser(response: HttpResponse, user: User) -> None:
    """Let this browser have wrong passwords of its own counted, when it logs in with this login again.

    It is no key: it opens nothing, and counts against nobody but itself.
    """
    response.set_cookie(
        _cookie(user),
        _signer(user).sign(get_random_string(22)),
        max_age=REMEMBERED_SECONDS,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _cookie(user: User) -> str:
    """One for each login: several may share a browser."""
    return f"{settings.COOKIE_PREFIX}known-{user.pk}"


def _signer(user: User) -> Any:
    digest = salted_hmac("accounts.devices", user.password).hexdigest()
    return TimestampSigner(salt=f"accounts.devices:{user.pk}:{digest}")
