"""The second factor, for somebody who knows only the password."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from tests.accounts.helpers import code_of, mails, refusal
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret():
    return generate_totp_secret()


@pytest.fixture
def guarded(secret):
    """A user with an authenticator app and recovery codes."""
    user = UserFactory(staff=True)
    EmailAddress.objects.update(verified=True)
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return user


def login(api, user, **more):
    return api.post("/api/login", {"email": user.email, "password": PASSWORD, **more})


# --- The API ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"code": ""}])
def test_api_login_asks_for_a_code(api, guarded, more):
    answer = login(api, guarded, **more)

    assert refusal(answer) == (401, [("second_factor_required", None)])


def test_api_login_takes_a_code_once(api, guarded, secret):
    code = code_of(secret)

    assert login(api, guarded, code=code).status_code == 200
    assert refusal(login(api, guarded, code=code)) == (401, [("wrong_code", None)])


def test_api_login_takes_a_recovery_code_once(api, guarded):
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]

    assert login(api, guarded, code=code).status_code == 200
    assert refusal(login(api, guarded, code=code)) == (401, [("wrong_code", None)])


def test_api_login_tells_nobody_about_a_second_factor_without_the_password(api, guarded):
    answer = api.post("/api/login", {"email": guarded.email, "password": "wrong"})

    assert refusal(answer) == (401, [("no_active_account", None)])


def test_api_login_of_others_takes_no_notice_of_a_code(api):
    assert login(api, UserFactory(), code="123456").status_code == 200


# --- The pages --------------------------------------------------------------------------------------------------------


def test_page_login_asks_for_a_code_before_anything(client, guarded):
    answer = client.post("/account/login/?next=/admin/", {"login": guarded.email, "password": PASSWORD}, follow=True)

    assert answer.redirect_chain[-1][0].startswith("/account/2fa/authenticate/")
    assert "_auth_user_id" not in client.session
    assert client.get("/admin/").status_code == 302


def test_page_login_goes_on_to_next_with_the_code(client, guarded, secret):
    client.post("/account/login/?next=/admin/", {"login": guarded.email, "password": PASSWORD})

    answer = client.post("/account/2fa/authenticate/", {"code": code_of(secret)})

    assert answer.url == "/admin/"
    assert client.session["_auth_user_id"] == str(guarded.pk)


def test_setting_up_needs_a_verified_email(client):
    user = UserFactory()
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})

    assert client.get("/account/2fa/totp/activate/").url == "/account/2fa/"


@pytest.mark.usefixtures("at_once")
def test_setting_up_ends_the_tokens_given_without_it(api, client, django_capture_on_commit_callbacks):
    user = UserFactory()
    EmailAddress.objects.update(verified=True)
    refresh = login(api, user).json()["refresh"]
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    key = client.get("/account/2fa/totp/activate/").context["form"].secret

    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/2fa/totp/activate/", {"code": code_of(key)})

    assert Authenticator.objects.filter(user=user).exists()
    answer = api.post("/api/token/refresh", {"refresh": refresh})
    assert refusal(answer) == (401, [("token_not_valid", None)])


@pytest.mark.usefixtures("at_once")
def test_setting_up_shows_the_key_and_then_the_recovery_codes(client, django_capture_on_commit_callbacks):
    user = UserFactory()
    EmailAddress.objects.update(verified=True)
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/account/2fa/totp/activate/")
    key = page.context["form"].secret

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/2fa/totp/activate/", {"code": code_of(key)}, follow=True)

    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    shown = answer.content.decode()
    assert key in page.content.decode()
    assert all(code in shown for code in codes)
    assert [mail.to for mail in mails()] == [[user.email]]
