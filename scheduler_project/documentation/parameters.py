"""Descriptions of the parameters in paths, and of those in queries that many lists have."""

from typing import Any

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
    "page": "The number of the page, from 1 on.",
    "provider": "Only what is of this provider, by id.",
    "client": "Only what is of this client, by id.",
    "service": "Only what is of this service, by id.",
    "series": "Only what is of this series, by id.",
    "appointment": "Only what is of this appointment, by id.",
    "channel": "Only what goes by this channel.",
    "language": "Only what is in this language.",
    "specialization": "Only those with this specialization.",
    "search": "Only those with these words.",
    "is_active": "Only those that can be booked, or that cannot.",
    "needs_approval": "Only those that need approval, or that do not.",
    "disabled": "Only those that are disabled, or that are not.",
}
"""Parameters of queries that their views leave undescribed."""

ORDERING = "By what the rows are ordered; with a `-` the other way round. Several are written with commas."


def describe_parameters(result: dict[str, Any]) -> None:
    """Describe the parameters of all operations. Ids in paths are positive whole numbers."""
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
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
