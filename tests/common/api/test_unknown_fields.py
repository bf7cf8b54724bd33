"""Input that an endpoint does not read is refused and named, on every endpoint."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import URLPattern, get_resolver
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from booking.appointments.api import AppointmentChangeSerializer
from booking.models import CalendarFeed
from scheduler_project.api import NotFoundView
from scheduler_project.common.api.serializers import Strict
from scheduler_project.common.api.views import StrictView
from tests.project.schema import Endpoint, Schema, endpoints, resolved, schema
from tests.project.world import World, everything, good_body, good_request, path_of, sent

ENDPOINTS = [endpoint for endpoint in endpoints() if not endpoint.path.startswith("/api/v1/sms/")]
"""Twilio's callbacks are exempt: new parameters of Twilio must not break the current ones."""
VOCABULARY = sorted(
    {name for endpoint in ENDPOINTS for name in endpoint.query} | {"format", "embed", "idempotency_key"}
)
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


def refused(answer: Any, code: str) -> set[str]:
    """The names that an answer refuses with this code; it must be a 400, unless it refuses none."""
    if answer.status_code < 400 or not answer.content:
        return set()
    names = {error["attr"] for error in answer.json()["errors"] if error["code"] == code}
    assert answer.status_code == 400 or not names
    return names


def as_staff(world: World, endpoint: Endpoint, path: str, **extra: Any) -> Any:
    """The answer to who gets furthest: staff, but where only clients have something."""
    who = "client" if path.startswith(("/api/v1/me/preferences", "/api/v1/me/phone")) else "staff"
    return sent(world.people[who], endpoint, path, **extra)


# --- Queries ----------------------------------------------------------------------------------------------------------


@every_endpoint
def test_query_parameters_that_are_not_documented_are_refused(world, endpoint):
    path = path_of(endpoint, world.ids)
    strange = [name for name in [*VOCABULARY, "zzz"] if name not in endpoint.query]
    request = good_request(endpoint, world.ids)

    found = set()
    for some in (
        strange[begin : begin + 20] for begin in range(0, len(strange), 20)
    ):  # as many errors as an answer lists
        found |= refused(
            as_staff(world, endpoint, f"{path}?{urlencode(dict.fromkeys(some, '1'))}", **request), "unknown_field"
        )

    assert found == set(strange)


@every_endpoint
def test_query_parameters_that_are_documented_are_read(world, endpoint):
    query = urlencode({name: part.get("items", {}).get("enum", ["1"])[0] for name, part in endpoint.query.items()})

    answer = as_staff(world, endpoint, f"{path_of(endpoint, world.ids)}?{query}", **good_request(endpoint, world.ids))

    assert refused(answer, "unknown_field") == set()


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "renewed"), [("Mars/Olympus", False), ("Europe/Berlin", True)])
def test_wrong_parameter_is_refused_before_anything_is_written(world, zone, renewed):
    path = f"/api/feeds/{world.ids['feeds']}"
    before = CalendarFeed.objects.get(pk=world.ids["feeds"]).token

    answer = world.people["client"].post(f"{path}/renew?timezone={zone}")

    assert answer.status_code == (200 if renewed else 400)
    assert (CalendarFeed.objects.get(pk=world.ids["feeds"]).token != before) is renewed


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs", "/api/docs/swagger"])
@pytest.mark.parametrize("name", ["zzz", "script_", "lang", "version"])
def test_documentation_refuses_what_it_does_not_read(api, path, name):
    answer = api.get(f"{path}?{name}=1")

    assert answer.headers["Content-Type"] == "application/json"
    assert refused(answer, "unknown_field") == {name}


def test_schema_refuses_a_format_it_has_not(api):
    answer = api.get("/api/schema?format=xml")

    assert answer.headers["Content-Type"] == "application/json"
    assert refused(answer, "invalid_choice") == {"format"}


def test_documentation_reads_which_part_of_it_is_asked_for(api):
    assert "SwaggerUIBundle" in api.get("/api/docs/swagger?script=").content.decode()


def test_unknown_parameter_is_told_the_nearest_known_one(api):
    [error] = api.get("/api/providers?speciality=x").json()["errors"]

    assert (error["code"], error["attr"]) == ("unknown_field", "speciality")
    assert "specialization" in error["detail"]


