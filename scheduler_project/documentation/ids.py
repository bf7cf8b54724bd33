"""What the parameters in paths mean."""

from typing import Any

from scheduler_project.common.api.versions import ROOT

NOUNS = {
    "doctors": "provider",
    "feeds": "calendar feed",
    "message-templates": "template",
    "schedules": "window",
    "series": "series",
    "time-off": "absence",
}
"""What an `id` names where that is not the singular of the address."""

OTHERS = {
    "client": "The client's id.",
    "message": "The delivery's id.",
    "sign_in_id": "The sign-in's id.",
    "date": "The date, as year, month and day.",
}
"""Parameters other than `id`."""


def describe_ids(result: dict[str, Any]) -> None:
    """Describe the parameters of all paths. Ids are positive whole numbers."""
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    named = operation.get("x-alias-of", path).rpartition(ROOT)[2]
                    parameter["description"] = meaning(parameter["name"], named)
                    if parameter["schema"].get("format") not in ("date", "uuid") and parameter["name"] != "sign_in_id":
                        parameter["schema"] = {"type": "integer", "minimum": 1}


def meaning(name: str, path: str) -> str:
    """Return what a parameter of a path means: "The appointment's id." for the `id` in `appointments/{id}`."""
    if name in OTHERS:
        return OTHERS[name]
    address = path.partition("/")[0]
    noun = NOUNS.get(address, address.removesuffix("s"))
    return f"The {noun}'s id." if name == "id" else f"The {noun}'s {name}."
