"""Secrets stay out of logs, mails and error pages, whatever breaks."""

import io
import logging

import pytest
from django.core import mail
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from scheduler_project.common.audit import redaction
from scheduler_project.common.audit.log import current_request
from scheduler_project.common.audit.redaction import HIDDEN, SECRET_PARTS, redact
from scheduler_project.common.audit.security_log import log_security_event
from scheduler_project.wsgi import application
from tests.common.audit import crashing
from tests.reminders.helpers import owed_mails

pytestmark = pytest.mark.django_db

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiMSJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
OWN = {
    "SECRET_KEY": "own-secret-key-own-secret-key-0123456789",
    "REDIS_URL": "redis://:redis-password-1@cache:6379/0",
    "EMAIL_HOST_PASSWORD": "mail-server-password-2",
    "TWILIO_AUTH_TOKEN": "twilio-auth-token-3",
}
OF_REQUESTS = {
    "password": "correct horse battery",
    "session": "session-cookie-4-abcdefgh",
    "csrf": "csrf-cookie-5-abcdefgh",
    "link": "MTI6a3Y:1rXyZq:reset-link-token-6",
    "query": "query-token-7-abcdefgh",
}
LOOKING_LIKE_ONE = {
    "database": "postgres://scheduler:database-password-8@db:5432/scheduler",
    "bearer": f"Bearer {JWT}",
    "key": "sk_7f3k9q2m_apiKeySecret12NotReally",
    "webhook": "whsec_bm90LXJlYWxseS1hLXNlY3JldA==",
    "reset": "/password/reset/MTI/c9k2-reset-link-token-9/",
    "feed": "/calendar/feed-token-10-abcdefgh.ics",
    "frame": "/p/maya/book/1/?embed=1&visitor=ImFkYSI:1xXQbI:visitor-token-11&day=2026-03-04",
}
SECRETS = [
    "own-secret-key-own-secret-key-0123456789",
    "redis-password-1",
    "mail-server-password-2",
    "twilio-auth-token-3",
    *OF_REQUESTS.values(),
    "database-password-8",
    JWT,
    "bm90LXJlYWxseS1hLXNlY3JldA==",
    "c9k2-reset-link-token-9",
    "feed-token-10-abcdefgh",
    "visitor-token-11",
    "apiKeySecret12NotReally",
]


@pytest.fixture(autouse=True)
def _crashing(settings):
    """A site with secrets of each kind, and errors that contain all of them."""
    settings.ROOT_URLCONF = "tests.common.audit.crashing"
    settings.ADMINS = [("", "boss@example.org")]
    for name, value in OWN.items():
        setattr(settings, name, value)
    crashing.known[:] = [*OWN.values(), *OF_REQUESTS.values(), *LOOKING_LIKE_ONE.values()]
    redaction.own_secrets.cache_clear()
    yield
    redaction.own_secrets.cache_clear()


@pytest.fixture
def log():
    """Return the output of the site's own logging."""
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each.formatter, redaction.Formatter))
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.fixture
def visitor():
    browser = Browser(raise_request_exception=False, headers={"Authorization": f"Bearer {JWT}"})
    browser.cookies["sessionid"] = OF_REQUESTS["session"]
    browser.cookies["csrftoken"] = OF_REQUESTS["csrf"]
    return browser


def leaked(*texts):
    return [secret for secret in SECRETS for text in texts if secret in text]


def mailed():
    return [f"{each.subject} {each.body}" for each in mail.outbox] + [each.text for each in owed_mails()]


PAGES = [f"/a/{OF_REQUESTS['link']}/crash/", f"/admin/crash/{OF_REQUESTS['link']}/"]


@pytest.mark.parametrize("address", PAGES)
def test_crash_of_a_page_tells_no_secret(visitor, log, address):
    response = visitor.post(f"{address}?token={OF_REQUESTS['query']}", {"password": OF_REQUESTS["password"]})

    said = log.getvalue()
    assert response.status_code == 500
    assert "Crash" in said
    assert "It broke with" in said
    assert leaked(said, response.content.decode(), *mailed()) == []


@pytest.mark.parametrize("address", PAGES)
def test_crash_of_a_page_tells_developers_no_secret(visitor, log, settings, address):
    settings.DEBUG = True

    response = visitor.post(f"{address}?token={OF_REQUESTS['query']}", {"password": OF_REQUESTS["password"]})

    shown = response.content.decode()
    assert "It broke with" in shown
    assert leaked(log.getvalue(), shown, *mailed()) == []


def test_crash_of_the_api_tells_no_secret(visitor, log):
    response = visitor.post(
        f"/api/crash?token={OF_REQUESTS['query']}",
        {"password": OF_REQUESTS["password"], "inner": [{"access": OF_REQUESTS["link"]}]},
        content_type="application/json",
    )

    assert response.status_code == 500
    assert "It broke with" in log.getvalue()
    assert leaked(log.getvalue(), response.content.decode(), *mailed()) == []


