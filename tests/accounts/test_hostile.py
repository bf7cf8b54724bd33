"""Hostile input gets a 4xx in the format of errors; never a 500 (R21)."""

import pytest
from rest_framework.test import APIClient

from tests.accounts.helpers import refusal
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people")]

GOOD = {
    "name": "Emmy",
    "email": "emmy@example.org",
    "password": "nanoseconds-of-wire",
    "timezone": "UTC",
    "role": "client",
    "refresh": "x",
    "current_password": "x",
    "new_password": "nanoseconds-of-wire",
    "uid": "MQ",
    "token": "x",
    "phone": "+4930901820",
    "notes": "x",
    "owner": None,
    "slug": "x",
    "specialization": "x",
    "bio": "x",
    "is_active": True,
    "is_approved": True,
}
CLIENT = ["name", "email", "phone", "timezone", "notes", "owner"]
PROVIDER = ["name", "slug", "specialization", "bio", "is_active", "is_approved"]
FIELDS = {
    ("post", "/api/register"): ["name", "email", "password", "timezone", "role"],
    ("post", "/api/login"): ["email", "password"],
    ("post", "/api/logout"): ["refresh"],
    ("post", "/api/token/refresh"): ["refresh"],
    ("patch", "/api/me"): ["name", "timezone", "email"],
    ("post", "/api/password/change"): ["current_password", "new_password"],
    ("post", "/api/password/reset"): ["email"],
    ("post", "/api/password/reset/confirm"): ["uid", "token", "new_password"],
    ("post", "/api/clients"): CLIENT,
    ("patch", "/api/clients/{client}"): CLIENT,
    ("put", "/api/clients/{client}"): CLIENT,
    ("post", "/api/providers"): ["name", "specialization", "bio", "timezone", "user"],
    ("patch", "/api/providers/{provider}"): PROVIDER,
    ("put", "/api/providers/{provider}"): PROVIDER,
}
TEXTS = ["\0", "a\0b", "", "x" * 100_000, "\u202e", "\x1b[2J", "\U0010ffff"]
VALUES = [*TEXTS, None, True, -1, 1.5, 10**18, 2**64, [], ["a"], [[["a"]]], {}, {"a": "b"}]


@pytest.fixture
def url(provider):
    rows = {"client": ClientFactory(owner=provider, user=None).pk, "provider": provider.pk}
    return lambda path: path.format(**rows)


@pytest.mark.parametrize(("method", "path"), FIELDS)
@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"[1]", b"null", b"7", b'"text"', b"{", b"\xff", b"nan", b'{"name": NaN}', b"[" * 100_000,
        b'{"name": "\\ud800"}', b'{"name": 1e400}', b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_body_of_another_shape_is_refused(staff_api, url, method, path, body):
    response = staff_api.generic(method.upper(), url(path), body, content_type="application/json")

    assert refusal(response)[0] == 400


@pytest.mark.parametrize(("method", "path"), FIELDS)
def test_value_of_another_shape_is_no_bug(staff_api, url, method, path):
    fields = FIELDS[method, path]
    good = {field: GOOD[field] for field in fields if field in GOOD}
    for field in fields:
        for value in VALUES:
            response = getattr(staff_api, method)(url(path), good | {field: value})

            if response.status_code >= 300:
                assert refusal(response)[0] in (400, 401, 403, 409), (field, value)
            else:
                assert response.status_code in (200, 201, 202, 204), (field, value)


@pytest.mark.parametrize("number", ["1" + "0" * 30, "9" * 5000, "1e30"])
def test_huge_number_in_a_body_is_refused(staff_api, number):
    body = f'{{"name": "Emmy", "owner": {number}}}'

    assert refusal(staff_api.generic("POST", "/api/clients", body, content_type="application/json"))[0] == 400


@pytest.mark.parametrize("path", ["/api/clients", "/api/providers"])
@pytest.mark.parametrize("row", ["0", "9" * 18])
def test_id_of_nothing_is_not_found(staff_api, path, row):
    assert refusal(staff_api.get(f"{path}/{row}")) == (404, [("not_found", None)])


@pytest.mark.parametrize("row", ["9" * 19, "9" * 500, "-1", "1.5", "abc", "%00", "%ED%A0%80", "١"])
def test_id_that_is_none_is_not_found(staff_api, row):
    assert staff_api.get(f"/api/clients/{row}").status_code == 404


@pytest.mark.parametrize("path", ["/api/clients", "/api/providers"])
@pytest.mark.parametrize("page", [10**30, "9" * 5000, -1, 0, "x", "\0", "1.5"])
def test_page_there_is_not_is_not_found(staff_api, path, page):
    assert refusal(staff_api.get(path, {"page": page})) == (404, [("not_found", None)])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"owner": 10**30}, "owner"),
        ({"owner": "1e999999999"}, "owner"),
        ({"owner": "-1"}, "owner"),
        ({"owner": "x"}, "owner"),
        ({"owner": "\0"}, "owner"),
        ({"search": "\0"}, "search"),
        ({"search": "x" * 101}, "search"),
        ({"ordering": "\0"}, "ordering"),
        ({"ordering": "notes"}, "ordering"),
    ],
)
def test_filter_that_makes_no_sense_is_refused(staff_api, query, field):
    status, errors = refusal(staff_api.get("/api/clients", query))

    assert status == 400
    assert {attr for _code, attr in errors} == {field}


@pytest.mark.parametrize("query", ["page_size=" + "9" * 30, "page_size=-1", "page_size=999", "x=%00"])
def test_query_that_makes_no_sense_is_refused(staff_api, query):
    assert refusal(staff_api.get(f"/api/clients?{query}"))[0] == 400


@pytest.mark.parametrize("query", ["search=%ED%A0%80", "search=%FF"])
def test_query_that_is_odd_is_read(staff_api, query):
    assert staff_api.get(f"/api/clients?{query}").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "\x00", "x" * 10_000])
def test_bearer_that_is_no_token_is_refused(api, token):
    assert refusal(api.get("/api/me", headers={"Authorization": f"Bearer {token}"}))[0] == 401


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_body_that_is_not_json_is_refused(api, content_type):
    response = api.generic("POST", "/api/login", b"email=a", content_type=content_type)

    assert refusal(response) == (415, [("unsupported_media_type", None)])


def test_body_that_is_too_large_is_refused(api):
    response = api.generic("POST", "/api/login", b" " * 1_000_001, content_type="application/json")

    assert refusal(response) == (413, [("too_large", None)])


def test_form_with_a_session_and_a_key_is_refused(booker):
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(booker.user)
    api.cookies["csrftoken"] = "a" * 32

    response = api.generic(
        "PATCH",
        "/api/me",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={"X-CSRFToken": "a" * 32, "Idempotency-Key": "k1"},
    )

    assert refusal(response) == (415, [("unsupported_media_type", None)])
