"""Errors that no view answers."""

import json

import pytest
from django.urls import path

from scheduler_project import urls
from scheduler_project.common.pages.base import wait_in_words
from tests.factories import UserFactory
from tests.groups import FRONT_DESK, browser_of, staff_of


def fail(request):
    raise RuntimeError("a secret")


urlpatterns = [path("api/fail", fail), path("fail", fail), *urls.urlpatterns]
handler500 = urls.handler500


def test_unknown_host_is_an_error_of_the_one_shape_for_callers_of_the_api(client):
    answer = client.get("/api/services", headers={"host": "evil.example"})

    assert answer.status_code == 400
    error = answer.json()
    assert (error["type"], error["errors"][0]["code"]) == ("client_error", "unknown_host")


def test_unknown_host_is_a_plain_page_for_everybody_else(client):
    answer = client.get("/", headers={"host": "evil.example", "accept-language": "de"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert answer.headers["Content-Language"] == "de"
    assert b"evil" not in answer.content


def test_unknown_host_is_refused_the_same_before_a_redirect_to_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    answer = client.get("/api/services", headers={"host": "evil.example"})

    assert answer.json()["errors"][0]["code"] == "unknown_host"


@pytest.mark.parametrize(("address", "kind"), [("/api/fail", "application/json"), ("/fail", "text/html")])
def test_failures_say_so_and_nothing_else(client, db, settings, address, kind):
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False

    answer = client.get(address)

    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (500, kind)
    assert b"secret" not in answer.content
    if kind == "application/json":
        assert json.loads(answer.content)["errors"][0]["code"] == "error"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3600, "60 minutes"),
        (7201, "3 hours"),
        (None, ""),
    ],
)
def test_waits_are_told_in_words_and_never_too_short(seconds, words):
    assert wait_in_words(seconds) == words


def test_staff_are_told_that_permissions_are_missing_and_led_back_to_the_admin(db):
    answer = browser_of(staff_of(FRONT_DESK)).get("/admin/accounts/user/")

    assert answer.status_code == 403
    assert "have permission for this" in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()


def test_everybody_else_is_told_that_a_page_is_for_others(db):
    answer = browser_of(UserFactory()).get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "Sign out to use another account" in answer.content.decode()
