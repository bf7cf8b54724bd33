"""Sign-ins: each place where a login is signed in, the tokens of programs, and ending all that.

A browser's session names its sign-in, and so does each token (`sid`). Both are checked against the row whenever they
are used (`accounts/authentication.py`), so what is ended here ends at once.
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

from accounts.errors import SignInEnded, TokenNotValid
from accounts.models import SignIn, User
from scheduler_project.common.operations import operation
from scheduler_project.common.retention import forgotten
from scheduler_project.common.security_log import (
    SecurityEvent,
    address_of,
    log_security_event,
    log_security_event_on_commit,
)

SID = "sid"
"""The claim of tokens, and the key in sessions, that names the sign-in."""

PRECISION = timedelta(minutes=1)
"""How exactly it is known when a sign-in was last used: its row is written once a minute at most."""

MOST_PER_LOGIN = 100
"""Beyond these, the sign-ins of a login that were not used for longest go."""

KEPT_ENDED = timedelta(days=30)
"""How long staff can see that a sign-in was there, once it ended."""


class Origin(NamedTuple):
    """Where somebody signs in from."""

    address: str | None = None
    user_agent: str = ""

    @classmethod
    def of(cls, request: HttpRequest | Request) -> "Origin":
        """That of a request. What is no address, or cannot be printed, is left out."""
        agent = "".join(c for c in request.headers.get("User-Agent", "") if c.isprintable())
        try:
            address = str(ipaddress.ip_address(address_of(request) or ""))
        except ValueError:
            address = None
        return cls(address, agent[:300])


class Tokens(TypedDict):
    access: str
    refresh: str


# --- Starting ---------------------------------------------------------------------------------------------------------


@operation
def start_sign_in(*, user: User, kind: SignIn.Kind, origin: Origin, now: datetime, refresh_id: str = "") -> SignIn:
    """Note that a login is signed in at one more place."""
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
    """Sign a program in: a first pair of tokens."""
    sign_in = start_sign_in(user=user, kind=SignIn.Kind.PROGRAM, origin=origin, now=now, refresh_id=uuid4().hex)
    return tokens_of(sign_in, user)


def tokens_of(sign_in: SignIn, user: User) -> Tokens:
    """The pair of tokens that works now. The refresh token is the same however often it is asked for."""
    assert sign_in.refreshed_at
    refresh = RefreshToken.for_user(user)
    refresh[api_settings.JTI_CLAIM] = sign_in.refresh_id
    refresh.set_iat(at_time=sign_in.refreshed_at)
    refresh.set_exp(from_time=sign_in.refreshed_at)
    refresh[SID] = str(sign_in.pk)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


# --- Using ------------------------------------------------------------------------------------------------------------


def is_over(sign_in: SignIn, *, user: User, now: datetime) -> bool:
    """Whether a sign-in has ended by its age, or by resting too long, or because its login has become staff since."""
    idle, longest = limits(SignIn.Kind(sign_in.kind), user.is_staff)
    return (
        now - sign_in.last_used_at > idle
        or now - sign_in.created_at > longest
        or (user.is_staff and not sign_in.is_staff)
    )


def limits(kind: SignIn.Kind, is_staff: bool) -> tuple[timedelta, timedelta]:
    """How long a sign-in may rest, and how long it lasts at most."""
    if kind == SignIn.Kind.PROGRAM:
        return settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"], timedelta(days=settings.SIGN_IN_MAX_DAYS)
    if is_staff:
        return timedelta(minutes=settings.STAFF_IDLE_MINUTES), timedelta(hours=settings.STAFF_SESSION_HOURS)
    return timedelta(days=settings.SESSION_DAYS), timedelta(days=settings.SIGN_IN_MAX_DAYS)


def note_use(sign_in: SignIn, *, now: datetime) -> bool:
    """Remember that a sign-in is used, once a minute at most. Returns whether it is the first time that day."""
    if now - sign_in.last_used_at < PRECISION:
        return False
    SignIn.objects.filter(pk=sign_in.pk, last_used_at__lte=now - PRECISION).update(last_used_at=now)
    return sign_in.last_used_at.date() != now.date()


def live_sign_ins(user: User, *, now: datetime) -> list[SignIn]:
    """Where a login is signed in, the latest used first."""
    rows = SignIn.objects.live().filter(user=user).order_by("-last_used_at", "pk")
    return [row for row in rows if not is_over(row, user=user, now=now)]


# --- Swapping a refresh token -----------------------------------------------------------------------------------------


def renew(*, refresh: str, now: datetime) -> Tokens:
    """Swap a refresh token for a fresh pair, once.

    One that was swapped before tells that two have it, of whom one is a thief: its sign-in ends, for both (RFC 9700
    §4.14.2). Only within REFRESH_GRACE_SECONDS it answers the same refresh token again, for a client whose answer was
    lost. Raises TokenNotValid, also where the sign-in has ended, or its login is gone, inactive or has a new password.
    """
    tokens = _swap(verified(refresh), now)
    if tokens is None:  # not raised within, which would undo that the sign-in ends
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
    """Let another refresh token be the one that works. The caller holds the row's lock, or has the only token."""
    sign_in.former_refresh_id, sign_in.refresh_id = sign_in.refresh_id, uuid4().hex
    sign_in.refreshed_at = sign_in.last_used_at = now
    sign_in.save(update_fields=["former_refresh_id", "refresh_id", "refreshed_at", "last_used_at"])


