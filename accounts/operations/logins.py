"""Logging in and out, and passwords."""

from datetime import datetime
from typing import Any, TypedDict

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.utils.http import urlsafe_base64_decode
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.devices import Device
from accounts.errors import (
    LinkNotValid,
    NoActiveAccount,
    SecondFactorRequired,
    TokenNotValid,
    WrongCode,
    WrongPassword,
)
from accounts.models import User
from accounts.operations.guesses import NOWHERE, Guess, check_password, guess
from scheduler_project.common.operations import operation
from scheduler_project.common.security_log import (
    SecurityEvent,
    log_security_event,
    log_security_event_on_commit,
)


class Tokens(TypedDict):
    access: str
    refresh: str


def tokens_for(user: User) -> Tokens:
    """A fresh pair. Both end with the password they were given for."""
    refresh = RefreshToken.for_user(user)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def log_in(*, email: str, password: str, code: str = "", device: Device = NOWHERE, now: datetime) -> User:
    """Whose email and password these are. Raises NoActiveAccount, after the same time for an email nobody has.

    Who has set up a second factor needs a code too, of their app or a recovery code: raises SecondFactorRequired
    without one and WrongCode. A code works once. Raises TooManyGuesses to whoever has to wait.
    """
    user = with_password(email=email, password=password, device=device)
    if is_mfa_enabled(user):
        check_second_factor(user, code, device)
    user.last_login = now
    user.save(update_fields=["last_login"])
    method = "second_factor" if code and is_mfa_enabled(user) else "password"
    log_security_event(SecurityEvent.LOGIN_SUCCEEDED, login=user.pk, method=method)
    return user


def with_password(*, email: str, password: str, device: Device = NOWHERE) -> User:
    """The active login with this email and password. Raises NoActiveAccount and TooManyGuesses."""
    with guess(Guess.PASSWORD, email=email, device=device):
        user = authenticate(email=email, password=password)
        if not isinstance(user, User):
            raise NoActiveAccount
    return user


def check_second_factor(user: User, code: str, device: Device = NOWHERE) -> None:
    """Raises SecondFactorRequired, WrongCode and TooManyGuesses."""
    if not code:
        raise SecondFactorRequired(field="code")
    with guess(Guess.CODE, email=user.email, device=device):
        if not any(row.wrap().validate_code(code) for row in Authenticator.objects.filter(user=user)):
            raise WrongCode(field="code")


@operation
def renew(*, refresh: str) -> Tokens:
    """Swap a refresh token for a fresh pair, once.

    Raises TokenNotValid for one that is used, expired or blacklisted, or whose user is gone, inactive or has another
    password now.
    """
    token = verified(refresh)
    user = User.objects.filter(pk=token.get(api_settings.USER_ID_CLAIM), is_active=True).first()
    if user is None or token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise TokenNotValid
    blacklist(token)
    return tokens_for(user)


@operation
def log_out(*, refresh: str, user: User) -> None:
    """End a refresh token of this user. Raises TokenNotValid, also for somebody else's."""
    token = verified(refresh)
    if token.get(api_settings.USER_ID_CLAIM) != str(user.pk):
        raise TokenNotValid(field="refresh")
    blacklist(token)


@operation
def end_tokens(*, user_id: int) -> None:
    """End every refresh token of a login: those given before a second factor was asked for do without it."""
    tokens = OutstandingToken.objects.filter(user=user_id, blacklistedtoken=None)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token) for token in tokens], ignore_conflicts=True)


def verified(refresh: str) -> RefreshToken:
    try:
        return RefreshToken(refresh)  # type: ignore[arg-type]  # the stubless package takes the text
    except TokenError:
        raise TokenNotValid(field="refresh") from None


def blacklist(token: RefreshToken) -> None:
    """End a token. Of two who do so at once, the second gets TokenNotValid."""
    answer: Any = token.blacklist()  # what get_or_create answers, whatever is declared
    if not answer[1]:
        raise TokenNotValid(field="refresh")


def change_password(*, user_id: int, current_password: str, new_password: str, device: Device = NOWHERE) -> User:
    """Set a validated new password; every token given for the old one ends. Raises WrongPassword, TooManyGuesses."""
    user = User.objects.get(pk=user_id)
    try:
        check_password(user=user, password=current_password, device=device)
    except WrongPassword:
        raise WrongPassword(field="current_password") from None
    return _change_password(user, new_password)


@operation
def _change_password(user: User, new_password: str) -> User:
    """Raises WrongPassword where somebody else has just changed it."""
    locked = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if locked.password != user.password:
        raise WrongPassword(field="current_password")
    return set_password(locked, new_password)


@operation
def reset_password(*, uid: str, token: str, new_password: str) -> User:
    """Set a validated new password with what the mailed link carries, which works once. Raises LinkNotValid."""
    locked = User.objects.select_for_update(of=("self",), no_key=True)
    return set_by_link(owner_of_link(uid=uid, token=token, among=locked), new_password)


@operation
def set_by_link(user: User, new_password: str) -> User:
    """Set a validated new password for whoever opened the mailed link, which proves that the mailbox is theirs.

    For the first time: then all ends that was made before (`mailboxes.prove`). Later: sign-ins and tokens end with the
    password, calendar feeds and webhooks do not, for their owner made them.
    """
    set_password(user, new_password)
    address, _created = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
    address.set_verified()
    return user


def owner_of_link(*, uid: str, token: str, among: QuerySet[User] | None = None) -> User:
    """Whose link it is. Raises LinkNotValid for one that is made up, expired, used or older than the last login."""
    users = User.objects.all() if among is None else among
    try:
        user = users.filter(pk=int(urlsafe_base64_decode(uid)), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        log_security_event(SecurityEvent.PASSWORD_RESET_FAILED, login=user.pk if user else None)
        raise LinkNotValid
    return user


def set_password(user: User, password: str) -> User:
    user.set_password(password)
    user.save(update_fields=["password"])
    forget_new_email(user)
    return user


@operation
def ask_new_email(*, user_id: int, email: str) -> EmailAddress:
    """Let another email wait beside that of the login, instead of any that waited before, until it is verified.

    Asked for again it is the same row, so that links already mailed go on working.
    """
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    EmailAddress.objects.filter(user=user_id, primary=False).exclude(email=email).delete()
    address, _created = EmailAddress.objects.get_or_create(user_id=user_id, email=email)
    log_security_event_on_commit(SecurityEvent.EMAIL_CHANGE_ASKED, login=user_id)
    return address


def forget_new_email(user: User) -> None:
    """Let no link to confirm another email outlive the password it was asked for with."""
    EmailAddress.objects.filter(user=user, primary=False).delete()
