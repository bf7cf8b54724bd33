"""`/unsubscribe/<token>/`: one click ends reminders (RFC 8058)."""

import re

import pytest
import time_machine
from django.core import signing
from django.test import Client as Browser

from reminders.models import OptOut
from reminders.preferences.links import OPT_OUT, opt_out_link
from tests.factories import NOON, minutes
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]


ADA = "Ada+1@example.org"


@pytest.fixture(autouse=True)
def _clock(db):
    with time_machine.travel(NOON, tick=False):
        yield


def path_of(address=ADA, channel="email"):
    return opt_out_link(channel, address).removeprefix("http://localhost:8000")


def text_of(answer):
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def rows():
    return list(OptOut.objects.order_by("pk").values_list("channel", "address", "at", "source", "ended_at"))


def csrf_of(answer):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.content.decode())[1]


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(client, method):
    for _ in range(2):
        assert getattr(client, method)(path_of(), {"List-Unsubscribe": "One-Click"}).status_code == 200

    assert rows() == []


def test_page_says_what_will_happen(client):
    text = text_of(client.get(path_of()))

    assert "We'll stop sending reminders to Ada+1@example.org" in text
    assert "You'll still get messages about your own bookings, such as confirmations and cancellations." in text
    assert "Stop reminders" in text


def test_page_of_a_number_says_that_everything_ends(client):
    assert "We'll send nothing more to +4930901820" in text_of(client.get(path_of("+4930901820", "sms")))


def test_form_opts_out_and_says_so(client):
    answer = client.post(path_of(), {"do": "stop"}, follow=True)

    assert rows() == [("email", "ada+1@example.org", NOON, "link", None)]
    assert answer.redirect_chain == [(path_of(), 302)]
    assert "Since 2 March 2026, we've sent no reminders to Ada+1@example.org" in text_of(answer)
    assert "Resume reminders" in text_of(answer)


def test_form_opts_in_again(client):
    client.post(path_of(), {"do": "stop"})
    with time_machine.travel(NOON + minutes(1), tick=False):
        answer = client.post(path_of(), {"do": "back"}, follow=True)

    assert rows() == [("email", "ada+1@example.org", NOON, "link", NOON + minutes(1))]
    assert "Stop reminders?" in text_of(answer)


def test_form_sent_twice_does_it_once(client):
    for deed in ("stop", "stop", "back", "back"):
        assert client.post(path_of(), {"do": deed}).status_code == 302

    assert len(rows()) == 1


def test_form_that_says_nothing_does_nothing(client):
    assert client.post(path_of(), {}).status_code == 302
    assert rows() == []


def test_form_needs_the_pages_own_token():
    browser = Browser(enforce_csrf_checks=True)

    refused = browser.post(path_of(), {"do": "stop"})
    done = browser.post(path_of(), {"do": "stop", "csrfmiddlewaretoken": csrf_of(browser.get(path_of()))})

    assert (refused.status_code, done.status_code) == (403, 302)
    assert len(rows()) == 1


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_one_click_needs_neither_cookie_nor_csrf_token(content_type):
    body = "List-Unsubscribe=One-Click"
    if content_type.startswith("multipart"):
        body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    browser = Browser(enforce_csrf_checks=True)

    answers = [browser.post(path_of(), body, content_type=content_type) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not answers[0].cookies
    assert rows() == [("email", "ada+1@example.org", NOON, "one_click", None)]


@pytest.mark.parametrize("said", ["one-click", "", "One-Click-Back"])
def test_one_click_is_nothing_else(said):
    answer = Browser(enforce_csrf_checks=True).post(path_of(), {"List-Unsubscribe": said, "do": "stop"})

    assert answer.status_code == 403
    assert rows() == []


def test_stop_by_sms_is_not_taken_back_here(client):
    OptOut.objects.create(channel="sms", address="+4930901820", at=NOON, source="sms")
    path = path_of("+4930901820", "sms")

    answer = client.post(path, {"do": "back"})

    assert answer.status_code == 409
    assert rows()[0][-1] is None
    assert "START" in text_of(client.get(path))


TAMPERED = [
    "x",
    "%00",
    "a:b:c",
    signing.dumps(["email", ADA], salt="reminders.links.other"),
    signing.dumps(["pigeon", ADA], salt=OPT_OUT),
    signing.dumps(["webhook", "https://example.org"], salt=OPT_OUT),
    signing.dumps("email", salt=OPT_OUT),
    signing.dumps(["email"], salt=OPT_OUT),
]


@pytest.mark.parametrize("token", TAMPERED, ids=range(len(TAMPERED)))
@pytest.mark.parametrize("body", [None, {"do": "stop"}, {"List-Unsubscribe": "One-Click"}])
def test_tokens_we_did_not_sign_are_not_found(client, token, body):
    answer = client.get(f"/unsubscribe/{token}/") if body is None else client.post(f"/unsubscribe/{token}/", body)

    assert answer.status_code == 404
    assert rows() == []


def test_page_runs_nothing_and_is_kept_by_nobody(client):
    answer = client.get(path_of())

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_page_takes_no_other_methods(client, method):
    before = dump()

    assert getattr(client, method)(path_of()).status_code == 405
    assert (dump(), rows()) == (before, [])