def test_crash_of_the_api_tells_developers_no_secret(visitor, log, settings):
    settings.DEBUG = True

    response = visitor.post(
        f"/api/crash?token={OF_REQUESTS['query']}",
        {"password": OF_REQUESTS["password"], "inner": [{"access": OF_REQUESTS["link"]}]},
        content_type="application/json",
    )

    assert "It broke with" in response.content.decode()
    assert leaked(log.getvalue(), response.content.decode(), *mailed()) == []


def test_crash_of_a_task_tells_no_secret(log):
    crashing.known[:] = [*OWN.values(), *LOOKING_LIKE_ONE.values()]

    crashing.task.apply()

    assert "It broke with" in log.getvalue()
    assert leaked(log.getvalue(), *mailed()) == []


def test_crash_without_the_guard_tells_them_all(visitor, log):
    """The control: all of them are said."""
    handler = next(each for each in logging.getLogger().handlers if isinstance(each.formatter, redaction.Formatter))
    formatter = handler.formatter
    handler.setFormatter(logging.Formatter())
    try:
        visitor.post(PAGES[0], {"password": OF_REQUESTS["password"]})
    finally:
        handler.setFormatter(formatter)

    assert set(leaked(log.getvalue())) == set(SECRETS)


def test_request_cannot_hide_when_and_where_it_broke(visitor, log):
    visitor.cookies["x"] = "django.request"
    visitor.cookies["y"] = "ERROR"

    visitor.post(PAGES[0], {"password": OF_REQUESTS["password"]})

    assert " ERROR django.request: " in log.getvalue()


def test_request_cannot_hide_from_the_log_of_security_events(log):
    request = RequestFactory().get("/", headers={"Cookie": "x=login.failed; y=127.0.0.1"})
    answered = current_request.set(request)
    try:
        log_security_event("login.failed", request=request)
    finally:
        current_request.reset(answered)

    assert "login.failed" in log.getvalue()
    assert "address=127.0.0.1" in log.getvalue()


def test_crash_mails_nobody(visitor):
    for _ in range(3):
        visitor.post(PAGES[0], {"password": OF_REQUESTS["password"]})

    assert (mail.outbox, len(owed_mails())) == ([], 0)


def test_no_logger_mails():
    handlers = [
        handler
        for logger in [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
        for handler in logger.handlers
    ]

    assert [type(handler).__name__ for handler in handlers if "mail" in type(handler).__name__.lower()] == []


def test_addresses_that_are_keys_are_hidden_whatever_page_they_lead_to(settings):
    settings.ROOT_URLCONF = "scheduler_project.urls"
    secret = "MTI6a3Y:1rXyZq:s3cr3t-part"
    addresses = []
    for address, names in every_address(get_resolver()):
        if SECRET_PARTS & set(names):
            filled = address
            for name in names:
                filled = filled.replace(f"<{name}>", f"{secret}-{name}")
            addresses.append(filled)

    assert len(addresses) >= 8
    assert [address for address in addresses if secret in redact(f"Not Found: {address}")] == []


def every_address(resolver, before="/"):
    """Each address of the site with its parts in angle brackets, and their names."""
    import re

    for each in resolver.url_patterns:
        text = before + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", str(each.pattern)).replace("^", "").replace("$", "")
        text = re.sub(r"<\w+:(\w+)>", r"<\1>", text)
        if isinstance(each, URLPattern):
            yield text, list(each.pattern.regex.groupindex)
        else:
            yield from every_address(each, text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/slots?provider=3&start=2027-01-01 200",
        "Not Found: /p/dr-ada/book/12/",
        "rows are not as they should be: claims_and_slots_agree: booking_slot 12: free though claimed",
        '{"code": "slot_taken", "detail": "Somebody was faster."}',
        "The mail 0b4ee2a8-7a4e-4d55-a6a5-1b2f6b4b6a6d could not be sent yet: [Errno 111] Connection refused",
    ],
)
def test_redact_leaves_what_is_no_secret(text):
    assert redact(text) == text


def test_redact_says_where_something_was():
    assert redact("redis://:abc-def-ghi@cache/0?password=xyzxyz") == f"redis://{HIDDEN}@cache/0?password={HIDDEN}"


def test_environment_of_the_process_is_no_part_of_a_request(monkeypatch):
    """Some servers put it into what they hand over (PEP 3333 lets them)."""
    seen = {}
    monkeypatch.setattr("scheduler_project.wsgi.handler", lambda environ, start_response: seen.update(environ) or [])

    application(
        {
            "DATABASE_URL": "postgres://u:p@h/d",
            "PATH": "/bin",
            "HTTP_PROXY": "http://user:password@proxy",
            "HTTP_HOST": "localhost",
            "PATH_INFO": "/",
            "wsgi.input": io.BytesIO(),
        },
        lambda *_: None,
    )

    assert set(seen) == {"HTTP_HOST", "PATH_INFO", "wsgi.input"}


def test_unknown_hosts_are_a_few_quiet_lines(visitor, log):
    for _ in range(20):
        assert visitor.get("/", headers={"Host": "evil.example\nforged line"}).status_code == 400

    lines = log.getvalue().splitlines()
    assert 1 <= len(lines) <= 5
    assert all("WARNING django.security.DisallowedHost: Invalid HTTP_HOST header" in line for line in lines)
