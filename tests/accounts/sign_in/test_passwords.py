"""Changing a password, and resetting a forgotten one."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth.tokens import default_token_generator
from django.utils.http import urlsafe_base64_encode

from tests.accounts.helpers import bearer, mails, queries_of, refusal, tokens_of
from tests.factories import PASSWORD, UserFactory
from tests.reminders.helpers import owed_mails

pytestmark = pytest.mark.django_db

NEW = "microseconds-of-rope"


# --- Changing ---------------------------------------------------------------------------------------------------------


def change(api, current=PASSWORD, new=NEW):
    return api.post("/api/password/change", {"current_password": current, "new_password": new})


def test_change_sets_the_password(booker_api, booker):
    assert change(booker_api).status_code == 200

    booker.user.refresh_from_db()
    assert booker.user.check_password(NEW)


def test_change_ends_old_tokens_and_answers_new_ones(api, booker):
    old = tokens_of(booker.user)
    new = change(bearer(api, old["access"])).json()

    assert set(new) == {"access", "refresh"}
    assert api.get("/api/me").status_code == 401
    assert api.post("/api/token/refresh", {"refresh": old["refresh"]}).status_code == 401
    assert bearer(api, new["access"]).get("/api/me").status_code == 200


def test_change_keeps_the_session_it_was_made_in_and_ends_others(booker):
    from rest_framework.test import APIClient

    here, elsewhere = APIClient(), APIClient()
    here.force_login(booker.user)
    elsewhere.force_login(booker.user)

    change(here)

    assert here.get("/api/me").status_code == 200
    assert elsewhere.get("/api/me").status_code == 401


def test_change_by_token_opens_no_session(api, booker):
    response = change(bearer(api, tokens_of(booker.user)["access"]))

    assert not response.cookies


def test_change_needs_the_current_password(booker_api, booker):
    assert refusal(change(booker_api, current="wrong")) == (400, [("wrong_password", "current_password")])

    booker.user.refresh_from_db()
    assert booker.user.check_password(PASSWORD)


def test_change_refuses_a_weak_password_and_says_why(booker_api, booker):
    assert refusal(change(booker_api, new="000000")) == (
        400,
        [
            ("password_too_short", "new_password"),
            ("password_too_common", "new_password"),
            ("password_entirely_numeric", "new_password"),
        ],
    )
    assert refusal(change(booker_api, new=booker.user.email)) == (400, [("password_too_similar", "new_password")])


def test_change_needs_a_login(api):
    assert refusal(change(api)) == (401, [("not_authenticated", None)])


# --- Asking for a reset -----------------------------------------------------------------------------------------------


def ask(api, email):
    return api.post("/api/password/reset", {"email": email})


def test_reset_mails_a_link(api, booker, settings):
    settings.SITE_URL = "https://book.example"
    settings.SITE_NAME = "Tea & Time"

    ask(api, booker.user.email.upper())

    (mail,) = mails()
    assert mail.to == [booker.user.email]
    assert mail.subject == "Choose a new password at Tea & Time"
    assert booker.user.email in mail.body
    assert "Tea & Time" in mail.body
    assert re.search(r"^https://book\.example/password/reset/[\w-]+/[\w-]+/$", mail.body, re.MULTILINE)


def test_reset_mails_nothing_within_the_request(api, booker, mailoutbox):
    ask(api, booker.user.email)

    assert not mailoutbox
    assert [(mail.to, mail.text) for mail in owed_mails()] == [(booker.user.email, "")]


def test_reset_answers_the_same_whoever_asks(api, booker):
    UserFactory(email="gone@example.org", is_active=False)
    UserFactory(email="no-password@example.org", password=None)

    answers = [
        ask(api, email)
        for email in (booker.user.email, "nobody@example.org", "gone@example.org", "no-password@example.org")
    ]

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert [mail.to for mail in mails()] == [[booker.user.email]]
    assert not owed_mails()


def test_reset_costs_the_same_whoever_asks(api, booker, throttle):
    ask(api, "warm@example.org")

    assert queries_of(ask, api, booker.user.email) == queries_of(ask, api, "nobody@example.org")


def test_reset_is_mailed_to_one_mailbox_a_few_times_only_and_nobody_is_told(api, booker, client, throttle):
    throttle["mail"] = "3/d"
    answers = [ask(api, booker.user.email) for _ in range(4)]
    client.post("/account/password/reset/", {"email": booker.user.email.upper()})

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert len(mails()) == 3


def test_reset_to_one_mailbox_does_not_use_up_anothers(api, booker, throttle):
    throttle["mail"] = "1/d"
    ask(api, "nobody@example.org")
    ask(api, booker.user.email)

    assert [mail.to for mail in mails()] == [[booker.user.email]]


def test_reset_puts_no_words_of_a_stranger_into_the_mail(api):
    UserFactory(email="victim@example.org", name="Win gold at evil.example")

    ask(api, "victim@example.org")

    (mail,) = mails()
    assert "evil.example" not in mail.body + mail.subject


@pytest.mark.parametrize("email", ["grace@example.org\nBcc: everybody@example.org", "a@example.org\r\n", "a@b.c\0"])
def test_reset_lets_no_header_in(api, email, mailoutbox):
    status, errors = refusal(ask(api, email + "x"))

    assert status == 400
    assert {field for _code, field in errors} == {"email"}
    assert not mailoutbox


def test_reset_survives_a_site_name_with_a_line_break(api, booker, settings):
    settings.SITE_NAME = "Tea\nTime"

    ask(api, booker.user.email)

    assert mails()[0].subject == "Choose a new password at Tea Time"


# --- Setting the new one ----------------------------------------------------------------------------------------------


def link(user, **changes):
    """Return the parameters of the mailed link."""
    return {
        "uid": urlsafe_base64_encode(str(user.pk).encode()),
        "token": default_token_generator.make_token(user),
        "new_password": NEW,
    } | changes


def confirm(api, body):
    return api.post("/api/password/reset/confirm", body)


def test_confirm_takes_what_the_mail_says(api, booker):
    ask(api, booker.user.email)
    uid, token = re.search(r"/password/reset/([^/]+)/([^/]+)/", mails()[0].body).groups()

    assert confirm(api, {"uid": uid, "token": token, "new_password": NEW}).status_code == 204
    assert api.post("/api/login", {"email": booker.user.email, "password": NEW}).status_code == 200


def test_confirm_ends_old_tokens(api, booker):
    old = tokens_of(booker.user)

    confirm(api, link(booker.user))

    assert bearer(api, old["access"]).get("/api/me").status_code == 401
    assert api.post("/api/token/refresh", {"refresh": old["refresh"]}).status_code == 401


def test_confirm_works_once(api, booker):
    body = link(booker.user)
    confirm(api, body)

    assert refusal(confirm(api, body | {"new_password": "another-one-9"})) == (400, [("link_not_valid", None)])
    booker.user.refresh_from_db()
    assert booker.user.check_password(NEW)


def test_confirm_refuses_a_link_that_is_too_old(api, booker, now):
    lifetime = timedelta(seconds=django_settings.PASSWORD_RESET_TIMEOUT)
    with time_machine.travel(now, tick=False):
        body = link(booker.user)

    with time_machine.travel(now + lifetime + timedelta(seconds=1), tick=False):
        late = confirm(api, body)
    with time_machine.travel(now + lifetime, tick=False):
        just_in_time = confirm(api, body)

    assert refusal(late) == (400, [("link_not_valid", None)])
    assert just_in_time.status_code == 204


def test_confirm_refuses_the_inactive(api):
    user = UserFactory(is_active=False)

    assert refusal(confirm(api, link(user))) == (400, [("link_not_valid", None)])


def test_confirm_refuses_somebody_elses_token(api, booker):
    other = UserFactory()
    body = link(booker.user, uid=link(other)["uid"])

    assert refusal(confirm(api, body)) == (400, [("link_not_valid", None)])


@pytest.mark.parametrize(
    "uid", ["x", "!!!!", "é", "_____w", urlsafe_base64_encode(str(10**30).encode()), urlsafe_base64_encode(b"-1")]
)
def test_confirm_refuses_a_uid_of_nobody(api, booker, uid):
    assert refusal(confirm(api, link(booker.user, uid=uid))) == (400, [("link_not_valid", None)])


@pytest.mark.parametrize("token", ["x", "-", "zzzzzzzzzzzzzzzzzzz-x", "é-é"])
def test_confirm_refuses_a_token_of_nobody(api, booker, token):
    assert refusal(confirm(api, link(booker.user, token=token))) == (400, [("link_not_valid", None)])


def test_confirm_refuses_a_weak_password_and_keeps_the_link_good(api, booker):
    body = link(booker.user)

    assert refusal(confirm(api, body | {"new_password": "short1!"})) == (400, [("password_too_short", "new_password")])
    assert confirm(api, body).status_code == 204
