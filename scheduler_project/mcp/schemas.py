"""The arguments of the tools, read from the API's OpenAPI document."""

from functools import cache
from typing import Any, NamedTuple

from scheduler_project.api import document
from scheduler_project.common.api.versions import ROOT
from scheduler_project.mcp.tools import Tool

Schema = dict[str, Any]

PAGE_SIZE = 20
"""The rows of an answer if the caller does not say. A model reads all of them."""

OF_PROGRAMS = frozenset({"preview", "changed_since"})
"""Parameters of the API that no tool shows: it is called `dry_run` here, or is for copies of all rows."""

DRY_RUN: Schema = {
    "type": "boolean",
    "default": False,
    "description": ("Dry run: return what would happen, and change nothing."),
}


class Arguments(NamedTuple):
    """The arguments of an operation, by where a request has them. One may be in two places."""

    path: dict[str, Schema]
    query: dict[str, Schema]
    body: dict[str, Schema]
    required: frozenset[str]


@cache
def arguments_of(method: str, path: str) -> Arguments:
    operation = document()["paths"][f"{ROOT}{path}"][method]
    parameters = operation.get("parameters", ())
    described = {
        place: {
            each["name"]: {"description": each.get("description", ""), **inlined(each["schema"])}
            for each in parameters
            if each["in"] == place
        }
        for place in ("path", "query")
    }
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = inlined(content["schema"]) if content else {}
    required = {each["name"] for each in parameters if each.get("required")} | set(body.get("required", ()))
    return Arguments(described["path"], described["query"], body.get("properties", {}), frozenset(required))


def inlined(part: Any) -> Any:
    """Return a part of the document with what its references lead to: a tool's schema stands alone."""
    if isinstance(part, list):
        return [inlined(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return inlined({**document()["components"]["schemas"][name], **rest})
    return {key: inlined(value) for key, value in part.items()}


@cache
def input_schema(tool: Tool) -> Schema:
    """Return the JSON Schema of a tool's arguments. `preview` of the API is `dry_run` here."""
    path, query, body, required = arguments_of(tool.method, tool.path)
    properties = {**path, **query, **body, **tool.instead}
    if "preview" in properties:
        properties["dry_run"] = DRY_RUN
    if "page_size" in properties:
        properties["page_size"] = {**properties["page_size"], "default": PAGE_SIZE}
    shown = {name: each for name, each in properties.items() if name not in tool.left_out | OF_PROGRAMS}
    return {"type": "object", "properties": shown, "required": sorted(required), "additionalProperties": False}
