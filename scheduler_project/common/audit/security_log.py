"""The log of security events: one logger, `security`, and one line for each event.

A line reads `login.failed face=page address=192.0.2.7 login=12 reason=wrong_password`. It holds no secret, and no input
can begin a line of its own. `docs/reference/security-events.md` lists the events.
"""

import json
import logging
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from scheduler_project.common.api.versions import documented_route
from scheduler_project.common.audit.log import current_actor, current_request, source_of

logger = logging.getLogger("security")


class SecurityEvent(StrEnum):
    """The names of events. Each is described in `docs/reference/security-events.md`, which a test compares."""

    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGIN_SLOWED = "login.slowed"
    LOGIN_CREATED = "login.created"
    LOGIN_DELETED = "login.deleted"
    LOGOUT = "logout"
    REAUTHENTICATION_SUCCEEDED = "reauthentication.succeeded"
    REAUTHENTICATION_FAILED = "reauthentication.failed"
    SIGN_INS_ENDED = "sign_ins.ended"
    TOKEN_REUSED = "token.reused"  # noqa: S105
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    PASSWORD_RESET_ASKED = "password.reset_asked"  # noqa: S105
    PASSWORD_RESET_FAILED = "password.reset_failed"  # noqa: S105
    EMAIL_CHANGE_ASKED = "email.change_asked"
    EMAIL_CHANGED = "email.changed"
    MAILBOX_PROVED = "mailbox.proved"
    SECOND_FACTOR_ADDED = "second_factor.added"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    RECOVERY_CODES_RENEWED = "recovery_codes.renewed"
    IDENTITY_ADDED = "identity.added"
    IDENTITY_REMOVED = "identity.removed"
    RIGHTS_CHANGED = "rights.changed"
    ACCESS_REFUSED = "access.refused"
    LIMIT_REACHED = "limit.reached"
    HOLD_CODE_FAILED = "hold.code_failed"
    PHONE_CODE_ASKED = "phone.code_asked"
    PHONE_CODE_FAILED = "phone.code_failed"
    PHONE_VERIFIED = "phone.verified"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REFUSED = "key.refused"
    KEY_ENDED = "key.ended"


HIDDEN = frozenset({"password", "secret", "token", "key", "cookie", "authorization", "session", "link", "otp"})
"""Words in the names of values that are not logged, because they may be secrets."""


PLAIN = re.compile(r"[A-Za-z0-9_.:/@+*-]+", re.ASCII)
"""A value that needs no quotes."""


LONGEST = 200
"""Maximum number of characters per logged value."""


def log_security_event(
    event: str, *, request: HttpRequest | Request | None = None, login: int | None = None, **facts: Any
) -> None:
    """Log a security event at once, even if its transaction is rolled back.

    `login` is the key of the login concerned, None if it does not exist. `request` defaults to the current request, if
    any. The actor is added as `by` unless it is the login itself.
    """
    logger.info(line(event, request=request, login=login, **facts))


def log_security_event_on_commit(
    event: str, *, request: HttpRequest | Request | None = None, login: int | None = None, **facts: Any
) -> None:
    """Log an event that holds only once this transaction is committed: a changed right, a new password."""
    event_line = line(event, request=request, login=login, **facts)
    transaction.on_commit(lambda: logger.info(event_line))


def with_refusals_logged(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that logs each response with status 403.

    It logs the pattern of the URL instead of the URL, which may contain a secret.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 403:
            found = request.resolver_match
            errors = getattr(response, "data", None) or {}
            reason = errors["errors"][0]["code"] if errors.get("errors") else None
            by = login_of(request)
            route = documented_route(found.route) if found else None
            log_security_event(
                SecurityEvent.ACCESS_REFUSED,
                request=request,
                login=by,
                method=request.method,
                route=route,
                reason=reason,
            )
        return response

    return middleware


def line(event: str, *, request: HttpRequest | Request | None, login: int | None, **facts: Any) -> str:
    current = request if request is not None else current_request.get()
    by = login_of(current)
    fields = {
        "face": source_of(plain_request(current)),
        "address": address_of(current),
        "login": login,
        "by": None if by == login else by,
        "key": key_of(current),
        **{name: "(hidden)" if HIDDEN & set(name.lower().split("_")) else value for name, value in facts.items()},
    }
    return " ".join(
        [log_value(event), *(f"{name}={log_value(value)}" for name, value in fields.items() if value is not None)]
    )


def log_value(value: Any) -> str:
    """Return a value for the log: plain, or in quotes with non-ASCII characters escaped."""
    text = ",".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=True)


def address_of(request: HttpRequest | Request | None) -> str | None:
    """Return the client's address, trusting `TRUSTED_PROXIES` proxies. None without a request."""
    if request is None:
        return None
    untyped: Any = request
    return str(BaseThrottle().get_ident(untyped) or "") or None


def login_of(request: HttpRequest | Request | None) -> int | None:
    """Return the key of the logged-in user if it is already known: logging makes no query."""
    actor = current_actor.get()
    if actor is not None and actor.user is not None:
        return int(actor.user.pk)
    return getattr(_known_user(request), "pk", None)


def key_of(request: HttpRequest | Request | None) -> int | None:
    """Return the id of the API key of the request, if a program sent one that works."""
    return getattr(getattr(_known_user(request), "key", None), "pk", None)


def _known_user(request: HttpRequest | Request | None) -> Any:
    of_key = getattr(plain_request(request), "user_of_key", None)
    if of_key is not None:
        return of_key
    user = getattr(plain_request(request), "user", None)
    return getattr(plain_request(request), "_cached_user", None) if isinstance(user, SimpleLazyObject) else user


def plain_request(request: HttpRequest | Request | None) -> HttpRequest | None:
    return request._request if isinstance(request, Request) else request  # noqa: SLF001  (DRF's own way)
