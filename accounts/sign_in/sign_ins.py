"""Sign-ins: the sessions of browsers and the tokens of programs, and ending them.

A browser's session names its sign-in, and so does each token (`sid`). Each use checks the row
(`accounts/sign_in/authentication.py`), so ending a sign-in takes effect at once.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import SignIn, User
from accounts.sign_in.errors import SignInEnded, TokenNotValid
from scheduler_project.common.audit.log import current_request
from scheduler_project.common.audit.security_log import (
    SecurityEvent,
    address_of,
    log_security_event,
    log_security_event_on_commit,
)
from scheduler_project.common.db.retention import delete_rows
from scheduler_project.common.operations import operation

SID = "sid"
"""The key that names the sign-in in sessions and in the claims of tokens."""


PRECISION = timedelta(minutes=1)
"""Precision of a sign-in's last use: its row is written at most once a minute."""


MOST_PER_LOGIN = 100
"""Maximum number of sign-ins per login; beyond it the least recently used ones are removed."""


KEPT_ENDED = timedelta(days=30)
"""The time for which ended sign-ins stay visible to staff."""


class Origin(NamedTuple):
    """The origin of a sign-in: its network and user agent."""

    address: str | None = None
    user_agent: str = ""

    @classmethod
    def of(cls, request: HttpRequest | Request) -> "Origin":
        """Return the origin of a request, without an invalid address or unprintable characters."""
        agent = "".join(c for c in request.headers.get("User-Agent", "") if c.isprintable())
        try:
            address = str(ipaddress.ip_address(address_of(request) or ""))
        except ValueError:
            address = None
        return cls(address, agent[:300])


class Tokens(TypedDict):
    access: str
    refresh: str


@operation
def start_sign_in(*, user: User, kind: SignIn.Kind, origin: Origin, now: datetime, refresh_id: str = "") -> SignIn:
    """Create a sign-in of a login."""
    sign_in = SignIn.objects.create(
        user=user,
        kind=kind,
        address=origin.address,
        user_agent=origin.user_agent,
        is_staff=user.is_staff,
        refresh_id=refresh_id,
        refreshed_at=now if refresh_id else None,
        created_at=now,
        last_used_at=now,
    )
    latest = SignIn.objects.filter(user=user).order_by(F("ended_at").desc(nulls_first=True), "-last_used_at")
    SignIn.objects.filter(pk__in=latest.values("pk")[MOST_PER_LOGIN:]).delete()
    return sign_in


def sign_in_program(*, user: User, origin: Origin, now: datetime) -> Tokens:
    """Sign a program in and return its first pair of tokens."""
    sign_in = start_sign_in(user=user, kind=SignIn.Kind.PROGRAM, origin=origin, now=now, refresh_id=uuid4().hex)
    return tokens_of(sign_in, user)


def tokens_of(sign_in: SignIn, user: User) -> Tokens:
    """Return the current pair of tokens. Repeated calls return the same refresh token."""
    assert sign_in.refreshed_at
    refresh = RefreshToken.for_user(user)
    refresh[api_settings.JTI_CLAIM] = sign_in.refresh_id
    refresh.set_iat(at_time=sign_in.refreshed_at)
    refresh.set_exp(from_time=sign_in.refreshed_at)
    refresh[SID] = str(sign_in.pk)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def is_over(sign_in: SignIn, *, user: User, now: datetime) -> bool:
    """Return whether a sign-in has ended by age or inactivity, or because its login has become staff since."""
    idle, longest = longest_use(SignIn.Kind(sign_in.kind), user.is_staff)
    return (
        now - sign_in.last_used_at > idle
        or now - sign_in.created_at > longest
        or (user.is_staff and not sign_in.is_staff)
    )


def longest_use(kind: SignIn.Kind, is_staff: bool) -> tuple[timedelta, timedelta]:
    """Return the maximum inactivity and the maximum age of a sign-in."""
    if kind == SignIn.Kind.PROGRAM:
        return settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"], timedelta(days=settings.SIGN_IN_MAX_DAYS)
    if is_staff:
        return timedelta(minutes=settings.STAFF_IDLE_MINUTES), timedelta(hours=settings.STAFF_SESSION_HOURS)
    return timedelta(days=settings.SESSION_DAYS), timedelta(days=settings.SIGN_IN_MAX_DAYS)


def note_use(sign_in: SignIn, *, now: datetime) -> bool:
    """Record that a sign-in is used, at most once a minute. Return whether this is its first use of the day."""
    if now - sign_in.last_used_at < PRECISION:
        return False
    SignIn.objects.filter(pk=sign_in.pk, last_used_at__lte=now - PRECISION).update(last_used_at=now)
    return sign_in.last_used_at.date() != now.date()


def acting_sign_in(user: User) -> SignIn | None:
    """Return the current sign-in if the login changes itself, else None."""
    requester = getattr(current_request.get(), "user", None)
    return (
        requester.sign_in if isinstance(requester, User) and requester.is_active and requester.pk == user.pk else None
    )


def live_sign_ins(user: User, *, now: datetime) -> list[SignIn]:
    """Return the live sign-ins of a login, the latest used first."""
    rows = SignIn.objects.live().filter(user=user).order_by("-last_used_at", "pk")
    return [row for row in rows if not is_over(row, user=user, now=now)]


