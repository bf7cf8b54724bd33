"""Programs that work with the last release work with this one too."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from scheduler_project.common.api.content import JSONRenderer
from scheduler_project.reference.compatibility import breaking_changes
from scheduler_project.reference.management.commands import keep_schema
from tests.project.schema import schema


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return json.loads(JSONRenderer().render(schema()))


def test_nothing_breaks_since_the_last_release(now):
    [path] = keep_schema.kept()

    broken = breaking_changes(json.loads(path.read_text(encoding="utf-8")), now)

    assert broken == [], (
        f"This breaks programs that work with {path.name}. Keep what there was beside what is new; see "
        "docs/explanation/api-changes.md. At a release, `make schema-kept`."
    )


def test_kept_is_the_document_of_a_release():
    [path] = keep_schema.kept()
    text = path.read_text(encoding="utf-8")
    kept = json.loads(text)

    assert path.name == f"openapi-{'.'.join(kept['info']['version'].split('.')[:2])}.json"
    assert text == keep_schema.in_lines(kept)


def test_command_replaces_the_document_of_the_last_release(tmp_path, monkeypatch, now):
    monkeypatch.setattr(keep_schema, "FOLDER", tmp_path)
    (tmp_path / "openapi-0.1.json").write_text("{}")

    call_command("keep_schema")

    [path] = tmp_path.iterdir()
    assert path.name == f"openapi-{settings.SPECTACULAR_SETTINGS['VERSION'].rpartition('.')[0]}.json"
    assert json.loads(path.read_text()) == now


# --- What breaks ------------------------------------------------------------------------------------------------------


def small() -> dict[str, Any]:
    """A small document: one list, one write, one event."""
    item = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "status": {"$ref": "#/components/schemas/Status"},
            "title": {"type": "string"},
            "next": {"oneOf": [{"$ref": "#/components/schemas/Item"}, {"type": "null"}]},
        },
        "required": ["id", "status"],
    }
    written = {
        "type": "object",
        "properties": {"title": {"type": ["string", "null"]}, "status": {"$ref": "#/components/schemas/Status"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ItemRequest"}}}, "required": True}
    document = {
        "paths": {
            "/items": {
                "get": {
                    "parameters": [{"in": "query", "name": "status", "schema": {"type": "string", "enum": ["a", "b"]}}],
                    "responses": {"200": answer, "404": {}},
                },
                "post": {"requestBody": body, "responses": {"201": answer}},
            }
        },
        "webhooks": {"item.made": {"post": {"requestBody": answer, "responses": {}}}},
        "components": {
            "schemas": {"Item": item, "ItemRequest": written, "Status": {"type": "string", "enum": ["a", "b"]}}
        },
    }
    return deepcopy(document)


def changed(change: Callable[[dict[str, Any]], Any]) -> list[str]:
    new = small()
    change(new)
    return breaking_changes(small(), new)


def item(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Item"]


def request(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["ItemRequest"]


def get(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/items"]["get"]


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda new: new["paths"].clear(), "GET /items is gone"),
        (lambda new: new["paths"]["/items"].pop("post"), "POST /items is gone"),
        (lambda new: new["webhooks"].clear(), "the event item.made is gone"),
        (lambda new: get(new)["parameters"].clear(), "GET /items reads no status in the query any more"),
        (lambda new: get(new)["parameters"][0].update(required=True), "GET /items requires status in the query"),
        (
            lambda new: get(new)["parameters"][0]["schema"]["enum"].pop(),
            "GET /items reads status 'b' is no value any more",
        ),
        (lambda new: get(new)["responses"].pop("200"), "GET /items answers no 200 any more"),
        (lambda new: item(new)["properties"].pop("title"), "GET /items answers no title any more"),
        (lambda new: item(new)["required"].remove("id"), "GET /items answers id not always"),
        (
            lambda new: item(new)["properties"].update(id={"type": "string"}),
            "GET /items answers id: integer became string",
        ),
        (
            lambda new: item(new)["properties"].update(id={"type": ["integer", "null"]}),
            "GET /items answers id: integer became integer or null",
        ),
        (
            lambda new: item(new)["properties"].update(title={"type": "string", "format": "date"}),
            "GET /items answers title: the format None became date",
        ),
        (lambda new: request(new)["required"].append("status"), "POST /items reads status, which is now required"),
        (lambda new: request(new)["properties"].pop("status"), "POST /items reads no status any more"),
        (
            lambda new: request(new)["properties"].update(title={"type": "string"}),
            "POST /items reads title: null or string became string",
        ),
        (
            lambda new: request(new)["properties"].update(title={"type": ["string", "null"], "enum": ["x"]}),
            "POST /items reads title: only some values are taken now",
        ),
        (
            lambda new: new["components"]["schemas"]["Status"]["enum"].pop(),
            "POST /items reads status: 'b' is no value any more",
        ),
    ],
)
def test_what_breaks_programs_is_named(change, broken):
    assert broken in changed(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda new: None,
        lambda new: new["paths"].update({"/others": deepcopy(new["paths"]["/items"])}),
        lambda new: new["webhooks"].update({"item.gone": new["webhooks"]["item.made"]}),
        lambda new: get(new)["parameters"].append({"in": "query", "name": "page", "schema": {"type": "integer"}}),
        lambda new: get(new)["responses"].pop("404"),
        lambda new: item(new)["properties"].update(more={"type": "string"}),
        lambda new: item(new)["required"].append("title"),
        lambda new: request(new)["properties"].update(more={"type": "string"}),
        lambda new: request(new)["required"].clear(),
        lambda new: new["components"]["schemas"]["Status"]["enum"].append("c"),
        lambda new: get(new)["responses"]["200"].update(description="Other words."),
    ],
)
def test_what_is_added_breaks_nothing(change):
    assert changed(change) == []
