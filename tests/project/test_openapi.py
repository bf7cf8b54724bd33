"""The documentation of the API, held against what the API does."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft7Validator

from tests.project.schema import Endpoint, endpoints, resolved, schema
from tests.project.world import World, as_json, everything, good_request, path_of, sent

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


def as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what is `nullable` may be null."""
    if isinstance(part, list):
        return [as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {key: as_json_schema(value) for key, value in part.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if part.get("nullable") else plain


@pytest.fixture(scope="module")
def complaints():
    """What a value has against the schema it should follow."""
    components = as_json_schema(schema()["components"])

    def of(value: Any, part: Any) -> list[str]:
        validator = Draft7Validator({**as_json_schema(part), "components": components})
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    return of


# --- The schema itself ------------------------------------------------------------------------------------------------


def test_schema_is_made_without_a_warning(tmp_path):
    call_command("spectacular", file=str(tmp_path / "schema.yaml"), validate=True, fail_on_warn=True)


@pytest.mark.parametrize("slash", ["", "/"])
def test_schema_is_public(api, slash):
    answer = api.get(f"/api/schema{slash}")

    assert answer.status_code == 200
    assert list(yaml.safe_load(answer.content)["paths"]) == list(schema()["paths"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_docs_need_nothing_from_elsewhere(api, slash):
    answer = api.get(f"/api/docs{slash}")

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


def with_ids(example: Any, ids: dict[str, Any]) -> Any:
    """The example with ids of rows that exist where it names the first of each."""
    return {key: ids.get(f"{key}s", value) if value == 1 else value for key, value in example.items()}


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


# --- Answers ----------------------------------------------------------------------------------------------------------


@every_endpoint
@pytest.mark.parametrize("who", ["anonymous", "client", "provider", "staff"])
def test_answer_is_the_one_documented(world, endpoint, who, complaints):
    given = f"?provider={world.ids['providers']}" if endpoint.path.startswith("/api/slots") else ""
    path = path_of(endpoint, world.ids) + (given if endpoint.method == "get" else "")

    answer = sent(world.people[who], endpoint, path, **good_request(endpoint, world.ids))

    responses = documented(endpoint)["responses"]
    assert str(answer.status_code) in responses, answer.content
    content = responses[str(answer.status_code)].get("content", {})
    if "application/json" in content:
        assert complaints(answer.json(), resolved(content["application/json"]["schema"])) == []
    else:
        assert [answer.headers.get("Content-Type", "").partition(";")[0]] == (list(content) or [""])
