"""Staff's rights in the API: exactly the permissions of Django, as in the admin.

The tables are complete: an operation of the API that is in none of them fails the test. The permissions of the groups
are in `test_admin_rights`."""

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from accounts.models import User
from scheduler_project.reference.permissions import (
    ALIASED,
    FOR_EVERYBODY,
    FOR_GUESTS,
    OF_ONESELF,
    OF_VISITORS,
    OPERATIONS,
)
from tests.conftest import logged_in
from tests.factories import UserFactory
from tests.groups import FRONT_DESK, MANAGER, staff_of
from tests.project.schema import Endpoint, endpoints, schema
from tests.project.world import World, as_json, everything, good_request, path_of, sent

ROLES = ("nobody", "front desk", "manager", "superuser")
ENDPOINTS = {str(endpoint): endpoint for endpoint in endpoints()}


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


@pytest.fixture
def people(world) -> dict[str, User]:
    return {
        "nobody": UserFactory(staff=True),
        "front desk": staff_of(FRONT_DESK),
        "manager": staff_of(MANAGER),
        "superuser": UserFactory(superuser=True),
    }


def test_table_names_every_operation():
    assert Counter([*OPERATIONS, *FOR_EVERYBODY, *OF_ONESELF, *OF_VISITORS, *ALIASED]) == Counter(ENDPOINTS.keys())


def test_schema_names_the_operations_that_take_a_guests_token():
    taking = {
        f"{method} {path.rstrip('/')}"
        for path, operations in schema()["paths"].items()
        for method, operation in operations.items()
        if {"guestAuth": []} in operation.get("security", [])
    }

    aliases = {alias for alias, name in ALIASED.items() if name in FOR_GUESTS and "{client}" not in alias}
    assert taking == {*FOR_GUESTS, *aliases}


def test_operations_are_for_those_with_the_permission_and_nobody_else(world, people):
    wrong = []
    aliases = {alias: OPERATIONS[name] for alias, name in ALIASED.items() if name in OPERATIONS}
    for name, permission in (OPERATIONS | aliases).items():
        for role, user in people.items():
            answer = ask(world, user, ENDPOINTS[name])
            if got(answer) != user.has_perm(permission):
                wrong.append(f"{name}, {role}: {answer.status_code} {answer.content[:200]!r}")

    assert not wrong, "\n".join(wrong)


def ask(world: World, user: User, endpoint: Endpoint) -> Any:
    """The answer to a good request about what belongs to a provider and a client who are not this user."""
    request = good_request(endpoint, world.ids)
    if "{client}" not in endpoint.path and (whose := WHOSE.get(endpoint.alias_of or str(endpoint))):
        request = as_json({**json.loads(request["data"]), whose: world.ids[f"{whose}s"]})
    return sent(logged_in(user), endpoint, path_of(endpoint, world.ids), **request)


WHOSE = {
    "post /api/v1/feeds": "provider",
    "post /api/v1/reservations": "client",
    "post /api/v1/schedules": "provider",
    "post /api/v1/slots/{id}/reserve": "client",
    "post /api/v1/time-off": "provider",
    "post /api/v1/webhooks": "provider",
}
"""The owner of an operation's object, if it is not given in the request."""


def got(answer: Any) -> bool:
    """Return whether access was granted. An empty list counts as refused, except where all is on one page."""
    if answer.status_code in (401, 403, 404):
        return False
    if answer.status_code != 200 or "json" not in answer["Content-Type"]:
        return True
    found = answer.json()
    return isinstance(found, list) or answer.request["PATH_INFO"].endswith("/attempts") or found.get("count") != 0


# --- The names of permissions -----------------------------------------------------------------------------------------


def named_in_code() -> set[str]:
    """Every text in the code that looks like one: `booking.add_appointment`; those put together are left out."""
    shape = re.compile(r"(accounts|booking|reminders|common)\.(view|add|change|delete)_[a-z]+")
    found = set()
    for app in ("accounts", "booking", "reminders", "analytics", "scheduler_project"):
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and shape.fullmatch(node.value):
                    found.add(node.value)
    return found


def test_every_permission_named_in_the_code_is_one():
    there_are = {
        f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
        for model in apps.get_models()
        for verb in model._meta.default_permissions
    }

    assert len(named_in_code()) > 20
    assert named_in_code() - there_are == set()
