"""The parts of the OpenAPI document that do not follow from the views: chapters, ids, webhooks."""

import re
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reminders.webhooks.events import EVENTS
from reminders.webhooks.examples import example, example_headers
from scheduler_project.documentation.tags import ALIASES, TAGS, tags_of
from tests.project.schema import schema

OPERATIONS = [
    pytest.param(method, path, operation, id=f"{method} {path}")
    for path, operations in schema()["paths"].items()
    for method, operation in operations.items()
]
every_operation = pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)


@every_operation
def test_operation_is_in_one_chapter(method, path, operation):
    [tag] = operation["tags"]

    assert [tag] == ([ALIASES] if "x-alias-of" in operation else tags_of(method, path))


def test_every_chapter_is_described_and_has_operations():
    used = Counter(tag for parameter in OPERATIONS for tag in parameter.values[2]["tags"])

    assert [tag["name"] for tag in schema()["tags"]] == [tag.name for tag in TAGS]
    assert all(tag["description"].endswith(".") for tag in schema()["tags"])
    assert set(used) == {tag.name for tag in TAGS}


def test_every_chapter_is_under_one_heading_of_the_menu():
    assert [tag for group in schema()["x-tagGroups"] for tag in group["tags"]] == [tag.name for tag in TAGS]


@every_operation
def test_ids_in_a_path_are_described(method, path, operation):
    parameters = {part["name"]: part for part in operation.get("parameters", ()) if part["in"] == "path"}

    assert set(parameters) == set(re.findall(r"{(\w+)}", path))
    for parameter in parameters.values():
        assert parameter["description"].endswith(".")
        assert parameter["schema"].get("minimum") == 1 or parameter["schema"]["type"] == "string"


def test_every_parameter_is_described():
    undescribed = {
        parameter["name"]
        for param in OPERATIONS
        for parameter in param.values[2].get("parameters", ())
        if not parameter.get("description")
    }

    assert undescribed == set()


def test_id_is_that_of_what_the_alias_stands_for():
    [parameter] = [
        part
        for part in schema()["paths"]["/api/v1/appointments/{id}/reserve"]["post"]["parameters"]
        if part["name"] == "id"
    ]

    assert parameter["description"] == "The slot's id."


def test_null_is_written_as_openapi_3_1_has_it():
    assert schema()["openapi"].startswith("3.1")
    assert "'nullable'" not in str(schema())


def test_names_of_operations_are_unique_and_plain():
    every = [*schema()["paths"].values(), *schema()["webhooks"].values()]
    names = Counter(operation["operationId"] for operations in every for operation in operations.values())

    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        pytest.param(path, parameter, id=path)
        for path, operations in schema()["paths"].items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["name"] == "ordering"
    ],
)
def test_ordering_names_its_values(path, parameter):
    values = parameter["schema"]["items"]["enum"]

    assert {"id", "-id"} <= set(values)
    assert {value.removeprefix("-") for value in values} == {value for value in values if value[0] != "-"}


# --- Webhooks ---------------------------------------------------------------------------------------------------------


def webhook(name: str) -> Any:
    return schema()["webhooks"][name]["post"]


def faults(name: str, body: Any) -> list[str]:
    part = webhook(name)["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(
        {**part, "components": schema()["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def test_every_event_is_a_webhook():
    assert list(schema()["webhooks"]) == list(EVENTS)
    assert all(webhook(name)["description"].startswith(text) for name, text in EVENTS.items())


@pytest.mark.parametrize("name", EVENTS)
def test_body_that_is_sent_follows_its_schema(name):
    assert faults(name, example(name)) == []


def test_body_of_another_event_does_not():
    assert faults("appointment.booked", example("appointment.cancelled")) == [
        "$.type: 'appointment.booked' was expected"
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_that_is_sent_is_described(name):
    def undescribed(body: dict[str, Any], part: Any) -> list[str]:
        if "$ref" in part:
            part = schema()["components"]["schemas"][part["$ref"].rpartition("/")[2]]
        inner = [
            field
            for field, value in body.items()
            if isinstance(value, dict) and "properties" in str(part.get("properties", {}).get(field, {}))
            for field in undescribed(value, part["properties"][field])
        ]
        return [*(field for field in body if field not in part["properties"]), *inner]

    body = example(name)
    data = webhook(name)["requestBody"]["content"]["application/json"]["schema"]

    assert undescribed(body, data) == []
    assert undescribed(body["data"], data["properties"]["data"]) == []


def test_headers_of_a_webhook_are_those_that_are_sent():
    described = {part["name"] for part in webhook("appointment.booked")["parameters"]}

    assert described == {name for name in example_headers("appointment.booked") if name.startswith("webhook-")}
