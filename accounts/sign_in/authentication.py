"""Authentication by session or token: one SQL statement loads the login, its provider, its client and its sign-in.

A session or token whose sign-in has ended does not authenticate.
"""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth import middleware as auth_middleware
from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts.models import Client, Provider, SignIn, User
from accounts.sign_in.sign_ins import SID, is_over, note_use
from scheduler_project.common.db.rows import attributes_of, columns_of, from_row

OF_SIGN_IN = ("id", "kind", "is_staff", "created_at", "last_used_at")


# Every request that is signed in reads this; the ORM takes five times as long: `make bench` (reserve).
LOGIN = f"""
SELECT {columns_of(User, "login")}, {columns_of(Provider, "provider")}, {columns_of(Client, "client")},
    {", ".join(f"sign_in.{name}" for name in OF_SIGN_IN)}
FROM accounts_user login
LEFT JOIN accounts_provider provider ON provider.user_id = login.id
LEFT JOIN accounts_client client ON client.user_id = login.id
LEFT JOIN accounts_signin sign_in ON sign_in.id = %s AND sign_in.user_id = login.id AND sign_in.ended_at IS NULL
WHERE login.id = %s
"""


BEFORE_SIGN_IN = sum(len(attributes_of(model)) for model in (User, Provider, Client))


def find_login(user_id: int, sign_in_id: Any, *, now: datetime) -> User | None:
    """Return a login together with its sign-in (`sign_in`: None if that has ended), or None if there is no such login.

    Return the same as `User.objects` would, at a fifth of the cost.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOGIN, [as_uuid(sign_in_id), user_id])
        row = cursor.fetchone()
    if row is None:
        return None
    user = from_row(User, row, provider=Provider, client=Client)
    if row[BEFORE_SIGN_IN] is not None:
        sign_in = SignIn.from_db(DEFAULT_DB_ALIAS, OF_SIGN_IN, row[BEFORE_SIGN_IN:])
        user.sign_in = None if is_over(sign_in, user=user, now=now) else sign_in
    return user


def as_uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


class SessionMiddleware(auth_middleware.AuthenticationMiddleware):
    """The session middleware of Django, which here also checks the sign-in."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: user_of_session(request))  # type: ignore[assignment]
        request.auser = partial(sync_to_async(user_of_session), request)


def user_of_session(request: HttpRequest) -> User | AnonymousUser:
    """Return the user of the request's session, as `django.contrib.auth.get_user` does."""
    if not hasattr(request, "_cached_user"):
        request._cached_user = _user_of(request)  # type: ignore[attr-defined]  # noqa: SLF001  (Django's own place)
    found: User | AnonymousUser = request._cached_user  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    session = request.session
    if SESSION_KEY not in session:
        return AnonymousUser()
    now = timezone.now()
    user = find_login(int(session[SESSION_KEY]), session.get(SID), now=now)
    known = (
        user is not None
        and user.is_active
        and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )
    if user is None or not known or user.sign_in is None:
        session.flush()
        return AnonymousUser()
    if note_use(user.sign_in, now=now):
        session.modified = True  # who comes daily stays logged in
    return user


class Logins:
    """A replacement for the user model's manager in simplejwt."""

    DoesNotExist = User.DoesNotExist

    def __init__(self, sign_in_id: Any) -> None:
        self.sign_in_id = sign_in_id

    @property
    def objects(self) -> "Logins":
        return self

    def get(self, *, id: Any) -> User:  # noqa: A002  (simplejwt's USER_ID_FIELD)
        user = find_login(int(id), self.sign_in_id, now=timezone.now())
        if user is None:
            raise self.DoesNotExist
        return user


class JWTAuthentication(authentication.JWTAuthentication):
    def get_user(self, validated_token: Token) -> Any:
        self.user_model = Logins(validated_token.get(SID))  # type: ignore[assignment]
        user: Any = super().get_user(validated_token)
        if user.sign_in is None:
            raise AuthenticationFailed(_("You're no longer signed in here. Sign in again."), code="signed_out")
        note_use(user.sign_in, now=timezone.now())
        return user


class JWTScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """The description of the authentication in the API's schema."""

    target_class = "accounts.sign_in.authentication.JWTAuthentication"
