"""The demo's logins, and that nobody from elsewhere finds them with the password everybody knows."""

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
    """A password nobody guesses, without letters that look alike."""
    return get_random_string(16, "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ234679")


def with_known_password() -> list[User]:
    """The demo's logins whose password is the one that everybody can read in the source."""
    logins = list(User.objects.filter(email__in=EMAILS))
    known = {encoded: check_password(PASSWORD, encoded) for encoded in {login.password for login in logins}}
    return [login for login in logins if known[login.password]]


def set_demo_password(logins: list[User], password: str) -> None:
    """Give each of them this password. Whoever is signed in with one of them is so no longer."""
    encoded = make_password(password)  # once: it takes its time
    for login in logins:
        login.password = encoded
        login.save(update_fields=["password"])
        end_sign_ins(user=login, now=timezone.now())


def replace_known_password() -> str | None:
    """Give those of the demo's logins that have the known password a new one, which is returned; None if none has."""
    logins = with_known_password()
    if not logins:
        return None
    password = new_password()
    set_demo_password(logins, password)
    return password