def renew(*, refresh: str, now: datetime) -> Tokens:
    """Exchange a refresh token for a new pair, once.

    A token that was exchanged before is known to two parties, one of them a thief: its sign-in ends for both (RFC 9700
    §4.14.2). Only within REFRESH_GRACE_SECONDS the same refresh token is returned again, for a program whose response
    was lost. Raises TokenNotValid, also if the sign-in has ended, or if its login is deleted, inactive or has a new
    password.
    """
    tokens = _swap(verified(refresh), now)
    if tokens is None:  # not raised within, which would roll back the end of the sign-in
        raise TokenNotValid
    return tokens


@operation
def _swap(token: RefreshToken, now: datetime) -> Tokens | None:
    locked = SignIn.objects.live().select_for_update(of=("self",), no_key=True)
    sign_in = locked.filter(pk__in=_named_by(token), kind=SignIn.Kind.PROGRAM).first()
    if sign_in is None or token.get(api_settings.USER_ID_CLAIM) != str(sign_in.user_id):
        return None
    user = User.objects.get(pk=sign_in.user_id)
    if not user.is_active or is_over(sign_in, user=user, now=now):
        return None
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        return None
    jti = token[api_settings.JTI_CLAIM]
    if jti == sign_in.refresh_id:
        rotate(sign_in, now=now)
        return tokens_of(sign_in, user)
    assert sign_in.refreshed_at
    grace = timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    if jti == sign_in.former_refresh_id and now - sign_in.refreshed_at < grace:
        return tokens_of(sign_in, user)
    end_sign_in(sign_in.pk, now=now)
    log_security_event(SecurityEvent.TOKEN_REUSED, login=user.pk, sign_in=sign_in.pk)
    return None


def rotate(sign_in: SignIn, *, now: datetime) -> None:
    """Make another refresh token the current one. The caller holds the row's lock, or has the only token."""
    sign_in.former_refresh_id, sign_in.refresh_id = sign_in.refresh_id, uuid4().hex
    sign_in.refreshed_at = sign_in.last_used_at = now
    sign_in.save(update_fields=["former_refresh_id", "refresh_id", "refreshed_at", "last_used_at"])


@operation
def fresh_tokens(*, user: User, acting: SignIn | None, origin: Origin, now: datetime) -> Tokens:
    """Return a pair of tokens after a new password: for the current sign-in, or a new one for a browser."""
    locked = SignIn.objects.live().select_for_update(of=("self",), no_key=True)
    sign_in = locked.filter(pk=acting.pk, kind=SignIn.Kind.PROGRAM).first() if acting else None
    if sign_in is None:
        return sign_in_program(user=user, origin=origin, now=now)
    rotate(sign_in, now=now)
    return tokens_of(sign_in, user)


def verified(refresh: str) -> RefreshToken:
    """Return the refresh token parsed from this text. Raises TokenNotValid if it is expired or forged."""
    try:
        return RefreshToken(refresh)  # type: ignore[arg-type]  # the stubless package takes the text
    except TokenError:
        raise TokenNotValid(field="refresh") from None


def _named_by(token: RefreshToken) -> list[UUID]:
    """Return the sign-in of a token; None for a token issued before there were sign-ins."""
    try:
        return [UUID(str(token.get(SID)))]
    except ValueError:
        return []


@operation
def log_out(*, user: User, refresh: str = "", now: datetime) -> None:
    """End the current sign-in, and that of the given refresh token, if any.

    Raises TokenNotValid if that is another login's, or has ended.
    """
    if refresh:
        theirs = SignIn.objects.live().filter(user=user, pk__in=_named_by(verified(refresh)))
        if not theirs.order_by().update(ended_at=now):
            raise TokenNotValid(field="refresh")
    if user.sign_in is not None:
        end_sign_in(user.sign_in.pk, now=now)


def end_sign_in(sign_in_id: UUID | str, *, now: datetime) -> None:
    """End one sign-in. Repeating it changes nothing."""
    SignIn.objects.live().filter(pk=sign_in_id).order_by().update(ended_at=now)


@operation
def end_one_of(*, user: User, sign_in_id: UUID, now: datetime) -> None:
    """End one sign-in of a login. Raises SignInEnded if it is another login's, or has ended."""
    if not SignIn.objects.live().filter(user=user, pk=sign_in_id).order_by().update(ended_at=now):
        raise SignInEnded
    log_security_event_on_commit(SecurityEvent.SIGN_INS_ENDED, login=user.pk, sign_in=sign_in_id)


@operation
def end_sign_ins(*, user: User, keep: SignIn | None = None, now: datetime) -> int:
    """End every session and every token of a login at once, except those of the sign-in `keep`.

    The current one is `request.user.sign_in`. Return how many ended.
    """
    others = SignIn.objects.live().filter(user=user)
    if keep is not None:
        others = others.exclude(pk=keep.pk)
    count = others.order_by().update(ended_at=now)
    if count:
        log_security_event_on_commit(SecurityEvent.SIGN_INS_ENDED, login=user.pk, count=count)
    return count


def purge_sign_ins(now: datetime) -> int:
    """Delete sign-ins that ended a while ago, for any reason. Return how many."""
    before = now - KEPT_ENDED
    idle = {kind: longest_use(kind, is_staff=False)[0] for kind in SignIn.Kind}
    over = Q(ended_at__lt=before) | Q(created_at__lt=before - timedelta(days=settings.SIGN_IN_MAX_DAYS))
    for kind, rest in idle.items():
        over |= Q(kind=kind, last_used_at__lt=before - rest)
    rows: QuerySet[Any] = SignIn.objects.filter(over)
    return delete_rows(rows)
