"""The API for scripts of other websites (CORS)."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.accounts.helpers import tokens_of
from tests.factories import UserFactory, open_provider

pytestmark = pytest.mark.django_db

APP = "https://app.example.org"


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [path("api/crash/", crash), path("", include("scheduler_project.urls"))]


@pytest.fixture
def browser(client, settings):
    """A browser that asks a site whose API one other origin may read."""
    settings.CORS_ALLOWED_ORIGINS = [APP]
    client.raise_request_exception = False
    return client


def preflight(browser, address, *, origin=APP, method="POST", headers="authorization,content-type,idempotency-key"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return browser.options(address, headers=asked)


def test_origin_that_is_set_may_read(browser):
    answer = browser.get("/api/v1/providers", headers={"Origin": APP})

    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "origin" in answer.headers["Vary"]
    assert {"ETag", "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.net",
        "https://app.example.org.evil.net",
        "https://evil.net/https://app.example.org",
        "http://app.example.org",
        "https://app.example.org:8443",
        "null",
        "*",
        "https://[",
    ],
)
def test_other_origins_may_not(browser, origin):
    answer = browser.get("/api/v1/providers", headers={"Origin": origin})

    assert (answer.status_code, answer.has_header("Access-Control-Allow-Origin")) == (200, False)
    assert not preflight(browser, "/api/v1/login", origin=origin).has_header("Access-Control-Allow-Origin")


def test_answers_do_not_vary_without_the_setting(client):
    answer = client.get("/api/v1/providers", headers={"Origin": APP})

    assert not answer.has_header("Access-Control-Allow-Origin")
    assert "origin" not in answer.headers["Vary"].lower()


@pytest.mark.parametrize("address", ["/api/v1/login", "/api/login", "/api/v1/nothing"])
def test_preflight_is_answered_before_a_login_is_asked_for(browser, address):
    answer = preflight(browser, address)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type", "idempotency-key", "accept-language", "if-none-match"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )


def test_preflight_is_not_redirected_to_https(browser, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert preflight(browser, "/api/v1/login").status_code == 200


@pytest.mark.parametrize("address", ["/", "/account/login/", "/apis", "/healthz"])
def test_only_the_api_may_be_read(browser, address):
    assert not browser.get(address, headers={"Origin": APP}).has_header("Access-Control-Allow-Origin")
    assert not preflight(browser, address).has_header("Access-Control-Allow-Origin")


def test_cookies_are_never_allowed(browser):
    browser.force_login(UserFactory())

    for answer in (browser.get("/api/v1/me", headers={"Origin": APP}), preflight(browser, "/api/v1/me")):
        assert not answer.has_header("Access-Control-Allow-Credentials")


@pytest.mark.parametrize(
    ("address", "status"),
    [("/api/v1/me", 401), ("/api/v1/nothing", 404), ("/api/v1/providers?x=1", 400), ("/api/crash/", 500)],
)
def test_refusals_can_be_read(browser, settings, address, status):
    settings.ROOT_URLCONF = __name__
    answer = browser.get(address, headers={"Origin": APP})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, APP)


def test_refusal_of_an_unknown_host_can_be_read(browser):
    answer = browser.get("/api/v1/providers", headers={"Origin": APP, "Host": "elsewhere.example.org"})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (400, APP)


def test_refusal_for_too_many_requests_can_be_read(browser, throttle):
    throttle["read"] = "1/min"
    browser.get("/api/v1/providers")
    answer = browser.get("/api/v1/providers", headers={"Origin": APP})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (429, APP)
    assert answer.has_header("Retry-After")


def test_token_works_from_there(browser, api):
    provider = open_provider()
    token = tokens_of(provider.user)["access"]
    answer = browser.get("/api/v1/me", headers={"Origin": APP, "Authorization": f"Bearer {token}"})

    assert answer.json()["email"] == provider.user.email
    assert answer.headers["Cache-Control"] == "no-store"
