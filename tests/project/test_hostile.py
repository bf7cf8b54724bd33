"""Hostile input on every endpoint gets a 4xx in the format of errors, or a valid 2xx; never a 5xx or half a change
(R21).

The endpoints and their fields come from the OpenAPI schema, so that new ones are covered automatically."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import pytest

from tests.looking import dump
from tests.project.schema import Endpoint, Schema, endpoints, resolved
from tests.project.world import World, as_json, everything, good_body, good_request, names_in, path_of, sent

ENDPOINTS = endpoints()


def every(endpoints: list[Endpoint]) -> Any:
    return pytest.mark.parametrize("endpoint", endpoints, ids=str)


READING_A_BODY = every([endpoint for endpoint in ENDPOINTS if endpoint.fields])
READING_A_QUERY = every([endpoint for endpoint in ENDPOINTS if endpoint.query])
LEADING_TO_A_ROW = every([endpoint for endpoint in ENDPOINTS if "{" in endpoint.path])
PATHS = sorted({endpoint.path for endpoint in ENDPOINTS})


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[World]:
    """Made once, for each test puts back what it did."""
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


# --- What is sent -----------------------------------------------------------------------------------------------------

WRONG = [[[]], {"a": [1]}, [None], -1, 10**30, -0.5, "a\0b", "9" * 2000, "x" * 20_000]
"""Values that no field accepts."""
DUBIOUS = [[], {}, True, None, 0, 1e308, "", " "]
"""Values that some field may accept; then they must be valid at all levels."""
INSTANTS = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2000-01-01T00:00:00+14:00",
    "2100-12-31T23:59:59-14:00",
    "2026-03-04T24:00:00Z",
    "2026-03-04T12:00:00+99:99",
    "2026-03-04T12:00:00.123456789123Z",
    "2026-02-30T12:00:00Z",
    "2026-03-04T12:00:00",
    "2026-03-04",
    "now",
]
DATES = ["0001-01-01", "9999-12-31", "2000-01-01", "2100-12-31", "2026-02-30", "2026-W10-3", "2026-03-04T00:00:00Z"]
ZONES = [
    "localtime",
    "posix/Europe/Berlin",
    "right/UTC",
    "../etc/passwd",
    "/etc/localtime",
    "America",
    "EST5EDT",
    "utc",
]


def kind(name: str, part: Schema) -> str:
    return "timezone" if name == "timezone" else resolved(part).get("format", "")


EDGES = {"date-time": INSTANTS, "date": DATES, "timezone": ZONES}


def hostile_bodies(part: Schema, ids: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Bodies with every field wrong; with one field dubious, at any depth; with all fields of a kind at the edge."""
    good = good_body(part, ids)
    fields = part.get("properties", {})  # A map by language has none of its own.
    for value in WRONG:
        yield dict.fromkeys(fields, value)
    for name, field in fields.items():
        for value in DUBIOUS + EDGES.get(kind(name, field), []):
            yield {**good, name: value}
        inner = resolved(field)
        inner = resolved(inner["items"]) if inner.get("type") == "array" else inner
        if inner.get("type") == "object":
            yield from ({**good, name: [body]} for body in hostile_bodies(inner, ids))
    for format_, edges in EDGES.items():
        names = [name for name, field in fields.items() if kind(name, field) == format_]
        if len(names) > 1:
            yield from ({**good, **dict.fromkeys(names, value)} for value in edges)
    yield {**good, "id": 1, "is_staff": True, "__proto__": {}}


QUERIES = ["", "x", "-1", "0", "9" * 18, "9" * 30, "1e308", "NaN", "a%00b", "%ED%A0%80", "[]", "x" * 5000, "%D9%A3"]


def hostile_queries(endpoint: Endpoint, ids: dict[str, Any]) -> Iterator[str]:
    """Query strings with one parameter wrong, the others well."""
    given = f"provider={ids['providers']}&" if "provider" in endpoint.query else ""
    for name, part in endpoint.query.items():
        edges = EDGES.get(kind(name, part), [])
        for value in [*QUERIES, *map(quote, edges)]:
            yield f"{given}{name}={value}"
        yield f"{given}{name}=1&{name}=x"
        yield f"{given}{name}[]=1"
    yield f"{given}ordering=id,,-start_time,nothing"


# --- What comes back --------------------------------------------------------------------------------------------------


def wrongs_of(response: Any) -> str | None:
    """Return the fault of a response, or None."""
    if response.status_code in (200, 201, 202, 204):
        return None
    if not 400 <= response.status_code < 500:
        return f"status {response.status_code}"
    try:
        body = json.loads(response.content)
    except ValueError:
        return f"{response.status_code} that is {response.headers['Content-Type']}"
    lawful = (
        set(body) - {"details"} == {"type", "errors"}
        and body["type"] in ("validation_error", "client_error")
        and body["errors"]
        and all(
            set(error) == {"code", "detail", "attr"} and error["code"] and error["detail"] for error in body["errors"]
        )
    )
    return None if lawful else f"{response.status_code} in another shape: {response.content[:200]!r}"


def shown(text: Any) -> str:
    return text if len(text := str(text)) < 200 else f"{text[:100]}…"


TURNS = {"staff": 0, "provider": 1, "client": 2, "anonymous": 3}
"""Staff get furthest and send everything; the others take turns."""


def turns(what: Iterator[Any], turn: int) -> Iterator[Any]:
    return islice(what, turn, None, 6) if turn else what


# --- Tests ------------------------------------------------------------------------------------------------------------