@operation
def fresh_tokens(*, user: User, acting: SignIn | None, origin: Origin, now: datetime) -> Tokens:
    """A pair of tokens for a login that has a new password: of the sign-in it acts by, or a new one for a browser."""
    locked = SignIn.objects.live().select_for_update(of=("self",), no_key=True)
    sign_in = locked.filter(pk=acting.pk, kind=SignIn.Kind.PROGRAM).first() if acting else None
    if sign_in is None:
        return sign_in_program(user=user, origin=origin, now=now)
    rotate(sign_in, now=now)
    return tokens_of(sign_in, user)


def verified(refresh: str) -> RefreshToken:
    """The refresh token this text is. Raises TokenNotValid for one that is expired, or not of our making."""
    try:
        return RefreshToken(refresh)  # type: ignore[arg-type]  # the stubless package takes the text
    except TokenError:
        raise TokenNotValid(field="refresh") from None


def _named_by(token: RefreshToken) -> list[UUID]:
    """The sign-in a token belongs to; none for one from before there were any."""
    try:
        return [UUID(str(token.get(SID)))]
    except ValueError:
        return []


# --- Ending -----------------------------------------------------------------------------------------------------------


@operation
def log_out(*, user: User, refresh: str = "", now: datetime) -> None:
    """End the sign-in a login acts by, and that of its refresh token, if one is given.

    Raises TokenNotValid where that is somebody else's, or has ended.
    """
    if refresh:
        theirs = SignIn.objects.live().filter(user=user, pk__in=_named_by(verified(refresh)))
        if not theirs.order_by().update(ended_at=now):
            raise TokenNotValid(field="refresh")
    if user.sign_in is not None:
        end_sign_in(user.sign_in.pk, now=now)


def end_sign_in(sign_in_id: UUID | str, *, now: datetime) -> None:
    """End one sign-in. Ending it again changes nothing."""
    SignIn.objects.live().filter(pk=sign_in_id).order_by().update(ended_at=now)


@operation
def end_one_of(*, user: User, sign_in_id: UUID, now: datetime) -> None:
    """End one sign-in of a login. Raises SignInEnded for one that is somebody else's, or has ended."""
    if not SignIn.objects.live().filter(user=user, pk=sign_in_id).order_by().update(ended_at=now):
        raise SignInEnded
    log_security_event_on_commit(SecurityEvent.SIGN_INS_ENDED, login=user.pk, sign_in=sign_in_id)


@operation
def end_sign_ins(*, user: User, keep: SignIn | None = None, now: datetime) -> int:
    """End every page session and every token of a login at once, but those of the sign-in to `keep`.

    A request's own is `request.user.sign_in`. Returns how many ended.
    """
    others = SignIn.objects.live().filter(user=user)
    if keep is not None:
        others = others.exclude(pk=keep.pk)
    count = others.order_by().update(ended_at=now)
    if count:
        log_security_event_on_commit(SecurityEvent.SIGN_INS_ENDED, login=user.pk, count=count)
    return count


def forget_sign_ins(now: datetime) -> int:
    """Delete those that ended a while ago, by whatever. Returns how many."""
    before = now - KEPT_ENDED
    idle = {kind: limits(kind, is_staff=False)[0] for kind in SignIn.Kind}
    over = Q(ended_at__lt=before) | Q(created_at__lt=before - timedelta(days=settings.SIGN_IN_MAX_DAYS))
    for kind, rest in idle.items():
        over |= Q(kind=kind, last_used_at__lt=before - rest)
    rows: QuerySet[Any] = SignIn.objects.filter(over)
    return forgotten(rows)
