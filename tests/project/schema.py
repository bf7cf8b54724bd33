"""The API's operations, read from its OpenAPI schema."""

from functools import cache
from typing import Any, NamedTuple

from drf_spectacular.generators import SchemaGenerator

Schema = dict[str, Any]


@cache
def schema() -> Schema:
    return SchemaGenerator().get_schema(request=None, public=True)


class Endpoint(NamedTuple):
    method: str
    path: str
    query: dict[str, Schema]
    body: Schema | None
    """The schema of the body's fields, or None where none is read."""
    examples: list[Any]
    alias_of: str = ""
    """The operation that it is an alias of."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def fields(self) -> dict[str, Schema]:
        return self.body["properties"] if self.body else {}


def resolved(part: Schema) -> Schema:
    """A part of the schema with its reference followed, as it is where it is not null."""
    if len(part.get("allOf", [])) == 1:
        part = {**part["allOf"][0], **part}
    if isinstance(part.get("type"), list):
        part = {**part, "type": next(kind for kind in part["type"] if kind != "null")}
    if len(others := [each for each in part.get("oneOf", []) if each != {"type": "null"}]) == 1:
        part = {**others[0], **part}
    if "$ref" in part:
        return schema()["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def endpoints() -> list[Endpoint]:
    """Every operation of the schema, in its order."""
    return [
        endpoint(method, path, operation)
        for path, operations in schema()["paths"].items()
        for method, operation in operations.items()
    ]


def endpoint(method: str, path: str, operation: Schema) -> Endpoint:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return Endpoint(
        method,
        path.rstrip("/"),
        {part["name"]: part["schema"] for part in operation.get("parameters", []) if part["in"] == "query"},
        resolved(content["schema"]) if content else None,
        [example["value"] for example in content.get("examples", {}).values()] if content else [],
        operation.get("x-alias-of", ""),
    )