@LEADING_TO_A_ROW
def test_world_has_a_row_to_lead_to(world, endpoint):
    """If this fails, `tests/project/world.py` needs one more row."""
    assert set(names_in(endpoint)) <= world.ids.keys()


@READING_A_BODY
def test_wrong_values_in_a_body_are_refused(world, endpoint):
    before = dump()
    path = path_of(endpoint, world.ids)
    found = {
        (who, shown(body)): wrong
        for who, turn in TURNS.items()
        for body in turns(hostile_bodies(endpoint.body, world.ids), turn)
        if (wrong := wrongs_of(sent(world.people[who], endpoint, path, **as_json(body))))
    }

    assert found == {}
    assert dump() == before


BROKEN = {
    "a list": b"[]",
    "null": b"null",
    "a string": b'"text"',
    "a number": b"1",
    "true": b"true",
    "no JSON": b"{",
    "form data": b"a=1&b=2",
    "NaN": b'{"title": NaN}',
    "no UTF-8": b'{"title": "\xff"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "an encoded surrogate": b'{"title": "\xed\xa0\x80"}',
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 lists in a field": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@READING_A_BODY
def test_bodies_that_are_no_json_object_are_refused(world, endpoint):
    path = path_of(endpoint, world.ids)
    answers = {
        name: sent(world.people["staff"], endpoint, path, data=body, content_type="application/json")
        for name, body in BROKEN.items()
    }

    assert {name: (answer.status_code, wrongs_of(answer)) for name, answer in answers.items()} == dict.fromkeys(
        BROKEN, (400, None)
    )


@READING_A_BODY
def test_a_body_of_ten_megabytes_is_refused(world, endpoint):
    body = b'{"title": "' + b"x" * 10_000_000 + b'"}'

    answer = sent(
        world.people["staff"], endpoint, path_of(endpoint, world.ids), data=body, content_type="application/json"
    )

    assert (answer.status_code, wrongs_of(answer)) == (413, None)


TYPES = [
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "x",
    "/",
]


@READING_A_BODY
def test_bodies_that_are_not_declared_json_are_refused(world, endpoint):
    path = path_of(endpoint, world.ids)
    answers = {
        name: sent(world.people["staff"], endpoint, path, data=b'{"title": "x"}', content_type=name) for name in TYPES
    }

    assert {name: (answer.status_code, wrongs_of(answer)) for name, answer in answers.items()} == dict.fromkeys(
        TYPES, (415, None)
    )


@READING_A_QUERY
def test_wrong_values_in_a_query_are_refused(world, endpoint):
    before = dump()
    path = path_of(endpoint, world.ids)
    extra = good_request(endpoint, world.ids)
    found = {
        (who, shown(query)): wrong
        for who, turn in TURNS.items()
        for query in turns(hostile_queries(endpoint, world.ids), turn)
        if (wrong := wrongs_of(sent(world.people[who], endpoint, f"{path}?{query}", **extra)))
    }

    assert found == {}
    assert dump() == before


IDS = ["0", "-1", "9" * 18, "9" * 19, "9" * 400, "x", "1.5", "1e3", "%00", "%D9%A3", "%ED%A0%80", "None", "1%2F2", "+1"]
DAYS = ["0001-01-01", "9999-12-31", "2026-02-30", "0000-00-00", "today"]


@LEADING_TO_A_ROW
def test_ids_that_lead_nowhere_are_not_found(world, endpoint):
    before = dump()
    paths = []
    for name in names_in(endpoint):
        wrong = DAYS if name == "date" else IDS
        paths += [path_of(endpoint, world.ids | {name: value}) for value in wrong]
    extra = good_request(endpoint, world.ids)
    answers = {path: sent(world.people["staff"], endpoint, path, **extra) for path in paths}

    assert {shown(path): (answer.status_code, wrongs_of(answer)) for path, answer in answers.items()} == {
        shown(path): (404, None) for path in paths
    }
    assert dump() == before


@every(ENDPOINTS)
def test_bad_tokens_are_refused(world, endpoint):
    api = world.people["anonymous"]
    path = path_of(endpoint, world.ids)
    without = sent(api, endpoint, path).status_code
    answers = {name: sent(api, endpoint, path, HTTP_AUTHORIZATION=token) for name, token in world.bad_tokens.items()}

    found = {name: (answer.status_code, wrongs_of(answer)) for name, answer in answers.items()}
    # A public endpoint may pay no heed to tokens; then none may make a difference.
    assert found in [dict.fromkeys(world.bad_tokens, (status, None)) for status in (401, without)]


@pytest.mark.parametrize("path", PATHS)
def test_methods_that_are_not_there_are_refused(world, path):
    there = {endpoint.method for endpoint in ENDPOINTS if endpoint.path == path}
    missing = {"get", "post", "put", "patch", "delete"} - there
    answers = {
        method: sent(world.people["staff"], Endpoint(method, path, {}, None, []), path_of_any(path, world.ids))
        for method in missing
    }

    assert {method: (answer.status_code, wrongs_of(answer)) for method, answer in answers.items()} == dict.fromkeys(
        missing, (405, None)
    )


def path_of_any(path: str, ids: dict[str, Any]) -> str:
    return path_of(Endpoint("get", path, {}, None, []), ids)


@pytest.mark.parametrize(
    "path", ["/api/v2/", "/api/nothing", "/api/nothing/", "/api/appointments/1/nothing", "/api//me"]
)
def test_paths_that_are_not_there_answer_in_the_one_shape(api, path):
    answer = api.get(path)

    assert (answer.status_code, wrongs_of(answer)) == (404, None)
