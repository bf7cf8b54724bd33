"""The documentation of the API, held against what the API does."""

import gzip
import re
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

from tests.project.schema import Endpoint, endpoints, resolved, schema
from tests.project.world import World, as_json, everything, good_request, path_of, sent, with_ids

ENDPOINTS = endpoints()
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
every_example = pytest.mark.parametrize(
    ("endpoint", "example"),
    [
        pytest.param(endpoint, example, id=f"{endpoint} {number}")
        for endpoint in ENDPOINTS
        for number, example in enumerate(endpoint.examples)
    ],
)


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


@pytest.fixture(scope="module")
def complaints():
    """Return a function that lists the violations of a schema by a value."""

    def of(value: Any, part: Any) -> list[str]:
        validator = Draft202012Validator({**part, "components": schema()["components"]})
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    return of


# --- The schema itself ------------------------------------------------------------------------------------------------


def test_schema_is_made_without_a_warning(tmp_path):
    call_command("spectacular", file=str(tmp_path / "schema.yaml"), validate=True, fail_on_warn=True)


@pytest.mark.parametrize("slash", ["", "/"])
def test_schema_is_public(api, slash):
    answer = api.get(f"/api/schema{slash}")

    assert answer.status_code == 200
    assert list(yaml.load(answer.content, yaml.CSafeLoader)["paths"]) == list(schema()["paths"])


def test_schema_is_not_sent_again_to_who_has_it(api):
    first = api.get("/api/schema")

    again = api.get("/api/schema", headers={"if-none-match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_schema_is_compressed_for_who_reads_that(api):
    plain = api.get("/api/schema?format=json")

    packed = api.get("/api/schema?format=json", headers={"accept-encoding": "gzip"})
    again = api.get(
        "/api/schema?format=json", headers={"accept-encoding": "gzip", "if-none-match": packed.headers["ETag"]}
    )

    assert len(packed.content) < len(plain.content) / 8
    assert gzip.decompress(packed.content) == plain.content
    assert again.status_code == 304


def test_schema_has_a_tag_for_each_format(api):
    formats = ["application/vnd.oai.openapi", "application/vnd.oai.openapi+json"]

    answers = [api.get("/api/schema", headers={"accept": accepted}) for accepted in formats]

    assert [answer.headers["Content-Type"] for answer in answers] == formats
    assert answers[0].headers["ETag"] != answers[1].headers["ETag"]


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/swagger"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_docs_need_nothing_from_elsewhere(api, path, slash):
    answer = api.get(f"{path}{slash}")

    assert answer.status_code == 200
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*', answer.content.decode()) == []


@every_endpoint
def test_operation_says_what_it_is(endpoint):
    operation = documented(endpoint)

    assert operation["summary"]
    assert set(operation["responses"]) & {"200", "201", "202", "204"}


def documented(endpoint: Endpoint) -> Any:
    paths = schema()["paths"]
    return next(paths[path] for path in (endpoint.path, f"{endpoint.path}/") if path in paths)[endpoint.method]


# --- Requests ---------------------------------------------------------------------------------------------------------


@every_example
def test_example_follows_its_schema(endpoint, example, complaints):
    assert complaints(example, endpoint.body) == []


@every_example
def test_example_is_understood(world, endpoint, example):
    request = as_json(with_ids(example, world.ids))

    answer = sent(world.people["staff"], endpoint, path_of(endpoint, world.ids), **request)

    assert answer.content == b"" or answer.json().get("type") != "validation_error", answer.content


@every_endpoint
def test_path_works_with_and_without_a_trailing_slash(world, endpoint):
    path = path_of(endpoint, world.ids)
    statuses = {
        sent(world.people["staff"], endpoint, f"{path}{slash}", **good_request(endpoint, world.ids)).status_code
        for slash in ("", "/")
    }

    assert len(statuses) == 1
    assert statuses.isdisjoint({301, 302, 404, 405})


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.method == "get"], ids=str)
@pytest.mark.parametrize("who", ["anonymous", "client", "provider", "staff"])
def test_head_answers_as_get_does(world, endpoint, who):
    path = path_of(endpoint, world.ids) + query_of(endpoint, world.ids)
    told = sent(world.people[who], endpoint, path)

    answer = sent(world.people[who], endpoint._replace(method="head"), path)

    assert (answer.status_code, answer.content) == (told.status_code, b"")


