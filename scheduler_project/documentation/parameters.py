"""Descriptions of the parameters in paths, and of those in queries that many lists have."""

from typing import Any

from scheduler_project.common.api.content import Pagination
from scheduler_project.common.api.fields import BIGGEST_ID
from scheduler_project.common.api.versions import ROOT

NOUNS = {
    "doctors": "provider",
    "feeds": "calendar feed",
    "keys": "API key",
    "message-templates": "template",
    "schedules": "window",
    "series": "series",
    "time-off": "absence",
}
"""The noun that an `id` names, where it is not the singular of the address."""

OTHERS = {
    "client": "The client's id.",
    "message": "The delivery's id.",
    "sign_in_id": "The sign-in's id.",
    "date": "The date, as year, month and day.",
}
"""Parameters other than `id`."""

QUERIES = {
    "page": "Page number, starting at 1.",
    "provider": "Filter by provider id.",
    "client": "Filter by client id.",
    "service": "Filter by service id.",
    "series": "Filter by series id.",
    "appointment": "Filter by appointment id.",
    "channel": "Filter by channel.",
    "language": "Filter by language.",
    "specialization": "Filter by specialisation.",
    "search": "Search by words.",
    "is_active": "Filter by whether clients can book them.",
    "needs_approval": "Filter by whether they require approval.",
    "disabled": "Filter by whether they are disabled.",
}
"""Parameters of queries that their views leave undescribed."""

ID = {"minimum": 1, "maximum": BIGGEST_ID, "format": "int64"}

LIMITS = {
    **dict.fromkeys(("appointment", "client", "owner", "provider", "series", "service"), ID),
    "page": {"minimum": 1},
    "page_size": {"minimum": 1, "maximum": Pagination.max_page_size},
    "timezone": {"minLength": 1, "maxLength": 64},
}
"""Limits of parameters in queries that the generator does not read from filters and pages."""

ORDERING = "Fields to sort by, separated by commas. Put `-` before a field to reverse its order."


def describe_parameters(result: dict[str, Any]) -> None:
    """Describe the parameters of all operations. Ids in paths are positive whole numbers."""
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    parameter["schema"] |= LIMITS.get(parameter["name"], {})
                    if parameter["name"] == "ordering":
                        parameter["description"] = ORDERING
                    elif not parameter.get("description"):
                        parameter["description"] = QUERIES.get(parameter["name"], "")
                if parameter["in"] == "path":
                    named = operation.get("x-alias-of", path).rpartition(ROOT)[2]
                    parameter["description"] = meaning(parameter["name"], named)
                    if parameter["schema"].get("format") not in ("date", "uuid") and parameter["name"] != "sign_in_id":
                        parameter["schema"] = {"type": "integer", "minimum": 1}


def meaning(name: str, path: str) -> str:
    """Return what a parameter of a path means: "The appointment's id." for the `id` in `appointments/{id}`."""
    if name in OTHERS:
        return OTHERS[name]
    address = path.partition(f"/{{{name}}}")[0].rpartition("/")[2]
    noun = NOUNS.get(address, address.removesuffix("s"))
    return f"The {noun}'s id." if name == "id" else f"The {noun}'s {name}."
