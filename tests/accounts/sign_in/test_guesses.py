"""Limits on guessing passwords and codes: they slow down the guesser, not the owner."""

from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import SignIn, User
from accounts.sign_in import guesses
from accounts.sign_in.guesses import BY_ALL, BY_ONE, Guess
from scheduler_project.common.limits.throttling import MEMORY, Slowdown, slow_down, uncount
from scheduler_project.common.models import Tally
from tests.accounts.helpers import code_of, queries_of, refusal
from tests.conftest import logged_in
from tests.factories import NOON, PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

A, B = "192.0.2.1", "198.51.100.1"
NOW = 1_000_000_000.0


@pytest.fixture(autouse=True)
def _limits(throttle, at_noon):
    """Apply the limits with a frozen clock. The rate limits per address are not tested here."""
    throttle.update(login="100000/d", write="100000/d")


@pytest.fixture
def owner():
    return UserFactory(email="owner@example.org")


def by_api(email, password="wrong", *, network=A, browser=None, **more):
    sent = {"email": email, "password": password, **more}
    return APIClient().post("/api/login", sent, REMOTE_ADDR=network).status_code


def by_page(email, password="wrong", *, network=A, browser=None):
    browser = browser or Browser()
    answer = browser.post("/account/login/", {"login": email, "password": password}, REMOTE_ADDR=network)
    return {302: 200, 200: 401}.get(answer.status_code, answer.status_code)


FACES = {"API": by_api, "page": by_page}


@pytest.fixture(params=FACES)
def log_in(request):
    return FACES[request.param]


# --- One network ------------------------------------------------------------------------------------------------------


def test_network_is_slowed_down_after_a_few_failures(log_in, owner):
    assert [log_in(owner.email) for _ in range(6)] == [401] * 5 + [429]
    assert log_in(owner.email, PASSWORD) == 429


def test_owner_gets_in_at_once_from_another_network(log_in, owner):
    for _ in range(6):
        log_in(owner.email)

    assert log_in(owner.email, PASSWORD, network=B) == 200


def test_failures_are_counted_on_pages_and_api_together(owner):
    assert [by_page(owner.email) for _ in range(3)] + [by_api(owner.email) for _ in range(3)] == [401] * 5 + [429]


def test_failures_of_one_login_do_not_slow_down_another(log_in, owner):
    for _ in range(6):
        log_in(owner.email)

    assert log_in(UserFactory().email, PASSWORD) == 200


def test_network_of_ipv6_is_its_first_half(log_in, owner):
    answers = [log_in(owner.email, network=f"2001:db8::{number}") for number in range(1, 7)]

    assert answers == [401] * 5 + [429]
    assert log_in(owner.email, PASSWORD, network="2001:db8:0:1::1") == 200


def test_network_may_try_again_when_it_was_told_to(owner):
    for _ in range(5):
        by_api(owner.email)
    answer = APIClient().post("/api/login", {"email": owner.email, "password": PASSWORD}, REMOTE_ADDR=A)
    seconds = int(answer.headers["Retry-After"])

    with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
        assert by_api(owner.email, PASSWORD) == 200

    assert refusal(answer) == (429, [("too_many_guesses", None)])
    assert seconds == BY_ONE.first


def test_page_says_when_to_try_again(client, owner):
    for _ in range(5):
        by_page(owner.email, browser=client)

    answer = client.post("/account/login/", {"login": owner.email, "password": PASSWORD}, REMOTE_ADDR=A)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(BY_ONE.first))
    page = answer.content.decode()
    assert "Too many wrong passwords or codes" in page
    assert f"You can try again in {BY_ONE.first} seconds" in page
    assert 'href="/account/password/reset/"' in page


def test_success_forgets_the_failures_before_it(log_in, owner):
    answers = [log_in(owner.email, password) for password in (["wrong"] * 4 + [PASSWORD]) * 3]

    assert answers == ([401] * 4 + [200]) * 3


def test_login_that_succeeds_often_is_never_slowed_down(owner):
    assert {by_api(owner.email, PASSWORD, network=f"192.0.2.{number}") for number in range(40)} == {200}


@pytest.mark.parametrize("email", ["owner@example.org", "nobody@example.org"])
def test_guessing_is_slowed_down_whether_there_is_an_account_or_not(log_in, owner, email):
    assert [log_in(email) for _ in range(6)] == [401] * 5 + [429]


def test_queries_are_the_same_for_an_email_nobody_has(owner):
    assert queries_of(by_api, owner.email) == queries_of(by_api, "nobody@example.org")


