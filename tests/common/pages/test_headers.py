"""Security and cache headers of every response."""

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.accounts.helpers import bearer, tokens_of
from tests.factories import PASSWORD, open_provider

pytestmark = pytest.mark.django_db


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [path("crash/", crash), path("api/crash/", crash), path("", include("scheduler_project.urls"))]


@pytest.fixture
def browser(client, settings):
    """A browser of a site where two addresses crash."""
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 200),
        ("/account/login/", 200),
        ("/account/", 302),
        ("/nothing/", 404),
        ("/crash/", 500),
        ("/healthz", 200),
        ("/api/providers", 200),
        ("/api/me", 401),
        ("/api/nothing", 404),
        ("/api/crash/", 500),
        ("/api/docs", 200),
        ("/api/docs/swagger", 200),
        ("/api/docs/swagger?script=", 200),
        ("/api/schema", 200),
    ],
)
def test_every_answer_runs_nothing_of_others(browser, address, status):
    answer = browser.get(address)

    assert answer.status_code == status
    assert_safe(answer)


def test_refusal_of_an_unknown_host_runs_nothing_of_others(client, settings):
    for redirects in (False, True):
        settings.SECURE_SSL_REDIRECT = redirects

        answer = client.get("/", headers={"host": "elsewhere.example"})

        assert answer.status_code == 400
        assert_safe(answer)


def assert_safe(answer):
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy.get("script-src", ["'self'"]) == ["'self'"]


@pytest.mark.parametrize("address", ["/api/docs", "/api/docs/swagger"])
def test_docs_are_styled_and_run_from_here(client, address):
    page = client.get(address)

    assert "<script>" not in page.content.decode()
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]


# --- Caches -----------------------------------------------------------------------------------------------------------


def is_kept_by_nobody(answer):
    return "no-store" in answer.headers.get("Cache-Control", "")


PERSONAL = ["/", "/account/", "/account/sign-ins/", "/me/", "/api/me", "/api/appointments", "/api/providers"]


@pytest.mark.parametrize("address", PERSONAL)
def test_nobody_keeps_what_a_session_is_answered(client, booker, address):
    client.force_login(booker.user)

    assert is_kept_by_nobody(client.get(address))


@pytest.mark.parametrize("address", ["/api/me", "/api/appointments", "/api/providers", "/api/nothing"])
def test_nobody_keeps_what_a_token_is_answered(api, booker, address):
    assert is_kept_by_nobody(bearer(api, tokens_of(booker.user)["access"]).get(address))


def test_nobody_keeps_tokens(api, booker):
    given = api.post("/api/login", {"email": booker.user.email, "password": PASSWORD})

    assert is_kept_by_nobody(given)
    assert is_kept_by_nobody(api.post("/api/token/refresh", {"refresh": given.json()["refresh"]}))


@pytest.mark.parametrize("address", ["/api/providers", "/api/slots?provider={provider}", "/api/schema"])
def test_caches_may_keep_what_is_public(client, address):
    provider = open_provider(horizon_days=4)

    answer = client.get(address.format(provider=provider.pk))

    assert not is_kept_by_nobody(answer)
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
