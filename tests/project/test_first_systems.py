"""The lines of five small systems from which this one grew, by HTTP: what each promised is still kept.

A line is a call by one of the people of `world.py`, and what must be in its answer. Lines that take several calls are
tests of their own, below the tables. What is asked here shortly is tested at length elsewhere: this file says that
nothing of it was lost.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from django.conf import settings
from rest_framework.test import APIClient

from reminders.enums import MessageStatus
from reminders.models import Message
from scheduler_project.celery import app
from tests.booking.answers import refusal, starts
from tests.factories import NOON, PASSWORD, at, open_provider
from tests.project.schema import schema
from tests.project.world import World, everything

ELSEWHERE = (
    "S1 load balancing",  # docs/howto/scale.md
    "S2 first_name/last_name",  # one `name`, on purpose: people's names have no two parts everywhere
    "S2 asynchronous server",  # threads, on purpose: ADR 1
    "S3 OAuth",  # tests/accounts/sign_in/test_identities.py
    "S3 k8s",
    "S4 React client",  # tests/browser/test_examples.py
)
"""Lines that are kept in another way, tested in another place, or not there yet. To be emptied."""

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD}
NINE, FREE = "2026-03-05T09:00:00Z", "2026-03-04T15:00:00Z"
SATURDAY = {"start_time": "2026-03-07T12:00:00Z", "end_time": "2026-03-07T13:00:00Z"}
MONDAY = {"hours": [{"weekday": 0, "start_time": "09:00", "end_time": "12:00"}]}


class Line(NamedTuple):
    """A line of a system: who calls what, with which body, and what is answered."""

    name: str
    who: str
    request: str
    body: Any = None
    status: int = 200
    has: Any = None
    """A part of the answer: values by name, or names that must be there."""


S0 = [
    Line("register", "anonymous", "POST /api/register", ADA, 201, {"access", "refresh", "user"}),
    Line("users have a timezone, UTC", "anonymous", "POST /api/register", ADA, 201, {"user": {"timezone": "UTC"}}),
    Line(
        "clients' fields", "provider", "GET /api/clients/{clients}", has={"owner", "name", "email", "phone", "timezone"}
    ),
    Line("clients' timezone, UTC", "provider", "POST /api/clients", {"name": "Ada"}, 201, {"timezone": "UTC"}),
    Line(
        "appointments' fields",
        "provider",
        "GET /api/appointments/{appointments}",
        has={"provider", "client", "title", "description", "start_time", "timezone", "status"},
    ),
    Line("dispatches", "provider", "GET /api/reminders/{reminders}", has={"channel", "sent_at", "status", "error"}),
    Line("attempts of one", "provider", "GET /api/reminders/{reminders}/attempts", has={"results"}),
    Line("list clients", "provider", "GET /api/clients", has={"results"}),
    Line("add a client", "provider", "POST /api/clients", {"name": "Ada"}, 201, {"id"}),
    Line("show a client", "provider", "GET /api/clients/{clients}", has={"id"}),
    Line("PATCH a client", "provider", "PATCH /api/clients/{clients}", {"name": "Ada"}, has={"name": "Ada"}),
    Line("PUT a client", "provider", "PUT /api/clients/{clients}", {"name": "Ada"}, has={"name": "Ada"}),
    Line("delete a client", "provider", "DELETE /api/clients/{clients}", status=204),
    Line("others' clients are not there", "another provider", "GET /api/clients/{clients}", status=404),
    Line("past appointments", "provider", "GET /api/appointments?status=past", has={"count": 0}),
    Line("upcoming appointments", "client", "GET /api/appointments?status=upcoming", has={"results"}),
    Line(
        "book",
        "provider",
        "POST /api/appointments",
        {"provider": "{providers}", "client": "{clients}", "start_time": FREE},
        201,
        {"status": "scheduled"},
    ),
    Line("show an appointment", "client", "GET /api/appointments/{appointments}", has={"id"}),
    Line(
        "PATCH moves it",
        "provider",
        "PATCH /api/appointments/{appointments}",
        {"start_time": FREE},
        has={"start_time": FREE},
    ),
    Line(
        "PUT moves it",
        "provider",
        "PUT /api/appointments/{appointments}",
        {"start_time": FREE},
        has={"start_time": FREE},
    ),
    Line("delete an appointment", "client", "DELETE /api/appointments/{appointments}", status=204),
    Line("list reminders", "provider", "GET /api/reminders", has={"results"}),
    Line("reminders of one", "provider", "GET /api/appointments/{appointments}/reminders", has={"results"}),
    Line(
        "recurring",
        "provider",
        "POST /api/series",
        {
            "provider": "{providers}",
            "client": "{clients}",
            "rrule": "FREQ=DAILY;COUNT=2",
            "start_time": "2026-03-04T15:00:00",
            "policy": "skip_conflicts",
        },
        201,
    ),
    Line(
        "several offsets",
        "provider",
        "PATCH /api/appointments/{appointments}",
        {"reminder_offsets": ["1 day", "1 hour"]},
        has={"reminder_offsets": ["1 day", "1 hour"]},
    ),
    Line("preferences", "client", "PATCH /api/me/preferences", {"channels": ["email"]}, has={"channels": ["email"]}),
    Line(
        "status",
        "provider",
        "PATCH /api/appointments/{appointments}/status",
        {"status": "cancelled"},
        has={"status": "cancelled"},
    ),
    Line("administrators", "staff", "GET /api/me", has={"is_staff": True}),
    Line("everybody's appointments", "staff", "GET /api/admin/appointments", has={"results"}),
    Line("everybody's reminders", "staff", "GET /api/admin/reminders", has={"results"}),
    Line("only for administrators", "client", "GET /api/admin/appointments", status=403),
    Line("user statistics", "staff", "GET /api/admin/statistics", has={"users"}),
    Line("users", "staff", "GET /api/admin/users?role=client", has={"results"}),
    Line("failed reminders", "staff", "GET /api/reminders?status=failed", has={"count": 0}),
    Line(
        "the four numbers",
        "provider",
        "GET /api/analytics?period=week",
        has={"sent_reminders", "failed_reminders", "upcoming_reminders", "cancellations"},
    ),
]

S1 = [
    Line("working hours", "provider", "PUT /api/providers/{providers}/working-hours", MONDAY, has={"hours"}),
    Line("view slots", "anonymous", "GET /api/slots?provider={providers}", has={"results"}),
    Line("schedules", "provider", "POST /api/schedules", SATURDAY, 201, {"slots_added": 4}),
    Line("reserve", "client", "POST /api/appointments/{slots}/reserve", {}, 201, {"status": "held"}),
    Line("30 minutes", "client", "POST /api/slots/{slots}/reserve", {}, 201, {"expires_at": "2026-03-02T12:30:00Z"}),
    Line(
        "confirm",
        "client",
        "POST /api/appointments/{reservations}/confirm",
        {"confirmed": True},
        has={"status": "scheduled"},
    ),
    Line(
        "15-minute slots",
        "anonymous",
        "GET /api/slots/next?provider={providers}&start=2026-03-05",
        has={"start_time": NINE, "end_time": "2026-03-05T09:15:00Z"},
    ),
    Line(
        "UTC stored, any zone shown",
        "anonymous",
        "GET /api/slots/next?provider={providers}&start=2026-03-05T09:00:00Z&timezone=Asia/Tokyo",
        has={"start_time": "2026-03-05T18:00:00+09:00"},
    ),
    Line("pagination", "anonymous", "GET /api/slots?provider={providers}&page_size=1", has={"next", "count"}),
    Line("roles", "client", "POST /api/services", {"name": "Visit", "duration_minutes": 30}, 403),
    Line("errors have one shape", "anonymous", "GET /api/slots", status=400, has={"type", "errors"}),
]

S2 = [
    Line("clients register themselves", "anonymous", "POST /api/clients", ADA, 201, {"user", "access"}),
    Line("providers register themselves", "anonymous", "POST /api/providers", ADA, 201, {"user", "access"}),
    Line("availability", "provider", "POST /api/appointments/availability", SATURDAY, 201, {"slots_added": 4}),
    Line(
        "availability in camelCase",
        "provider",
        "POST /api/appointments/availability",
        {"startTime": SATURDAY["start_time"], "endTime": SATURDAY["end_time"]},
        201,
    ),
    Line("what is available", "anonymous", "GET /api/slots?provider={providers}&start=2026-03-05", has={"results"}),
    Line("reserve", "client", "POST /api/slots/{slots}/reserve", {}, 201, {"status": "held"}),
    Line("confirm", "client", "POST /api/reservations/{reservations}/confirm", {"confirmed": True}),
    Line("ids are the keys", "anonymous", "GET /api/providers/{providers}", has={"id"}),
]

S3 = [
    Line("add a provider", "staff", "POST /api/providers", {"name": "Ada"}, 201, {"id", "name"}),
    Line("list providers", "anonymous", "GET /api/providers", has={"results"}),
    Line("show a provider", "anonymous", "GET /api/providers/{providers}", has={"name", "specialization"}),
    Line("PUT a provider", "staff", "PUT /api/providers/{providers}", {"name": "Ada"}, has={"name": "Ada"}),
    Line("delete a provider who is booked", "staff", "DELETE /api/providers/{providers}", status=409),
    Line("submit availability", "provider", "POST /api/providers/{providers}/availability", SATURDAY, 201),
    Line("see slots", "anonymous", "GET /api/providers/{providers}/availability", has={"results"}),
    Line(
        "a range of slots",
        "anonymous",
        "GET /api/providers/{providers}/availability?start=2026-03-04&end=2026-03-06&page_size=2",
        has={"next", "count"},
    ),
    Line("add a client", "staff", "POST /api/clients", {"name": "Ada"}, 201, {"id"}),
    Line("list clients", "staff", "GET /api/clients", has={"results"}),
    Line("show a client", "staff", "GET /api/clients/{clients}", has={"name"}),
    Line("PUT a client", "staff", "PUT /api/clients/{clients}", {"name": "Ada"}, has={"name": "Ada"}),
    Line("delete a client", "staff", "DELETE /api/clients/{clients}", status=204),
    Line("reserve", "provider", "POST /api/clients/{clients}/reserve", {"slotId": "{slots}"}, 201, {"status": "held"}),
    Line(
        "confirm",
        "client",
        "POST /api/clients/{booker}/confirm",
        {"reservation": "{reservations}"},
        has={"status": "scheduled"},
    ),
    Line("expire", "staff", "POST /api/admin/expire-reservations", has={"expired": 0}),
    Line("cancelled by the client", "client", "POST /api/appointments/{appointments}/cancel", {}),
    Line("cancelled by the provider", "provider", "POST /api/appointments/{appointments}/cancel", {}),
    Line("no token, no answer", "anonymous", "GET /api/clients", status=401),
]

S4 = [
    Line("no account needed", "anonymous", "POST /api/slots/{slots}/reserve", {}, 201, {"guest_token"}),
    Line("doctors", "anonymous", "GET /api/doctors", has={"results"}),
    Line("doctors' fields", "anonymous", "GET /api/doctors/{providers}", has={"name", "specialization"}),
    Line(
        "a doctor's day",
        "anonymous",
        "GET /api/doctors/{providers}/availability?date=2026-03-05",
        has={"count", "results"},
    ),
    Line(
        "appointments' fields", "client", "GET /api/appointments/{appointments}", has={"provider", "client", "status"}
    ),
    Line(
        "409 on conflict",
        "client",
        "POST /api/appointments",
        {"provider": "{providers}", "start_time": "2026-03-04T12:00:00Z"},
        409,
        {"errors", "details"},
    ),
    Line("30-minute slots", "provider", "PATCH /api/providers/{providers}/schedule", {"slot_minutes": 30}),
]

LINES = [
    pytest.param(line, id=f"{system} {line.name}")
    for system, lines in {"S0": S0, "S1": S1, "S2": S2, "S3": S3, "S4": S4}.items()
    for line in lines
]


@pytest.fixture(scope="module")
def one_of_everything(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), everything() as world:
        yield world


@pytest.fixture
def world(one_of_everything, db) -> World:
    return one_of_everything


def filled(body: Any, ids: dict[str, Any]) -> Any:
    """Return a body with the ids that it names."""
    if not isinstance(body, dict):
        return body
    return {key: ids[value[1:-1]] if str(value).startswith("{") else value for key, value in body.items()}


def ask(world: World, who: str, request: str, body: Any = None) -> Any:
    method, _, path = request.partition(" ")
    sent = {} if body is None else {"data": json.dumps(filled(body, world.ids)), "content_type": "application/json"}
    return getattr(world.people[who], method.lower())(path.format_map(world.ids), **sent)


def is_part(part: Any, whole: Any) -> bool:
    """Return whether the names, or the values by name, are in an answer."""
    if isinstance(part, set):
        return part <= set(whole)
    if isinstance(part, dict):
        return all(key in whole and is_part(value, whole[key]) for key, value in part.items())
    return bool(part == whole)


@pytest.mark.parametrize("line", LINES)
def test_line_is_kept(world, line):
    answer = ask(world, line.who, line.request, line.body)

    assert answer.status_code == line.status, answer.content
    assert line.has is None or is_part(line.has, answer.json()), answer.content


# --- Lines of several calls -------------------------------------------------------------------------------------------


@pytest.fixture
def ada(world) -> tuple[APIClient, dict[str, Any]]:
    """Somebody who has just registered, and what they were answered."""
    told = APIClient().post("/api/register", ADA).json()
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {told['access']}")
    return api, told


def test_s0_login_answers_a_token(ada, api):
    answer = api.post("/api/login", {"email": ADA["email"], "password": PASSWORD})

    assert set(answer.json()) == {"user", "access", "refresh"}


def test_s0_logout_ends_the_token(ada):
    api, _told = ada

    assert api.post("/api/logout").status_code == 204
    assert api.get("/api/me").status_code == 401


def test_s0_moving_an_appointment_plans_its_reminders_again(world):
    path = "GET /api/appointments/{appointments}/reminders"
    before = {row["due_at"] for row in ask(world, "provider", path).json()["results"]}

    ask(world, "provider", "PATCH /api/appointments/{appointments}", {"start_time": FREE})

    after = [row for row in ask(world, "provider", path).json()["results"] if row["status"] == "scheduled"]
    assert after
    assert before.isdisjoint(row["due_at"] for row in after)


def test_s0_reminders_in_the_past_are_not_planned(world):
    soon = "2026-03-02T13:00:00Z"
    body = {"provider": "{providers}", "client": "{clients}", "start_time": soon, "override": ["notice"]}
    made = ask(world, "provider", "POST /api/appointments", body).json()["id"]

    planned = world.people["provider"].get(f"/api/appointments/{made}/reminders").json()["results"]

    assert "1 day" not in {row["offset"] for row in planned}


def test_s0_mistaken_outcome_is_corrected(world):
    with time_machine.travel(at("2026-03-04 18:00"), tick=False):
        found = [
            ask(world, "provider", "PATCH /api/appointments/{appointments}/status", {"status": status})
            for status in ("completed", "missed", "scheduled")
        ]

    assert [answer.json()["status"] for answer in found] == ["completed", "missed", "scheduled"]


def test_s0_failed_reminder_is_sent_again(world):
    Message.objects.filter(pk=world.ids["reminders"]).update(status=MessageStatus.FAILED, failures=3, error="gone")

    assert ask(world, "staff", "GET /api/reminders?status=failed").json()["results"][0]["error"] == "gone"
    assert ask(world, "staff", "POST /api/reminders/{reminders}/retry").json()["status"] == "scheduled"


def test_s1_no_slot_is_less_than_24_hours_ahead(world):
    assert starts(ask(world, "anonymous", "GET /api/slots?provider={providers}"))[0] >= "2026-03-03T12:00:00Z"


def test_s1_rates_are_limited(world, throttle):
    throttle.update(read="2/d")

    answers = [ask(world, "client", "GET /api/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Retry-After" in answers[2].headers


@pytest.mark.parametrize("path", ["schema", "docs"])
def test_s1_api_documents_itself(world, path):
    assert ask(world, "anonymous", f"GET /api/{path}").status_code == 200


def test_s1_token_that_is_none_is_refused(world, api):
    api.credentials(HTTP_AUTHORIZATION="Bearer x")

    assert refusal(api.get("/api/me"))[:2] == (401, "token_not_valid")


def test_s2_sweep_runs_every_five_seconds():
    assert app.conf.beat_schedule["expire-reservations"]["schedule"] == 5


def test_s3_time_is_reserved_once(world):
    answers = [ask(world, who, "POST /api/slots/{slots}/reserve", {}) for who in ("client", "another client")]

    assert answers[0].status_code == 201
    assert refusal(answers[1])[:2] == (409, "slot_taken")


def test_s3_expired_hold_is_available_again(world):
    with time_machine.travel(NOON + timedelta(minutes=31), tick=False):
        free = starts(ask(world, "anonymous", "GET /api/slots?provider={providers}&start=2026-03-04"))

    assert "2026-03-04T10:00:00Z" in free


def test_s3_late_confirmation_is_refused(world):
    with time_machine.travel(NOON + timedelta(minutes=31), tick=False):
        answer = ask(world, "client", "POST /api/reservations/{reservations}/confirm", {"confirmed": True})

    assert refusal(answer)[:2] == (410, "hold_expired")


def test_s3_new_hours_keep_what_is_booked_and_name_it(world):
    answer = ask(world, "provider", "PUT /api/providers/{providers}/working-hours", MONDAY)

    assert world.ids["appointments"] in [row["id"] for row in answer.json()["conflicts"]]
    shown = ask(world, "client", "GET /api/appointments/{appointments}")
    assert shown.json()["status"] == "scheduled"


def test_s3_schema_describes_the_nouns():
    assert schema()["components"]["schemas"].keys() >= {"Provider", "Slot", "Client", "Reservation", "Reminder"}


def test_s4_new_doctors_work_from_monday_to_friday(world, api):
    told = api.post("/api/providers", ADA).json()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {told['access']}")

    hours = api.get(f"/api/providers/{told['user']['provider']['id']}/working-hours").json()["hours"]

    assert [row["weekday"] for row in hours] == [0, 1, 2, 3, 4]
    assert {(row["start_time"], row["end_time"]) for row in hours} == {("09:00", "17:00")}


def test_s4_days_have_sixteen_half_hours(world, api):
    doctor = open_provider(slot_minutes=30, horizon_days=4)

    found = starts(api.get(f"/api/doctors/{doctor.pk}/availability?date=2026-03-05"))

    assert (len(found), found[0], found[-1]) == (16, NINE, "2026-03-05T16:30:00Z")


def test_s4_front_end_may_stand_on_another_origin(world, api, settings):
    settings.CORS_ALLOWED_ORIGINS = ["http://localhost:5173"]

    answer = api.get("/api/doctors", headers={"origin": "http://localhost:5173"})

    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LICENSE", ["MIT License"]),
        ("README.md", ["make run", "demo data"]),
        (".env.example", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"]),
        ("Dockerfile", ["FROM python"]),
        ("docker-compose.yml", ["web:", "worker:", "beat:", "postgres:", "redis:", "mailpit"]),
        ("Makefile", ["run:", "test:", "lint:"]),
        ("docs/howto/troubleshooting.md", ["# "]),
        ("docs/howto/deploy.md", ["docker compose"]),
    ],
)
def test_file_is_there(name, words):
    text = (Path(settings.BASE_DIR) / name).read_text()

    assert [word for word in words if word not in text] == []