# --- Browsers and networks that have logged in before -----------------------------------------------------------------


@pytest.fixture
def known(owner):
    """A browser that has logged in and out again."""
    browser = Browser()
    assert by_page(owner.email, PASSWORD, browser=browser) == 200
    browser.post("/account/logout/")
    SignIn.objects.all().delete()
    return browser


def exhaust_all(email):
    """Let strangers in many networks use up their tries."""
    answers = [by_api(email, network=f"203.0.113.{number}") for number in range(BY_ALL[Guess.PASSWORD].free + 1)]
    assert answers[-1] == 429


def test_known_browser_is_not_slowed_down_by_its_network(known, owner):
    for _ in range(6):
        by_page(owner.email)

    assert by_page(owner.email, PASSWORD) == 429
    assert by_page(owner.email, PASSWORD, browser=known) == 200


def test_known_browser_is_not_slowed_down_by_strangers_everywhere(known, owner):
    exhaust_all(owner.email)

    assert by_page(owner.email, PASSWORD, network=B) == 429
    assert by_page(owner.email, PASSWORD, network=B, browser=known) == 200


def test_known_browser_is_slowed_down_by_its_own_failures(known, owner):
    answers = [by_page(owner.email, browser=known, network=f"192.0.2.{number}") for number in range(6)]

    assert answers == [401] * 5 + [429]


def test_browser_is_known_for_its_own_login_only(known, owner):
    other = UserFactory()
    exhaust_all(other.email)

    assert by_page(other.email, PASSWORD, browser=known, network=B) == 429


@pytest.mark.parametrize("spoilt", [lambda value: value[:-1] + "x", lambda value: "x" + value, lambda value: ""])
def test_browser_is_not_known_by_a_forged_cookie(known, owner, spoilt):
    exhaust_all(owner.email)
    name = f"known-{owner.pk}"
    known.cookies[name] = spoilt(known.cookies[name].value)

    assert by_page(owner.email, PASSWORD, browser=known, network=B) == 429


def test_browser_is_not_known_any_more_once_the_password_is_another(known, owner):
    user = User.objects.get(pk=owner.pk)
    user.set_password("microseconds-of-rope")
    user.save()
    exhaust_all(owner.email)

    assert by_page(owner.email, "microseconds-of-rope", browser=known, network=B) == 429


def test_browser_in_which_the_password_was_changed_stays_known(client, owner):
    by_page(owner.email, PASSWORD, browser=client)
    new = {"oldpassword": PASSWORD, "password1": "microseconds-of-rope", "password2": "microseconds-of-rope"}
    assert client.post("/account/password/change/", new).status_code == 302
    client.post("/account/logout/")
    exhaust_all(owner.email)

    assert by_page(owner.email, "microseconds-of-rope", browser=client, network=B) == 200


