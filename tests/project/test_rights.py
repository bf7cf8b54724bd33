"""Staff's rights in the API: exactly the permissions of Django, as in the admin.

The table is complete: an operation of the API that is in neither set fails the test. The permissions of the groups are
in `test_admin_rights`."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from accounts.models import User
from tests.conftest import logged_in
from tests.factories import UserFactory
from tests.groups import FRONT_DESK, MANAGER, staff_of
from tests.project.schema import Endpoint, endpoints
from tests.project.world import World, as_json, everything, good_request, path_of, sent

ASKED: dict[str, str] = {
    "get /api/admin/appointments": "booking.view_appointment",
    "get /api/admin/reminders": "reminders.view_message",
    "get /api/admin/statistics": "accounts.view_user",
    "get /api/analytics": "booking.view_appointment",
    "get /api/appointments": "booking.view_appointment",
    "post /api/appointments": "booking.add_appointment",
    "get /api/appointments/{id}": "booking.view_appointment",
    "patch /api/appointments/{id}": "booking.change_appointment",
    "delete /api/appointments/{id}": "booking.change_appointment",
    "get /api/appointments/{id}.ics": "booking.view_appointment",
    "post /api/appointments/{id}/approve": "booking.change_appointment",
    "post /api/appointments/{id}/cancel": "booking.change_appointment",
    "post /api/appointments/{id}/decline": "booking.change_appointment",
    "get /api/appointments/{id}/history": "booking.view_appointment",
    "get /api/appointments/{id}/reminders": "reminders.view_message",
    "post /api/appointments/{id}/reschedule": "booking.change_appointment",
    "patch /api/appointments/{id}/status": "booking.change_appointment",
    "get /api/clients": "accounts.view_client",
    "post /api/clients": "accounts.add_client",
    "get /api/clients/{id}": "accounts.view_client",
    "put /api/clients/{id}": "accounts.change_client",
    "patch /api/clients/{id}": "accounts.change_client",
    "delete /api/clients/{id}": "accounts.delete_client",
    "post /api/clients/{id}/erase": "accounts.delete_client",
    "get /api/clients/{id}/preferences": "reminders.view_preferences",
    "patch /api/clients/{id}/preferences": "reminders.add_preferences",
    "get /api/closures": "booking.view_closure",
    "post /api/closures": "booking.add_closure",
    "get /api/closures/{id}": "booking.view_closure",
    "delete /api/closures/{id}": "booking.delete_closure",
    "get /api/feeds": "booking.change_calendarfeed",
    "post /api/feeds": "booking.change_calendarfeed",
    "get /api/feeds/{id}": "booking.change_calendarfeed",
    "delete /api/feeds/{id}": "booking.change_calendarfeed",
    "post /api/feeds/{id}/renew": "booking.change_calendarfeed",
    "get /api/message-templates": "reminders.view_messagetemplate",
    "post /api/message-templates": "reminders.add_messagetemplate",
    "get /api/message-templates/{id}": "reminders.view_messagetemplate",
    "patch /api/message-templates/{id}": "reminders.change_messagetemplate",
    "delete /api/message-templates/{id}": "reminders.delete_messagetemplate",
    "post /api/message-templates/preview": "reminders.add_messagetemplate",
    "get /api/opt-outs": "reminders.view_optout",
    "post /api/opt-outs": "reminders.add_optout",
    "get /api/opt-outs/{id}": "reminders.view_optout",
    "delete /api/opt-outs/{id}": "reminders.change_optout",
    "post /api/providers": "accounts.add_provider",
    "put /api/providers/{id}": "accounts.change_provider",
    "patch /api/providers/{id}": "accounts.change_provider",
    "delete /api/providers/{id}": "accounts.delete_provider",
    "post /api/providers/{id}/availability": "booking.add_availabilitywindow",
    "post /api/providers/{id}/date-overrides": "booking.change_dateoverride",
    "delete /api/providers/{id}/date-overrides/{date}": "booking.delete_dateoverride",
    "patch /api/providers/{id}/schedule": "booking.change_schedule",
    "put /api/providers/{id}/working-hours": "booking.change_schedule",
    "get /api/reminders": "reminders.view_message",
    "get /api/reminders/{id}": "reminders.view_message",
    "get /api/reminders/{id}/attempts": "reminders.view_message",
    "post /api/reminders/{id}/retry": "reminders.change_message",
    "post /api/admin/reminders/replay": "reminders.change_message",
    "post /api/admin/expire-reservations": "booking.change_reservation",
    "get /api/reservations": "booking.view_reservation",
    "post /api/reservations": "booking.add_appointment",
    "get /api/reservations/{id}": "booking.view_reservation",
    "delete /api/reservations/{id}": "booking.change_reservation",
    "post /api/reservations/{id}/confirm": "booking.add_appointment",
    "post /api/slots/{id}/reserve": "booking.add_appointment",
    "get /api/schedules": "booking.view_availabilitywindow",
    "post /api/schedules": "booking.add_availabilitywindow",
    "get /api/schedules/{id}": "booking.view_availabilitywindow",
    "delete /api/schedules/{id}": "booking.delete_availabilitywindow",
    "get /api/series": "booking.view_appointmentseries",
    "post /api/series": "booking.add_appointment",
    "post /api/series/preview": "booking.add_appointment",
    "get /api/series/{id}": "booking.view_appointmentseries",
    "patch /api/series/{id}": "booking.change_appointmentseries",
    "delete /api/series/{id}": "booking.change_appointmentseries",
    "post /api/series/{id}/cancel": "booking.change_appointmentseries",
    "post /api/services": "booking.add_service",
    "patch /api/services/{id}": "booking.change_service",
    "delete /api/services/{id}": "booking.delete_service",
    "get /api/time-off": "booking.view_timeoff",
    "post /api/time-off": "booking.add_timeoff",
    "get /api/time-off/{id}": "booking.view_timeoff",
    "patch /api/time-off/{id}": "booking.change_timeoff",
    "delete /api/time-off/{id}": "booking.delete_timeoff",
    "post /api/providers/{id}/approve": "accounts.change_provider",
    "post /api/providers/{id}/decline": "accounts.change_provider",
    "get /api/webhooks": "reminders.change_webhookendpoint",
    "post /api/webhooks": "reminders.change_webhookendpoint",
    "get /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "patch /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "delete /api/webhooks/{id}": "reminders.change_webhookendpoint",
    "get /api/webhooks/{id}/deliveries": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/deliveries/{message}/replay": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/disable": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/enable": "reminders.change_webhookendpoint",
    "post /api/webhooks/{id}/rotate": "reminders.change_webhookendpoint",
}
"""The permission staff need for each operation on what is not their own."""

FOR_EVERYBODY = (
    r"get /api/providers(/\{id\}(/(availability|date-overrides|schedule|working-hours))?)?",
    r"get /api/services(/\{id\})?",
    r"get /api/slots(/next)?",
    r"post /api/(login|register|token/refresh|password/reset(/confirm)?|sms/(inbound|status))",
)
OF_ONESELF = (r"\w+ /api/me(/.*)?", r"post /api/(logout|password/change)")

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
    others = {name for name in ENDPOINTS if any(re.fullmatch(one, name) for one in (*FOR_EVERYBODY, *OF_ONESELF))}

    assert others.isdisjoint(ASKED)
    assert set(ENDPOINTS) == others | set(ASKED)


def test_operations_are_for_those_with_the_permission_and_nobody_else(world, people):
    wrong = []
    for name, permission in ASKED.items():
        for role, user in people.items():
            answer = ask(world, user, ENDPOINTS[name])
            if got(answer) != user.has_perm(permission):
                wrong.append(f"{name}, {role}: {answer.status_code} {answer.content[:200]!r}")

    assert not wrong, "\n".join(wrong)


def ask(world: World, user: User, endpoint: Endpoint) -> Any:
    """The answer to a good request about what belongs to a provider and a client who are not this user."""
    request = good_request(endpoint, world.ids)
    if whose := WHOSE.get(str(endpoint)):
        request = as_json({**json.loads(request["data"]), whose: world.ids[f"{whose}s"]})
    return sent(logged_in(user), endpoint, path_of(endpoint, world.ids), **request)


WHOSE = {
    "post /api/feeds": "provider",
    "post /api/reservations": "client",
    "post /api/schedules": "provider",
    "post /api/slots/{id}/reserve": "client",
    "post /api/time-off": "provider",
    "post /api/webhooks": "provider",
}
"""The owner of an operation's object, if it is not given in the request."""


def got(answer: Any) -> bool:
    """Return whether access was granted. An empty list counts as refused, except for a list of attempts to send."""
    if answer.status_code in (401, 403, 404):
        return False
    if answer.request["PATH_INFO"].endswith("/attempts"):
        return True
    empty = answer.status_code == 200 and "json" in answer["Content-Type"] and answer.json().get("count") == 0
    return not empty


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
