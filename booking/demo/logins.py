"""The demo's logins, and the replacement of their publicly known password."""

from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import User
from accounts.sign_in.sign_ins import end_sign_ins
from booking.demo.people import PASSWORD, PRACTITIONERS, REGISTERED

ADMIN = "admin@example.com"


DESK = "office@example.com"


EMAILS = (ADMIN, DESK, *(person.email for person in (*PRACTITIONERS, *REGISTERED)))


def new_password() -> str:
    """Return a random password without letters that look alike."""
    return get_random_string(16, "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679")


def with_known_password() -> list[User]:
    """Return the demo's logins that still have the password in the source."""
    logins = list(User.objects.filter(email__in=EMAILS))
    known = {encoded: check_password(PASSWORD, encoded) for encoded in {login.password for login in logins}}
    return [login for login in logins if known[login.password]]


def set_demo_password(logins: list[User], password: str) -> None:
    """Set the password of these logins and end their sign-ins."""
    encoded = make_password(password)  # once: it is slow on purpose
    for login in logins:
        login.password = encoded
        login.save(update_fields=["password"])
        end_sign_ins(user=login, now=timezone.now())


def replace_known_password() -> str | None:
    """Give the demo's logins that have the known password a new one. Return it; None if there was none."""
    logins = with_known_password()
    if not logins:
        return None
    password = new_password()
    set_demo_password(logins, password)
    return password