def test_browser_in_which_the_mailed_link_was_opened_is_known(client, owner):
    from tests.accounts.sign_in.test_mailboxes import NEW, reset_path

    page = client.get(reset_path(owner), follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    exhaust_all(owner.email)

    assert by_page(owner.email, NEW, browser=client, network=B) == 200


def test_cookie_of_a_known_browser_is_kept_from_scripts_and_other_sites(client, owner, settings):
    settings.COOKIE_PREFIX, settings.SESSION_COOKIE_SECURE = "__Host-", True

    client.post("/account/login/", {"login": owner.email, "password": PASSWORD})

    cookie = client.cookies[f"__Host-known-{owner.pk}"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert cookie["domain"] == ""


def test_known_network_is_not_slowed_down_by_strangers_everywhere(log_in, owner):
    SignIn.objects.create(user=owner, kind=SignIn.Kind.PROGRAM, address=B, created_at=NOON, last_used_at=NOON)
    exhaust_all(owner.email)

    assert log_in(owner.email, PASSWORD, network="198.51.100.2") == 429
    assert log_in(owner.email, PASSWORD, network=B) == 200


# --- All networks together --------------------------------------------------------------------------------------------


def test_many_networks_get_no_further_than_a_few_tries_at_once(log_in, owner):
    answers = [log_in(owner.email, network=f"203.0.113.{number}") for number in range(30)]

    assert answers == [401] * 20 + [429] * 10


@pytest.mark.parametrize(("what", "most"), [(Guess.PASSWORD, 60), (Guess.CODE, 26)])
def test_many_networks_are_bounded_within_an_hour(what, most):
    """An attacker with a new network for each try tries again as soon as that is let through."""
    tries, second = [], 0.0
    while second < 7200:
        if wait := slow_down("everybody", BY_ALL[what], NOW + second):
            second += wait
        else:
            tries.append(second)

    assert BY_ALL[what].free < sum(second < 3600 for second in tries) <= most
    assert sum(second >= 3600 for second in tries) <= 3600 / BY_ALL[what].longest + 1


# --- What it counts with ----------------------------------------------------------------------------------------------

SLOW = Slowdown(free=2, first=3, longest=10)


def test_slow_down_doubles_the_wait_up_to_the_longest():
    waits, now = [], NOW
    for _ in range(6):
        wait = slow_down("key", SLOW, now)
        waits.append(wait)
        now += wait or 0
        if wait:
            assert slow_down("key", SLOW, now - 0.5) is not None
            assert slow_down("key", SLOW, now) is None

    assert waits == [None, None, 3, 6, 10, 10]


def test_slow_down_forgets_after_an_hour_without_a_try():
    for _ in range(2):
        slow_down("key", SLOW, NOW)

    assert slow_down("key", SLOW, NOW + 1) is not None
    assert [slow_down("key", SLOW, NOW + MEMORY) for _ in range(2)] == [None, None]


def test_slow_down_does_not_count_what_it_refuses():
    for _ in range(5):
        slow_down("key", SLOW, NOW)

    assert Tally.objects.get(key="key").count == 2


def test_take_back_lets_one_more_try():
    for _ in range(2):
        slow_down("key", SLOW, NOW)
    uncount("key")

    assert slow_down("key", SLOW, NOW) is None
    assert slow_down("key", SLOW, NOW) is not None


# --- Codes, and passwords of who is logged in -------------------------------------------------------------------------


@pytest.fixture
def secret(owner):
    EmailAddress.objects.update(verified=True)
    key = generate_totp_secret()
    TOTP.activate(owner, key)
    return key


def test_codes_of_the_api_are_counted_by_network(owner, secret):
    answers = [by_api(owner.email, PASSWORD, code="000000") for _ in range(6)]

    assert answers == [401] * 5 + [429]
    assert by_api(owner.email, PASSWORD, code=code_of(secret), network=B) == 200


def test_codes_of_the_page_are_counted_with_the_apis(client, owner, secret):
    for _ in range(4):
        by_api(owner.email, PASSWORD, code="000000")
    by_page(owner.email, PASSWORD, browser=client)
    answers = [client.post("/account/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR=A).status_code for _ in "12"]

    assert answers == [200, 429]


def test_codes_of_the_page_let_the_owner_in_from_another_network(client, owner, secret):
    for _ in range(6):
        by_api(owner.email, PASSWORD, code="000000")
    by_page(owner.email, PASSWORD, browser=client, network=B)

    answer = client.post("/account/2fa/authenticate/", {"code": code_of(secret)}, REMOTE_ADDR=B)

    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_password_asked_for_again_is_counted_too(client, owner):
    client.force_login(owner)
    answers = [client.post("/account/reauthenticate/", {"password": "wrong"}).status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/account/password/change/", {"oldpassword": "wrong", "password1": "notes-on-it", "password2": "notes-on-it"}),
        ("/account/delete/", {"password": "wrong"}),
    ],
)
def test_password_given_to_a_page_is_counted_too(client, owner, path, sent):
    client.force_login(owner)
    answers = [client.post(path, sent).status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]


def test_password_change_of_the_api_is_counted_too(owner):
    sent = {"current_password": "wrong", "new_password": "microseconds-of-rope"}
    answers = [logged_in(owner).post("/api/password/change", sent).status_code for _ in range(6)]

    assert answers == [400] * 5 + [429]


def test_crash_while_checking_counts_as_no_guess(owner, monkeypatch):
    for _ in range(10):
        with pytest.raises(ZeroDivisionError), guesses.guess(Guess.PASSWORD, email=owner.email):
            raise ZeroDivisionError

    with guesses.guess(Guess.PASSWORD, email=owner.email):
        pass


# --- Asking again -----------------------------------------------------------------------------------------------------


def test_page_does_not_ask_for_the_password_right_after_log_in(client, owner):
    by_page(owner.email, PASSWORD, browser=client)

    assert client.get("/account/data/").status_code == 200


def test_page_asks_for_the_password_a_while_after_log_in(client, owner):
    by_page(owner.email, PASSWORD, browser=client)

    with time_machine.travel(NOON + timedelta(minutes=6), tick=False):
        assert client.get("/account/data/").url.startswith("/account/reauthenticate/")
        client.post("/account/reauthenticate/", {"password": PASSWORD})
        assert client.get("/account/data/").status_code == 200
