"""Rate limits on passwords (R18, R19)."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from scheduler_project.common.models import Tally
from tests.conftest import logged_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_a_day(throttle):
    """Three a day, so that no window ends during a test, except at midnight."""
    throttle.update(login="3/d", register="3/d")


def login(api, email, ip="192.0.2.1", password="wrong"):
    return api.post("/api/login", {"email": email, "password": password}, REMOTE_ADDR=ip)


def test_login_is_limited_per_address(api):
    answers = [login(api, f"user{number}@example.org").status_code for number in range(4)]

    assert answers == [401, 401, 401, 429]
    assert login(api, "user9@example.org", ip="192.0.2.2").status_code == 401


def test_login_leaves_no_email_in_what_is_counted(api, booker):
    login(api, booker.user.email)

    keys = Tally.objects.values_list("key", flat=True)
    assert len(keys) == 3
    assert not any(booker.user.email in key for key in keys)


def test_reset_is_limited_per_email(api):
    answers = [
        api.post("/api/password/reset", {"email": "a@example.org"}, REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number in range(4)
    ]

    assert answers == [202, 202, 202, 429]


@pytest.mark.parametrize("path", ["register", "password/reset/confirm", "password/reset", "login"])
def test_path_is_limited_per_address(api, path):
    answers = [api.post(f"/api/{path}", {}).status_code for _ in range(4)]

    assert answers == [400, 400, 400, 429]


def test_password_change_is_limited_per_user(booker):
    api = logged_in(booker.user)
    body = {"current_password": "wrong", "new_password": "microseconds-of-rope"}
    answers = [
        api.post("/api/password/change", body, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(4)
    ]

    assert answers == [400, 400, 400, 429]


@pytest.mark.parametrize(
    "path", ["password/change", "reauthenticate", "2fa/authenticate", "2fa/reauthenticate", "delete"]
)
def test_page_that_asks_for_a_password_or_code_is_limited_per_user(client, booker, path):
    client.force_login(booker.user)
    answers = [client.post(f"/account/{path}/", {}, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(4)]

    assert answers[3:] == [429]
    assert 429 not in answers[:3]


def test_code_at_log_in_is_limited_per_address(api, client, booker):
    secret = generate_totp_secret()
    EmailAddress.objects.update(verified=True)
    TOTP.activate(booker.user, secret)
    client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})
    answers = [client.post("/account/2fa/authenticate/", {"code": "000000"}).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"email": ["a"]}', b'{"email": null}', b"{", b"7"])
def test_login_with_any_body_is_counted_and_refused(api, body):
    answers = [api.generic("POST", "/api/login", body, content_type="application/json").status_code for _ in range(4)]

    assert answers == [400, 400, 400, 429]


@pytest.mark.parametrize("path", ["login", "password/reset", "password/reset/key/1-set-password", "signup"])
def test_page_is_limited_per_address_together_with_the_api(api, client, path):
    api.post("/api/register" if path == "signup" else "/api/login", {})
    answers = [client.post(f"/account/{path}/", {}).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


def test_taking_another_email_is_limited_per_login_as_it_tells_which_are_taken(client, booker):
    client.force_login(booker.user)
    form = {"email": "taken@example.org", "action_add": ""}
    answers = [client.post("/account/email/", form, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(4)]

    assert answers[3:] == [429]
    assert 429 not in answers[:3]
