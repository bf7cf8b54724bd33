"""Cookies with any content cause no 500."""

import runpy

import pytest
import time_machine
from django import conf
from django.conf import settings

from tests.factories import NOON, PASSWORD, open_provider

COOKIES = [
    settings.SESSION_COOKIE_NAME,
    settings.CSRF_COOKIE_NAME,
    settings.LANGUAGE_COOKIE_NAME,
    settings.TIMEZONE_COOKIE_NAME,
    settings.VISITOR_COOKIE_NAME,
    settings.MESSAGES_COOKIE_NAME,
]
"""All that the site reads."""
VALUES = {
    "NUL": "a\0b",
    "NUL of the right length": "a" * 31 + "\0",
    "lone surrogate": "\udcff",
    "long": "x" * 100_000,
    "escape": "\x1b[31m",
    "beyond ASCII": "ü€😀",
    "empty": "",
    "quote": '"',
}
NAMES = [f"{name}: {what}" for name in COOKIES for what in VALUES]


@pytest.fixture(params=[(name, value) for name in COOKIES for value in VALUES.values()], ids=NAMES)
def bearer(request, client):
    """A browser with such a cookie."""
    name, value = request.param
    client.cookies.load({name: "x"})
    client.cookies[name].set(name, value, f'"{escaped(value)}"')
    return client


def test_pages_take_any_cookie(bearer, db):
    paths = ("/", "/account/login/", "/admin/", "/api/me")

    assert [bearer.get(path).status_code for path in paths] == [200, 200, 302, 401]


def test_writing_takes_any_cookie(bearer, db):
    paths = ("/account/login/", "/language/", "/api/login")

    assert [bearer.post(path, {}).status_code for path in paths] == [200, 302, 415]


def test_taking_a_time_takes_any_visitor(client, db):
    provider = open_provider(horizon_days=4)
    visitor = settings.VISITOR_COOKIE_NAME
    for value in VALUES.values():
        client.cookies.load({visitor: "x"})
        client.cookies[visitor].set(visitor, value, f'"{escaped(value)}"')

        assert client.get(f"/p/{provider.slug}/").status_code == 200


def test_a_good_cookie_is_kept(client, booker):
    client.force_login(booker.user)
    client.cookies[settings.TIMEZONE_COOKIE_NAME] = "Europe/Berlin"

    assert 'data-zone="Europe/Berlin"' in client.get("/me/").content.decode()


# --- Their names ------------------------------------------------------------------------------------------------------


def names_of(found):
    return {name: value for name, value in found.items() if name.endswith("_COOKIE_NAME")}


@pytest.mark.parametrize(("secure", "prefix"), [("on", "__Host-"), ("off", "")])
def test_names_begin_with_host_where_the_site_is_secure(monkeypatch, secure, prefix):
    monkeypatch.setenv("SECURE", secure)

    found = runpy.run_path(settings.BASE_DIR / "scheduler_project" / "settings.py")

    plain = {name: value.removeprefix("__Host-") for name, value in names_of(found).items()}
    assert names_of(found) == {name: prefix + value for name, value in plain.items()}
    assert set(plain.values()) >= {"sessionid", "csrftoken", "django_language", "timezone", "visitor", "messages"}
    assert {found[f"{name}_COOKIE_SECURE"] for name in ("SESSION", "CSRF", "LANGUAGE")} == {secure == "on"}


def test_every_cookie_is_one_that_browsers_take_by_that_name(settings, client, booker):
    """Cookies that begin with `__Host-` need Secure, the path / and no domain (RFC 6265bis §4.1.3.2)."""
    for name, value in names_of({name: getattr(settings, name) for name in dir(conf.settings)}).items():
        setattr(settings, name, f"__Host-{value}")
    settings.COOKIE_PREFIX = "__Host-"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    provider = open_provider(horizon_days=4)
    client.post("/timezone/", {"timezone": "Europe/Berlin"})
    client.post("/language/", {"language": "de"})
    with time_machine.travel(NOON, tick=False):
        client.post(f"/p/{provider.slug}/book/", {"at": f"{provider.pk}@2026-03-03T12:00:00Z"})
        client.get("/account/login/")
        client.post("/account/login/", {"login": booker.user.email, "password": PASSWORD})
        client.post("/account/", {"name": "Ada", "timezone": "UTC", "language": "de"})

    ours = ("timezone", "django_language", "visitor", "csrftoken", "messages", "sessionid", f"known-{booker.user_id}")
    assert set(client.cookies) == {f"__Host-{name}" for name in ours}
    for cookie in client.cookies.values():
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")
        assert cookie["secure"]


def escaped(value):
    """Return the value escaped as in RFC 2109, which Python decodes."""
    return "".join(
        character if " " < character < "\x7f" and character not in '"\\' else octal(character) for character in value
    )


def octal(character):
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
