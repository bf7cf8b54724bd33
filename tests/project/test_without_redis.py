"""Without Redis, limits on guessing still hold, and ordinary requests work (R18)."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from tests.accounts.helpers import code_of, mails, refusal
from tests.factories import PASSWORD, UserFactory, at
from tests.reminders.helpers import owed_mails

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]


@pytest.fixture
def secret():
    return generate_totp_secret()


@pytest.fixture
def guarded(secret):
    user = UserFactory()
    EmailAddress.objects.update(verified=True)
    TOTP.activate(user, secret)
    return user


def log_in(browser, user, password=PASSWORD):
    return browser.post("/account/login/", {"login": user.email, "password": password})


def test_logging_in_works(client, booker):
    log_in(client, booker.user)

    assert client.session["_auth_user_id"] == str(booker.user_id)


def test_reserving_works(booker_api, provider, throttle):
    with_time = {"provider": provider.pk, "start_time": at("2030-03-05 09:00").isoformat()}

    assert booker_api.get("/api/providers").status_code == 200
    assert booker_api.post("/api/reservations", with_time).status_code not in (429, 500)


def test_passwords_cannot_be_tried_at_will_on_the_page(client, booker, throttle):
    for _ in range(5):
        log_in(client, booker.user, "wrong")

    log_in(client, booker.user)

    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("path", ["login", "password/reset", "password/reset/confirm", "register"])
def test_path_of_the_api_is_limited(api, path, throttle):
    throttle.update(login="3/d", register="3/d")

    assert [api.post(f"/api/{path}", {}).status_code for _ in range(4)] == [400, 400, 400, 429]


def test_codes_cannot_be_tried_at_will(api, client, guarded, secret, throttle):
    body = {"email": guarded.email, "password": PASSWORD}
    for _ in range(3):
        api.post("/api/login", body | {"code": "000000"})
    log_in(client, guarded)
    for _ in range(2):
        client.post("/account/2fa/authenticate/", {"code": "000000"})

    answer = client.post("/account/2fa/authenticate/", {"code": code_of(secret)})

    assert "_auth_user_id" not in client.session
    assert answer.status_code == 429
    assert refusal(api.post("/api/login", body | {"code": code_of(secret)})) == (429, [("too_many_guesses", None)])


def test_a_code_works_once(api, guarded, secret):
    body = {"email": guarded.email, "password": PASSWORD, "code": code_of(secret)}

    assert api.post("/api/login", body).status_code == 200
    assert refusal(api.post("/api/login", body)) == (401, [("wrong_code", None)])
    assert Authenticator.objects.count() == 1


def test_a_reset_is_owed_until_it_is_sent(api, booker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post("/api/password/reset", {"email": booker.user.email})

    assert answer.status_code == 202
    assert len(owed_mails()) == 1
    assert [mail.to for mail in mails()] == [[booker.user.email]]
