"""Limits on guessing passwords and codes, which slow down the guesser and not the owner.

Failures are counted per login and network. A browser that has logged in before has its own count, and failures of
others slow down neither it nor a network the login has signed in from. All other networks also share one count per
login, so many networks get no further than one. No login is locked out: each failure doubles the wait until the next
try, up to a ceiling, and an hour without a failure clears the count.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings

from accounts.models import SignIn, User
from accounts.sign_in.devices import Device
from accounts.sign_in.errors import NoActiveAccount, TooManyGuesses, WrongCode, WrongPassword
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.throttling import Slowdown, forget, network, slow_down, subject_key, uncount

NOWHERE = Device()


BY_ONE = Slowdown(free=5, first=2, longest=300)
"""The limit for one network or one browser: about 20 tries in the first hour, then 12 per hour."""


class Guess(StrEnum):
    """The kinds of secrets. Passwords and codes are counted apart: a user who tries codes already has the password."""

    PASSWORD = "password"  # noqa: S105
    CODE = "code"


BY_ALL = {
    Guess.PASSWORD: Slowdown(free=20, first=1, longest=120),
    Guess.CODE: Slowdown(free=10, first=2, longest=600),
}
"""The limit for all networks together that the login never signed in from.

About 55 passwords in the first hour, then 30 per hour.
"""


@contextmanager
def guess(
    what: Guess, *, email: str, device: Device = NOWHERE, failure: SecurityEvent = SecurityEvent.LOGIN_FAILED
) -> Iterator[None]:
    """Allow one check of a password or code in the `with` block. Raises TooManyGuesses if the caller must wait.

    NoActiveAccount, WrongPassword or WrongCode raised in the block counts as a failure. An unknown email is handled
    exactly like a known one. Use it outside of a transaction: a rollback would lose the count.
    """
    email = User.objects.normalize_email(email)
    user = User.objects.filter(email=email).first()
    counted = _count(what, email, user, device) if settings.THROTTLE else []
    try:
        yield
    except (NoActiveAccount, WrongPassword, WrongCode) as error:
        log_security_event(failure, login=user.pk if user else None, reason=_reason(error, user))
        raise
    except BaseException:
        _uncount_all(counted)
        raise
    _succeed(counted)


def _count(what: Guess, email: str, user: User | None, device: Device) -> list[str]:
    """Count one more guess before it is made, so that parallel guesses count too. Return the keys of the counts."""
    now = time.time()
    browser = device.browser_of(user) if user else None
    familiar = device.network in _networks(email)
    whose = f"browser:{browser}" if browser else f"network:{device.network}"
    keys = [f"guess:{what}:{subject_key(f'{email} {whose}')}"]
    wait = slow_down(keys[0], BY_ONE, now)
    if wait is None and browser is None and not familiar:
        keys.append(f"guess:{what}:{subject_key(email)}")
        wait = slow_down(keys[1], BY_ALL[what], now)
        if wait is not None:
            uncount(keys[0])
    if wait is not None:
        seconds = math.ceil(wait)
        log_security_event(SecurityEvent.LOGIN_SLOWED, login=user.pk if user else None, seconds=seconds)
        raise TooManyGuesses(retry_after=seconds)
    return keys


def _networks(email: str) -> set[str]:
    """Return the networks the login has signed in from."""
    rows = SignIn.objects.filter(user__email=email).order_by("-last_used_at").values_list("address", flat=True)
    return {network(address) for address in rows[:100] if address}


def _succeed(counted: list[str]) -> None:
    """Clear the failures of this browser or network, but not those of others, which may go on guessing."""
    if counted:
        forget(counted[0])
        _uncount_all(counted[1:])


def _uncount_all(counted: list[str]) -> None:
    for key in counted:
        uncount(key)


def _reason(error: Exception, user: User | None) -> str:
    if isinstance(error, WrongCode):
        return "wrong_code"
    if user is None:
        return "no_account"
    return "wrong_password" if user.is_active else "inactive"


def check_password(*, user: User, password: str, device: Device = NOWHERE) -> None:
    """Check the password of a logged-in user. Raises WrongPassword and TooManyGuesses."""
    with guess(Guess.PASSWORD, email=user.email, device=device, failure=SecurityEvent.REAUTHENTICATION_FAILED):
        if not user.check_password(password):
            raise WrongPassword
    log_security_event(SecurityEvent.REAUTHENTICATION_SUCCEEDED, login=user.pk)
