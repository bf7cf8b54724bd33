"""Whatever a cookie holds, nobody gets a 500."""

import pytest
from django.conf import settings

from booking.views.holding import VISITOR
from scheduler_project.common.pages import COOKIE
from tests.factories import open_provider

COOKIES = [
    settings.SESSION_COOKIE_NAME,
    settings.CSRF_COOKIE_NAME,
    settings.LANGUAGE_COOKIE_NAME,
    COOKIE,
    VISITOR,
    "messages",
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
    for value in VALUES.values():
        client.cookies.load({VISITOR: "x"})
        client.cookies[VISITOR].set(VISITOR, value, f'"{escaped(value)}"')

        assert client.get(f"/p/{provider.slug}/").status_code == 200


def test_a_good_cookie_is_kept(client, booker):
    client.force_login(booker.user)
    client.cookies[COOKIE] = "Europe/Berlin"

    assert 'data-zone="Europe/Berlin"' in client.get("/me/").content.decode()


def escaped(value):
    """As RFC 2109 writes what a cookie cannot hold, and Python reads it again."""
    return "".join(
        character if " " < character < "\x7f" and character not in '"\\' else octal(character) for character in value
    )


def octal(character):
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
