"""Requests that schemathesis makes up by the OpenAPI document, with ids that there are, and checks of the answers."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.accounts.helpers import tokens_of
from tests.project.schema import endpoint, schema
from tests.project.world import SAMPLES, World, names_in

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PEOPLE = ("staff", "provider", "client", "anonymous")
LEFT_OUT = ("fields", "changed_since")
"""Parameters with tests of their own: a sparse answer lacks what is required, and a cursor cannot be made up."""
TIMES = {
    "start": "2026-03-04",
    "end": "2026-03-09",
    "from": "2026-03-02",
    "to": "2026-03-09",
    "date": "2026-03-04",
    "start_date": "2026-03-05",
    "end_date": "2026-03-06",
    "rrule": "FREQ=DAILY;COUNT=2",
}
NUMBERS = {"page": 1, "page_size": 20}
ONE_IN = 8
"""One in so many values stays as it was made up."""


def loaded_schema() -> OpenApiSchema:
    """Return the API's schema for schemathesis, whose requests go to the application in this process."""
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(schema(), default=str)))
    loaded.app = get_wsgi_application()
    loaded.config.phases.stateful.inference.algorithms = []  # Follow the links of the document, and guess none.
    loaded.config.generation.with_security_parameters = False
    return loaded


@contextmanager
def kept_connection() -> Iterator[None]:
    """Keep the connection to the database, and so the test's transaction, when a request begins or ends."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def headers_of(world: World) -> dict[str, dict[str, str]]:
    """Return the headers by which each person logs in."""
    users = {who: world.people[who].handler._force_user for who in PEOPLE}
    return {
        who: {"Authorization": f"Bearer {tokens_of(user)['access']}"} if user else {} for who, user in users.items()
    }


def fill(case: Case, world: World, linked: set[str | None] = frozenset()) -> None:
    """Put ids of rows that there are, and times that can be booked, into a good request; not where a link gave one."""
    for name in LEFT_OUT:
        case.query.pop(name, None)
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    asked = endpoint(case.method.lower(), case.operation.path, case.operation.definition.raw)
    for name, key in zip(re.findall(r"{(\w+)}", asked.path), names_in(asked), strict=True):
        if name not in linked and key in world.ids:
            case.path_parameters[name] = world.ids[key]
    rows = {key.removesuffix("s"): value for key, value in world.ids.items()}
    known = {**SAMPLES, **rows, **TIMES, **NUMBERS, "client": world.ids["booker"], "owner": world.ids["providers"]}
    for part in (case.query, case.body):
        for name, value in part.items() if isinstance(part, dict) else ():
            size = len(value) if isinstance(value, str) else value if isinstance(value, int) else 0
            if name in known and name not in linked and size % ONE_IN != ONE_IN - 1:
                part[name] = known[name]


def complaints(response: Response, case: Case, **kwargs: Any) -> None:
    """Raise the differences between an answer and the document; IntegrityError for what could not be committed."""
    case.validate_response(response, checks=CHECKS, **kwargs)
    connection.check_constraints()
