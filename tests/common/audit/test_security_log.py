"""The log of security events."""

import logging
import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import RequestFactory
from rest_framework.request import Request

from accounts.actors import Actor, Source
from scheduler_project.common.audit.log import acting, current_request
from scheduler_project.common.audit.security_log import (
    LONGEST,
    SecurityEvent,
    log_security_event,
    log_security_event_on_commit,
)
from tests.factories import UserFactory

BACKGROUND = "face=command"


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "security")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "security"]


def asked(path="/", *, address="192.0.2.7", user=None, **headers):
    request = RequestFactory().get(path, REMOTE_ADDR=address, headers=headers)
    request.user = user or AnonymousUser()
    return request


def test_log_writes_one_line_with_address_login_and_facts(lines):
    log_security_event(SecurityEvent.LOGIN_FAILED, request=asked("/account/login/"), login=12, reason="wrong_password")
    assert lines() == ["login.failed face=page address=192.0.2.7 login=12 reason=wrong_password"]


def test_log_leaves_out_what_is_not_known(lines):
    log_security_event("login.failed", login=None, reason="no_account")
    assert lines() == [f"login.failed {BACKGROUND} reason=no_account"]


def test_log_takes_the_request_that_is_being_answered(lines):
    token = current_request.set(asked("/api/login"))
    try:
        log_security_event("login.failed")
    finally:
        current_request.reset(token)
    assert lines() == ["login.failed face=api address=192.0.2.7"]


def test_log_reads_requests_of_the_api(lines):
    log_security_event("login.failed", request=Request(asked("/api/login")))
    assert lines() == ["login.failed face=api address=192.0.2.7"]


@pytest.mark.parametrize(("proxies", "address"), [(0, "192.0.2.7"), (1, "198.51.100.2"), (2, "203.0.113.9")])
def test_log_believes_as_many_proxies_as_are_trusted(settings, lines, proxies, address):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.2"}
    log_security_event("login.failed", request=asked(**forwarded))
    assert lines() == [f"login.failed face=page address={address}"]


@pytest.mark.parametrize(
    "sent", ["a\nlogin.succeeded login=1", "a\rb", 'a" login=1', "a b=c", "\x1b[2J", "\u2028x", ""]
)
def test_log_is_one_line_of_plain_ascii_whatever_is_sent(lines, sent):
    log_security_event("access.refused", path=sent, login=7)
    (line,) = lines()
    assert line.isascii()
    assert line.isprintable()
    assert re.fullmatch(rf'access\.refused {BACKGROUND} login=7 path="(?:[^"\\]|\\.)*"', line)


def test_log_escapes_a_forged_address(settings, lines):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    log_security_event("login.failed", request=asked(**{"X-Forwarded-For": "x\x0blogin=1 \x1b"}))
    (line,) = lines()
    assert line == r'login.failed face=page address="x\u000blogin=1 \u001b"'


def test_log_cuts_what_is_long(lines):
    log_security_event("access.refused", path="x" * 100_000)
    assert len(lines()[0]) < LONGEST + 50


@pytest.mark.parametrize("name", ["password", "new_password", "refresh_token", "secret", "session_key", "link"])
def test_log_hides_what_opens_doors(lines, name):
    log_security_event("key.created", **{name: "hunter2"}, kind="feed")
    assert lines() == [f'key.created {BACKGROUND} {name}="(hidden)" kind=feed']


@pytest.mark.django_db
def test_log_says_who_did_it_where_that_is_somebody_else(lines):
    boss, other = UserFactory(), UserFactory()
    with acting(Actor(boss, Source.ADMIN)):
        log_security_event("rights.changed", request=asked("/admin/", user=boss), login=other.pk, what="is_staff")
        log_security_event("password.changed", request=asked("/admin/", user=boss), login=boss.pk)
    assert lines() == [
        f"rights.changed face=admin address=192.0.2.7 login={other.pk} by={boss.pk} what=is_staff",
        f"password.changed face=admin address=192.0.2.7 login={boss.pk}",
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("committed", [True, False])
def test_log_on_commit_writes_what_was_not_rolled_back(lines, committed):
    with transaction.atomic():
        log_security_event_on_commit("rights.changed", login=1, what="is_staff")
        log_security_event("login.failed", login=1)
        if not committed:
            transaction.set_rollback(True)
    assert len(lines()) == (2 if committed else 1)


def test_logger_writes_whatever_the_log_level():
    assert project.LOGGING["loggers"]["security"]["level"] == "INFO"


def test_documentation_lists_every_event():
    page = (project.BASE_DIR / "docs" / "reference" / "security-events.md").read_text()
    listed = {
        name
        for row in page.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    assert listed == set(SecurityEvent)


def test_source_writes_every_documented_event_and_no_other():
    calls = re.compile(r"SecurityEvent\.([A-Z_]+)|log_security_event(?:_on_commit)?\(\s*\"([^\"]+)\"")
    written = set()
    for folder in ("scheduler_project", "accounts", "booking", "reminders", "analytics"):
        for path in Path(project.BASE_DIR, folder).rglob("*.py"):
            for member, text in calls.findall(path.read_text()):
                written.add(text or SecurityEvent[member].value)
    assert written == set(SecurityEvent)