# --- Answers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undocumented(complaints):
    """Return a function that lists the differences between an answer and the endpoint's documentation."""

    def of(answer: Any, endpoint: Endpoint) -> list[str]:
        responses = documented(endpoint)["responses"]
        if str(answer.status_code) not in responses:
            return [f"status {answer.status_code}: {answer.content[:200]!r}"]
        content = responses[str(answer.status_code)].get("content", {})
        if "application/json" in content:
            return complaints(answer.json(), resolved(content["application/json"]["schema"]))
        given = answer.headers.get("Content-Type", "").partition(";")[0]
        return [] if given in (content or [""]) else [f"content type {given!r}"]

    return of


def query_of(endpoint: Endpoint, ids: dict[str, Any], **more: str) -> str:
    """Return the query parameters that the endpoint requires, and more."""
    given = {"provider": ids["providers"]} if endpoint.path.startswith("/api/v1/slots") else {}
    given = {name: value for name, value in given.items() if name in endpoint.query}
    return "?" + urlencode({**given, **more})


@every_endpoint
@pytest.mark.parametrize("who", ["anonymous", "client", "provider", "staff"])
def test_answer_is_the_one_documented(world, endpoint, who, undocumented):
    path = path_of(endpoint, world.ids) + query_of(endpoint, world.ids)

    answer = sent(world.people[who], endpoint, path, **good_request(endpoint, world.ids))

    assert undocumented(answer, endpoint) == []


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.method == "get"], ids=str)
def test_answer_with_a_tag_is_documented_with_a_304(world, endpoint, undocumented):
    path = path_of(endpoint, world.ids) + query_of(endpoint, world.ids)

    tag = sent(world.people["staff"], endpoint, path).headers.get("ETag")

    assert (tag is not None) == ("304" in documented(endpoint)["responses"])
    if tag is not None:
        again = sent(world.people["staff"], endpoint, path, headers={"if-none-match": tag})
        assert (again.status_code, undocumented(again, endpoint)) == (304, [])


PREVIEWS = [endpoint for endpoint in ENDPOINTS if "preview" in endpoint.query]


@pytest.mark.parametrize("endpoint", PREVIEWS, ids=str)
def test_preview_is_the_one_documented(world, endpoint, undocumented):
    path = path_of(endpoint, world.ids) + query_of(endpoint, world.ids, preview="true")

    who = "staff" if "closures" in path else "provider"
    answer = sent(world.people[who], endpoint, path, **good_request(endpoint, world.ids))

    assert undocumented(answer, endpoint) == []


WRONG_QUERIES = {
    "preview": "perhaps",
    "timezone": "Mars/Olympus",
    "start": "soon",
    "date": "1999-12-31",
    "page": "0",
    "ordering": "colour",
}


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        pytest.param(endpoint, name, id=f"{endpoint} {name}")
        for endpoint in ENDPOINTS
        for name in WRONG_QUERIES
        if name in endpoint.query
    ],
)
def test_refusal_of_a_query_is_the_one_documented(world, endpoint, name, undocumented):
    path = path_of(endpoint, world.ids) + query_of(endpoint, world.ids, **{name: WRONG_QUERIES[name]})

    answer = sent(world.people["staff"], endpoint, path, **good_request(endpoint, world.ids))

    assert answer.status_code in (400, 404)
    assert undocumented(answer, endpoint) == []


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.fields], ids=str)
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"timezone": "Mars/Olympus", "start_time": "2026-03-04T09:00:00"}'])
def test_refusal_of_a_body_is_the_one_documented(world, endpoint, body, undocumented):
    path = path_of(endpoint, world.ids)

    answer = sent(world.people["staff"], endpoint, path, data=body, content_type="application/json")

    assert undocumented(answer, endpoint) == []
