"""Operations to log in, and on passwords."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.utils.http import urlsafe_base64_decode

from accounts.models import User
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import LinkNotValid, NoActiveAccount, SecondFactorRequired, WrongCode, WrongPassword
from accounts.sign_in.guesses import NOWHERE, Guess, check_password, guess
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event, log_security_event_on_commit
from scheduler_project.common.operations import operation


def log_in(*, email: str, password: str, code: str = "", device: Device = NOWHERE, now: datetime) -> User:
    """Return the login with this email and password. Raises NoActiveAccount, after the same time for an unknown email.

    A login with a second factor also needs a code, from the authenticator app or a recovery code: raises
    SecondFactorRequired without one, and WrongCode. A code works once. Raises TooManyGuesses if the caller must wait.
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
    """Return the active login with this email and password. Raises NoActiveAccount and TooManyGuesses."""
    with guess(Guess.PASSWORD, email=email, device=device):
        user = authenticate(email=email, password=password)
        if not isinstance(user, User):
            raise NoActiveAccount
    return user


def check_second_factor(user: User, code: str, device: Device = NOWHERE) -> None:
    """Check the code of a login with a second factor. Raises SecondFactorRequired, WrongCode and TooManyGuesses."""
    if not code:
        raise SecondFactorRequired(field="code")
    with guess(Guess.CODE, email=user.email, device=device):
        if not any(row.wrap().validate_code(code) for row in Authenticator.objects.filter(user=user)):
            raise WrongCode(field="code")


def change_password(*, user_id: int, current_password: str, new_password: str, device: Device = NOWHERE) -> User:
    """Set a validated new password; all tokens issued before end. Raises WrongPassword, TooManyGuesses."""
    user = User.objects.get(pk=user_id)
    try:
        check_password(user=user, password=current_password, device=device)
    except WrongPassword:
        raise WrongPassword(field="current_password") from None
    return _change_password(user, new_password)


@operation
def _change_password(user: User, new_password: str) -> User:
    """Set the password. Raises WrongPassword if it was changed in the meantime."""
    locked = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if locked.password != user.password:
        raise WrongPassword(field="current_password")
    return set_password(locked, new_password)


@operation
def reset_password(*, uid: str, token: str, new_password: str) -> User:
    """Set a validated new password with the values of the mailed link, which works once. Raises LinkNotValid."""
    locked = User.objects.select_for_update(of=("self",), no_key=True)
    return set_by_link(owner_of_link(uid=uid, token=token, among=locked), new_password)


@operation
def set_by_link(user: User, new_password: str) -> User:
    """Set a validated new password by the mailed link, which proves the ownership of the mailbox.

    The first proof ends everything made before it (`mailboxes.prove`). Later ones end sign-ins and tokens with the
    password; calendar feeds and webhooks stay, because the owner made them.
    """
    set_password(user, new_password)
    address, _created = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
    address.set_verified()
    return user


def owner_of_link(*, uid: str, token: str, among: QuerySet[User] | None = None) -> User:
    """Return the owner of a link. Raises LinkNotValid if it is forged, expired, used or older than the last login."""
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
    drop_new_email(user)
    return user


@operation
def ask_new_email(*, user_id: int, email: str) -> EmailAddress:
    """Store another email beside that of the login until it is verified, in place of an earlier one.

    Repeating the request keeps the row, so that links already mailed keep working.
    """
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    EmailAddress.objects.filter(user=user_id, primary=False).exclude(email=email).delete()
    address, _created = EmailAddress.objects.get_or_create(user_id=user_id, email=email)
    log_security_event_on_commit(SecurityEvent.EMAIL_CHANGE_ASKED, login=user_id)
    return address


def drop_new_email(user: User) -> None:
    """Delete an unverified new email with the password it was requested with, so that its links stop working."""
    EmailAddress.objects.filter(user=user, primary=False).delete()
