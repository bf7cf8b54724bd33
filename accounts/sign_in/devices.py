"""The device of a request: its network, and the logins that have used its browser."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string, salted_hmac
from rest_framework.request import Request

from accounts.models import User
from scheduler_project.common.audit.security_log import address_of
from scheduler_project.common.limits.throttling import network

REMEMBERED_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True)
class Device:
    """Facts about the device of a request. Jobs and commands have no network."""

    network: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest | Request) -> "Device":
        return cls(network(address_of(request) or ""), dict(request.COOKIES))

    def browser_of(self, user: User) -> str | None:
        """Return the random name of a browser that has logged in to this login before, else None.

        Return None once the login has a new password: the browser may be another person's.
        """
        try:
            return _signer(user).unsign(self.cookies[_cookie(user)], max_age=REMEMBERED_SECONDS)
        except (KeyError, BadSignature):
            return None


def remember_browser(response: HttpResponse, user: User) -> None:
    """Give this browser its own count of wrong passwords for this login.

    The cookie is no credential: it grants nothing, and affects no count but its own.
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
    """Return the cookie's name. Each login has its own, because several people may share a browser."""
    return f"{settings.COOKIE_PREFIX}known-{user.pk}"


def _signer(user: User) -> Any:
    digest = salted_hmac("accounts.devices", user.password).hexdigest()
    return TimestampSigner(salt=f"accounts.devices:{user.pk}:{digest}")