@pytest.mark.django_db
def test_parameter_sent_twice_is_refused(api):
    assert refused(api.get("/api/providers?search=a&search=b"), "duplicate_field") == {"search"}


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "status", "code"), [(1000, 400, "unknown_field"), (1001, 400, "too_many_fields")])
def test_a_thousand_parameters_are_read_and_no_more(api, number, status, code):
    answer = api.get("/api/providers?" + urlencode({f"p{i}": i for i in range(number)}))

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/login/"])
def test_page_with_too_many_parameters_is_a_bad_request(client, path):
    client.raise_request_exception = False

    assert client.get(path + "?" + urlencode({f"p{i}": i for i in range(1001)})).status_code == 400


@pytest.mark.django_db
def test_form_with_too_many_fields_is_a_bad_request(client):
    client.raise_request_exception = False

    assert client.post("/timezone/", {f"p{i}": i for i in range(1001)}).status_code == 400


@pytest.mark.django_db
def test_a_thousand_cookies_are_no_crash(client):
    client.raise_request_exception = False

    assert client.get("/", headers={"cookie": "; ".join(f"c{i}=1" for i in range(2000))}).status_code == 200


# --- Bodies -----------------------------------------------------------------------------------------------------------


def with_strange(part: Schema, ids: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Good bodies with one unknown field, at any depth, and the path to it."""
    good = good_body(part, ids)
    found = [("zzz", {**good, "zzz": 1})]
    for name, field in part["properties"].items():
        inner = resolved(field)
        many = inner.get("type") == "array"
        inner = resolved(inner["items"]) if many else inner
        if inner.get("type") == "object" and "properties" in inner:
            for path, body in with_strange(inner, ids):
                found.append(
                    (f"{name}.0.{path}" if many else f"{name}.{path}", {**good, name: [body] if many else body})
                )
    return found


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.body], ids=str)
def test_unknown_fields_of_a_body_are_refused(world, endpoint):
    where = path_of(endpoint, world.ids)
    for path, body in with_strange(endpoint.body, world.ids):
        answer = as_staff(world, endpoint, where, data=json.dumps(body), content_type="application/json")

        assert path in refused(answer, "unknown_field"), answer.content


WITHOUT_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.method not in ("get", "head") and not endpoint.body]


@pytest.mark.parametrize("endpoint", WITHOUT_BODY, ids=str)
def test_body_where_none_is_read_is_refused(world, endpoint):
    path = path_of(endpoint, world.ids)

    answers = [
        as_staff(world, endpoint, path, data=body, content_type="application/json") for body in ('{"zzz": 1}', "[1]")
    ]

    assert refused(answers[0], "unknown_field") == {"zzz"}
    assert refused(answers[1], "unexpected_body") == {None}


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.body], ids=str)
def test_body_is_documented_as_closed(endpoint):
    assert endpoint.body["additionalProperties"] is False


def test_answers_are_documented_as_open():
    assert "additionalProperties" not in schema()["components"]["schemas"]["Appointment"]


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.body], ids=str)
def test_name_that_stands_twice_is_refused(world, endpoint):
    name = next(iter(endpoint.fields))
    body = f'{{"{name}": null, "{name}": null}}'

    answer = as_staff(world, endpoint, path_of(endpoint, world.ids), data=body, content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "duplicate_field")


@pytest.mark.parametrize("body", ['{"a": {"b": 1, "b": 2}}', '[{"a": 1, "a": 1}]', '{"a": 1, "\\u0061": 1}'])
def test_name_that_stands_twice_is_refused_at_any_depth(api, body):
    answer = api.generic("POST", "/api/login", body, content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "duplicate_field")


def test_name_that_stands_in_two_objects_is_no_duplicate(api, db):
    answer = api.generic("POST", "/api/login", '{"a": {"b": 1}, "c": {"b": 1}}', content_type="application/json")

    assert refused(answer, "unknown_field") == {"a", "c"}


# --- What is shown and not read ---------------------------------------------------------------------------------------

SHOWN = [
    ("/api/admin/users/{users}", "patch"),
    ("/api/appointments/{appointments}", "patch"),
    ("/api/clients/{clients}", "patch"),
    ("/api/clients/{clients}", "put"),
    ("/api/clients/{clients}/preferences", "patch"),
    ("/api/me", "patch"),
    ("/api/message-templates/{message-templates}", "patch"),
    ("/api/providers/{providers}", "patch"),
    ("/api/providers/{providers}", "put"),
    ("/api/providers/{providers}/schedule", "patch"),
    ("/api/providers/{providers}/working-hours", "put"),
    ("/api/services/{services}", "patch"),
    ("/api/time-off/{time-off}", "patch"),
    ("/api/webhooks/{webhooks}", "patch"),
]


@pytest.mark.parametrize(("path", "method"), SHOWN)
def test_what_was_read_can_be_sent_back(world, path, method):
    path = path.format(**world.ids)
    endpoint = Endpoint(method, path, {}, None, [])
    got = world.people["staff"].get(path).json()

    answer = as_staff(world, endpoint, path, data=json.dumps(got), content_type="application/json")

    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("path", "name", "value", "told"),
    [
        ("/api/appointments/{appointments}", "provider", 1, "cannot be changed"),
        ("/api/me", "email", "new@example.org", "cannot be changed"),
        ("/api/me", "is_staff", False, "cannot be changed"),
        ("/api/providers/{providers}", "created_at", "2026-03-05T09:00:00Z", "cannot be changed"),
        ("/api/providers/{providers}/schedule", "provider", 0, "cannot be changed"),
        ("/api/time-off/{time-off}", "provider", 0, "cannot be changed"),
        ("/api/webhooks/{webhooks}", "provider", 0, "cannot be changed"),
        ("/api/webhooks/{webhooks}", "disabled_at", "2026-03-05T09:00:00Z", "enable"),
        ("/api/services/{services}", "owner", None, "cannot be changed"),
        ("/api/series/{series}", "timezone", "Asia/Tokyo", "cannot be changed"),
    ],
)
def test_field_that_is_only_shown_is_refused_with_another_value(world, path, name, value, told):
    path = path.format(**world.ids)
    endpoint = Endpoint("patch", path, {}, None, [])

    answer = as_staff(world, endpoint, path, data=json.dumps({name: value}), content_type="application/json")

    assert refused(answer, "read_only_field") == {name}
    assert told in answer.json()["errors"][0]["detail"]


def test_field_that_another_address_changes_is_told_it(world):
    answer = world.people["provider"].patch(f"/api/providers/{world.ids['providers']}", {"timezone": "UTC"})

    assert refused(answer, "unknown_field") == {"timezone"}
    assert "/schedule" in answer.json()["errors"][0]["detail"]


def test_rescheduling_to_another_provider_is_refused(world):
    path = f"/api/appointments/{world.ids['appointments']}/reschedule"

    answer = world.people["staff"].post(path, {"start_time": "2026-03-04T12:00:00Z", "provider": 1})

    assert refused(answer, "unknown_field") == {"provider"}


def test_addresses_that_change_a_field_are_there():
    documented = {f"{endpoint.method.upper()} {endpoint.path}" for endpoint in ENDPOINTS}
    told = {address for found in serializers_of(Strict) for address in found.changed_by.values()}

    assert told
    assert told - documented == set()


# --- None is forgotten ------------------------------------------------------------------------------------------------


def serializers_of(kind: type) -> list[Any]:
    found = []
    for each in kind.__subclasses__():
        found += [each, *serializers_of(each)]
    return found


OURS = ("accounts", "analytics", "booking", "reminders", "scheduler_project")


def test_every_serializer_that_reads_a_body_is_strict():
    stock = [
        found.__name__
        for found in serializers_of(BaseSerializer)
        if found.__module__.startswith(OURS)
        and not issubclass(found, Strict)
        and not found.__name__.endswith("QuerySerializer")
        and found.__module__ not in ("reminders.channels.sms.api", "scheduler_project.common.api.schema")
    ]

    assert AppointmentChangeSerializer in serializers_of(Strict)
    assert stock == []


def views(patterns: Any, prefix: str = "") -> dict[str, Any]:
    found = {}
    for pattern in patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found[here] = getattr(pattern.callback, "cls", None)
        else:
            found |= views(pattern.url_patterns, here)
    return found


def test_every_view_of_the_api_is_strict():
    loose = {
        path: view.__name__
        for path, view in views(get_resolver().url_patterns).items()
        if isinstance(view, type) and issubclass(view, APIView) and not issubclass(view, (StrictView, NotFoundView))
    }

    assert sorted(set(loose.values())) == ["InboundView", "StatusView"]
