"""The maximum size of a request by its URL and its sender, before any of it is read."""

import pytest
from django.conf import settings as django_settings
from django.db import connection

from scheduler_project.web.uploads import body_limit, may_upload
from tests.factories import UserFactory
from tests.groups import browser_of
from tests.web.running import running

IMPORT = "/admin/accounts/client/import/clients/"
LARGE = 2_000_000


def head(path: str, length: int, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def environ(cookie: str = "") -> dict[str, str]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": IMPORT,
        "HTTP_COOKIE": cookie,
        "SERVER_NAME": "a",
        "SERVER_PORT": "80",
    }


def cookie_of(user) -> str:
    return (
        f"{django_settings.SESSION_COOKIE_NAME}={browser_of(user).cookies[django_settings.SESSION_COOKIE_NAME].value}"
    )


@pytest.mark.parametrize(
    ("path", "large"),
    [
        (IMPORT, True),
        (f"{IMPORT}1b4e28ba-2fa1-11d2-883f-0016d3cca427/", False),
        ("/admin/accounts/client/", False),
        ("/api/token", False),
    ],
)
def test_only_pages_with_files_take_large_bodies(path: str, large: bool):
    limit = body_limit({"REQUEST_METHOD": "POST", "PATH_INFO": path})

    assert (limit > django_settings.IMPORT_MAX_BYTES) == large


def test_staff_may_upload(db):
    assert may_upload(environ(cookie_of(UserFactory(staff=True))))


@pytest.mark.parametrize("cookie", ["", f"{django_settings.SESSION_COOKIE_NAME}=guessed"])
def test_nobody_else_may(db, cookie: str):
    assert not may_upload(environ(cookie))


def test_clients_may_not(db):
    assert not may_upload(environ(cookie_of(UserFactory())))


def test_large_body_of_a_stranger_is_refused_before_it_comes(db):
    with running() as site, site.connect() as client:
        client.send(head("/admin/accounts/client/add/", LARGE, "Expect: 100-continue"))
        assert client.reply().status == 413


@pytest.mark.django_db(transaction=True)
def test_import_asks_for_the_body_only_of_staff():
    mine = f"Cookie: {cookie_of(UserFactory(staff=True))}"
    connection.close()
    with running() as site, site.connect() as client, site.connect() as stranger:
        stranger.send(head(IMPORT, LARGE, "Expect: 100-continue"))
        client.send(head(IMPORT, LARGE, mine, "Expect: 100-continue"))
        assert stranger.reply().status == 413
        assert client.reply().status == 100
        client.send(b"x" * LARGE)
        reply = client.reply()
        assert (reply.status, len(reply.body)) == (200, len(f"POST {IMPORT}? ") + LARGE)
