"""Links of the OpenAPI document: which operations an answer leads to, and with which of its values.

An answer with a row leads to the operations on that row. Answers of those operations do not: their caller has the id.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from scheduler_project.common.api.versions import ROOT

Schema = dict[str, Any]

ROWS = {
    "AdminUser": "admin/users",
    "Appointment": "appointments",
    "AppointmentOrGuests": "appointments",
    "Client": "clients",
    "Closure": "closures",
    "ClosureChange": "closures",
    "Confirmed": "appointments",
    "ConfirmedForClient": "appointments",
    "Feed": "feeds",
    "Held": "reservations",
    "Key": "keys",
    "KeyWithText": "keys",
    "MessageTemplate": "message-templates",
    "OptOut": "opt-outs",
    "Provider": "providers",
    "Reminder": "reminders",
    "Reservation": "reservations",
    "Series": "series",
    "SeriesChange": "series",
    "Service": "services",
    "Slot": "slots",
    "TimeOff": "time-off",
    "TimeOffChange": "time-off",
    "Webhook": "webhooks",
    "WebhookWithSecret": "webhooks",
    "Window": "schedules",
    "WindowChange": "schedules",
}
"""The address that a schema's `id` belongs to."""


class Other(NamedTuple):
    """A link that does not lead from a row to an operation on it."""

    source: str
    target: str
    parameters: dict[str, str]


OTHERS = [
    *(
        Other("get providers", target, {"query.provider": "$response.body#/results/0/id"})
        for target in ("get slots", "get slots/next", "get services")
    ),
    Other("get services", "get slots", {"query.service": "$response.body#/results/0/id"}),
    Other(
        "get providers/{id}/date-overrides",
        "delete providers/{id}/date-overrides/{date}",
        {"id": "$request.path.id", "date": "$response.body#/results/0/date"},
    ),
    Other(
        "post providers/{id}/date-overrides",
        "delete providers/{id}/date-overrides/{date}",
        {"id": "$request.path.id", "date": "$response.body#/date"},
    ),
    Other(
        "get webhooks/{id}/deliveries",
        "post webhooks/{id}/deliveries/{message}/replay",
        {"id": "$request.path.id", "message": "$response.body#/results/0/id"},
    ),
    Other("get me/sign-ins", "delete me/sign-ins/{sign_in_id}", {"sign_in_id": "$response.body#/0/id"}),
    Other("get clients", "post clients/{client}/reserve", {"client": "$response.body#/results/0/id"}),
    Other("post clients", "post clients/{client}/reserve", {"client": "$response.body#/id"}),
    Other("post clients/{client}/reserve", "post clients/{client}/confirm", {"client": "$request.path.client"}),
]


def link_operations(result: Schema) -> None:
    """Add to each answer the links to what can follow it."""
    operations = {
        f"{method} {path.removeprefix(ROOT)}": (path, operation)
        for path, described in result["paths"].items()
        for method, operation in described.items()
    }
    targets = {row: list(_operations_on(row, result)) for row in set(ROWS.values())}
    for path, operation in operations.values():
        response = _success(operation)
        row, pointer = _row_in(response) or ("", "")
        if row and "{id}" not in _meant(path, operation).partition(f"{row}/")[2]:
            for target in targets[row]:
                _link(response, target, {"id": f"$response.body#{pointer}/id"})
    for other in OTHERS:
        _link(_success(operations[other.source][1]), operations[other.target][1], other.parameters)


def _success(operation: Schema) -> Schema:
    """Return the answer of an operation that did what it is for. Where there is a 201, a 200 is a preview's."""
    answers: Schema = operation["responses"]
    return next((answers[status] for status in ("201", "200") if status in answers), {})


def _link(response: Schema, target: Schema, parameters: dict[str, str]) -> None:
    name = target["operationId"]
    link = {"operationId": name, "parameters": parameters, "description": f"{target['summary']}."}
    response.setdefault("links", {})[name] = link


def _operations_on(row: str, result: Schema) -> Iterator[Schema]:
    """Yield the operations at a row's address and below it, aliases among them, that need nothing but its id."""
    for path, described in result["paths"].items():
        for operation in described.values():
            if _meant(path, operation).startswith(f"{row}/{{id}}") and re.findall(r"{(\w+)}", path) == ["id"]:
                yield operation


def _meant(path: str, operation: Schema) -> str:
    """Return an operation's path without the root; of an alias, that which it stands for."""
    return operation.get("x-alias-of", path).rpartition(ROOT)[2] if ROOT in path else ""


def _row_in(response: Schema) -> tuple[str, str] | None:
    """Return the address of the row in an answer, and the pointer to the row: to the first of a page."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    for part in [schema, *schema.get("oneOf", ())]:
        name = part.get("$ref", "").rpartition("/")[2]
        if page := re.fullmatch(r"Paginated(\w+)List", name):
            return (ROWS[page[1]], "/results/0") if page[1] in ROWS else None
        if name in ROWS:
            return ROWS[name], ""
    return None
