"""Identities of the OpenID Connect issuer, and the logins they belong to.

An identity is known by its issuer and its subject. Only the first time does its email say which login it belongs to,
and only if the issuer has verified it: whoever can write any email into their account elsewhere gets no login here.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string

from accounts.mails.notices import silent
from accounts.models import User
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import (
    AccountInactive,
    IdentityNotValid,
    IdentityTaken,
    IdentityUnverified,
    StaffByPassword,
)
from accounts.sign_in.guesses import NOWHERE
from accounts.sign_in.mailboxes import end_password
from accounts.sign_in.operations import check_second_factor
from accounts.sign_in.registration import Role, register
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import operation
from scheduler_project.common.validators import composed, has_link, one_line, public_email

LONGEST_NAME = 150
LONGEST_EMAIL = 254
NEWEST_SECONDS = 600
"""Maximum age of an ID token that a program brings."""


class Identity(NamedTuple):
    """A person as the issuer describes them. Without a verified email, `email` is empty."""

    issuer: str
    subject: str
    email: str
    name: str

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> "Identity":
        """Return the identity of verified claims. Some issuers write the boolean as a text."""
        is_verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
        email = composed(User.objects.normalize_email(str(claims.get("email") or ""))) if is_verified else ""
        return cls(claims["iss"], claims["sub"], email, _name(claims, email))


def _name(claims: Mapping[str, Any], email: str) -> str:
    """Return a name that a person may have here: that of the claims, else the first part of the email."""
    parts = (str(claims.get(part) or "") for part in ("given_name", "family_name"))
    for text in (str(claims.get("name") or ""), " ".join(parts), email.partition("@")[0]):
        name = composed(" ".join(text.split()))[:LONGEST_NAME].strip()
        try:
            one_line(name)
        except ValidationError:
            continue
        if not has_link(name):
            return name
    return "?"


def log_in_by_identity(
    identity: Identity, *, code: str = "", device: Device = NOWHERE, timezone: str = "UTC", now: datetime
) -> User:
    """Return the login of an identity, and log that it logged in. For programs; pages ask for the code on a page.

    Raises what `login_of` raises; SecondFactorRequired, WrongCode and TooManyGuesses as `log_in` does.
    """
    user = login_of(identity, timezone=timezone, now=now)
    needs_code = is_mfa_enabled(user) and not settings.OIDC_SECOND_FACTOR
    if needs_code:
        check_second_factor(user, code, device)
    user.last_login = now
    user.save(update_fields=["last_login"])
    log_security_event(
        SecurityEvent.LOGIN_SUCCEEDED, login=user.pk, method="second_factor" if needs_code else "identity"
    )
    return user


def login_of(identity: Identity, *, timezone: str, language: str = "", now: datetime) -> User:
    """Return the login that an identity belongs to: the one it joined, else that of its email, else a new client's.

    Raises IdentityUnverified, IdentityTaken, StaffByPassword, AccountInactive.
    """
    try:
        return _login_of(identity, timezone, language, now)
    except DomainError as error:
        log_security_event(SecurityEvent.LOGIN_FAILED, reason=error.code)
        raise


@operation
def _login_of(identity: Identity, timezone: str, language: str, now: datetime) -> User:
    joined = SocialAccount.objects.filter(provider=identity.issuer, uid=identity.subject).first()
    if joined is None and not _is_usable(identity.email):
        raise IdentityUnverified
    locked = User.objects.select_for_update(of=("self",), no_key=True)
    user = locked.filter(pk=joined.user_id).first() if joined else locked.filter(email=identity.email).first()
    if user is None:
        return _register(identity, timezone, language, now)
    if not user.is_active:
        raise AccountInactive
    if (user.is_staff or user.is_superuser) and not settings.OIDC_STAFF:
        raise StaffByPassword
    if joined is None:
        _join(user, identity)
    return user


def _is_usable(email: str) -> bool:
    try:
        public_email(email)
    except ValidationError:
        return False
    return 0 < len(email) <= LONGEST_EMAIL


def _join(user: User, identity: Identity) -> None:
    """Let an identity log in to the login with its email. The caller holds the login's lock.

    If nobody has proved the mailbox here yet, the issuer has now: what was set up before ends, the password included,
    because whoever did it may be somebody else.
    """
    address, _created = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
    if not address.verified:
        address.set_verified()
        with silent():
            end_password(user)
    other = SocialAccount.objects.filter(user=user, provider=identity.issuer).first()
    if other is not None and other.uid != identity.subject:
        raise IdentityTaken
    if other is not None:
        return  # Another request was faster.
    SocialAccount.objects.create(user=user, provider=identity.issuer, uid=identity.subject)


def _register(identity: Identity, timezone: str, language: str, now: datetime) -> User:
    """Register a client. Their random password counts as one, so that a mailed link can set another."""
    user = register(
        name=identity.name,
        email=identity.email,
        password=get_random_string(64),
        timezone=timezone,
        role=Role.CLIENT,
        language=language,
        now=now,
    )
    with silent():
        EmailAddress.objects.get(user=user, email=user.email).set_verified()
        SocialAccount.objects.create(user=user, provider=identity.issuer, uid=identity.subject)
    return user


@operation
def remove_identity(*, user_id: int) -> None:
    """Take from a login what lets an identity log in to it. Repeating it changes nothing.

    As long as its email is the same, the identity may join it again.
    """
    SocialAccount.objects.filter(user=user_id).delete()


def spend(token: str) -> None:
    """Mark an ID token as used. Raises IdentityNotValid if it was used before: it is a log-in, and works once."""
    name = hashlib.sha256(token.encode()).hexdigest()
    if not cache.add(f"identity:{name}", True, timeout=2 * NEWEST_SECONDS):
        raise IdentityNotValid


def check_new(claims: Mapping[str, Any], *, now: datetime) -> None:
    """Raise IdentityNotValid for claims older than what is remembered of used tokens."""
    if now.timestamp() - float(claims["iat"]) > NEWEST_SECONDS:
        raise IdentityNotValid
