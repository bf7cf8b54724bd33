"""`/mcp`: messages over HTTP, behind an API key."""

import json
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser
from rest_framework_simplejwt.tokens import AccessToken

from accounts.keys.scopes import Scope
from scheduler_project.mcp.tools import BY_NAME, EXPLAIN
from tests.accounts.keys.helpers import new_key
from tests.booking.answers import refusal
from tests.groups import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people", "at_noon")]

ACCEPTED = "application/json, text/event-stream"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "Test", "version": "1"}},
}


def call_of(name, **arguments):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def sent(message, text="", *, browser=None, **headers):
    """Return the answer to a message that a program sends with this key."""
    headers = {"HTTP_ACCEPT": ACCEPTED, "HTTP_AUTHORIZATION": f"Bearer {text}", **headers}
    body = message if isinstance(message, str) else json.dumps(message)
    return (browser or Browser()).post("/mcp", body, content_type="application/json", **headers)


@pytest.fixture
def key(booker):
    return new_key(booker.user).text


# --- Who may ---------------------------------------------------------------------------------------------------------


def test_message_without_a_key_is_refused():
    answer = Browser().post("/mcp", json.dumps(LIST), content_type="application/json")

    assert refusal(answer) == (401, "not_authenticated", None)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_token_of_a_person_is_no_key(booker):
    assert refusal(sent(LIST, str(AccessToken.for_user(booker.user)))) == (401, "not_authenticated", None)


def test_session_of_a_person_is_no_key(booker):
    assert refusal(sent(LIST, browser=browser_of(booker.user)))[0] == 401


def test_key_that_is_not_valid_is_refused():
    assert refusal(sent(LIST, "sk_x")) == (401, "key_invalid", None)


def test_script_of_another_website_is_refused(key):
    assert refusal(sent(LIST, key, HTTP_ORIGIN="http://evil.example"))[:2] == (403, "permission_denied")


def test_origin_is_looked_at_before_the_key():
    assert refusal(sent(LIST, "sk_x", HTTP_ORIGIN="null"))[:2] == (403, "permission_denied")


@pytest.mark.parametrize("origin", ["http://testserver", django_settings.SITE_URL])
def test_scripts_of_the_site_itself_may(key, origin):
    assert sent(LIST, key, HTTP_ORIGIN=origin).status_code == 200


def test_unknown_host_is_refused(key, settings):
    settings.ALLOWED_HOSTS = ["example.org"]

    assert refusal(sent(LIST, key, HTTP_HOST="evil.example"))[0] == 400


# --- What is a message -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_messages_are_posted(key, method):
    answer = getattr(Browser(), method)("/mcp", HTTP_AUTHORIZATION=f"Bearer {key}")

    assert refusal(answer) == (405, "method_not_allowed", None)
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("message", ["", "{", "[]", "1", '"x"', f"[{json.dumps(LIST)}]", '{"id": 1, "id": 2}'])
def test_what_is_no_message_is_refused(key, message):
    assert sent(message, key).status_code == 400


def test_large_message_is_refused(key):
    answer = sent({**LIST, "padding": "x" * django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE}, key)

    assert refusal(answer) == (413, "too_large", None)


def test_message_is_json(key):
    answer = Browser().post("/mcp", {"a": "b"}, HTTP_AUTHORIZATION=f"Bearer {key}")

    assert refusal(answer)[:2] == (415, "unsupported_media_type")


def test_client_must_take_json(key):
    assert sent(LIST, key, HTTP_ACCEPT="text/html").status_code == 406


def test_address_takes_no_parameters(key):
    headers = {"HTTP_ACCEPT": ACCEPTED, "HTTP_AUTHORIZATION": f"Bearer {key}"}

    answer = Browser().post("/mcp?colour=red", json.dumps(LIST), content_type="application/json", **headers)

    assert refusal(answer) == (400, "unknown_field", "colour")


def test_message_has_no_key_to_repeat_it(key):
    assert refusal(sent(LIST, key, HTTP_IDEMPOTENCY_KEY="x"))[:2] == (400, "idempotency_key_unsupported")


def test_session_is_not_opened(key):
    answer = sent(INITIALIZE, key)

    assert answer.json()["result"]["serverInfo"]["name"] == "scheduler"
    assert "Mcp-Session-Id" not in answer.headers


def test_notification_has_no_answer(key):
    answer = sent({"jsonrpc": "2.0", "method": "notifications/initialized"}, key)

    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("resources/list", {}, -32601),
        ("tools/erase", {}, -32601),
        ("tools/list", {"cursor": "2"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "find_providers", "arguments": [1]}, -32602),
    ],
)
def test_what_is_not_offered_is_refused(key, method, params, code):
    answer = sent({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, key).json()

    assert (answer["id"], answer["error"]["code"]) == (7, code)


def test_answers_are_kept_by_nobody(key):
    assert sent(call_of("list_appointments"), key).headers["Cache-Control"] == "no-store"


# --- Tools -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        ((Scope.READ, Scope.BOOK, Scope.MANAGE), set()),
        ((Scope.READ, Scope.BOOK), {"remind_again"}),
        ((Scope.READ,), {name for name, tool in BY_NAME.items() if tool.changes}),
        ((Scope.WEBHOOKS,), set(BY_NAME)),
    ],
)
def test_tools_are_those_that_the_key_opens(booker, scopes, missing):
    answer = sent(LIST, new_key(booker.user, *scopes).text).json()

    assert {tool["name"] for tool in answer["result"]["tools"]} == {*BY_NAME, EXPLAIN} - missing


def test_answer_is_given_as_text_too(key):
    result = sent(call_of("list_appointments"), key).json()["result"]

    assert result["isError"] is False
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


def test_refusal_is_an_answer_that_a_model_reads(key):
    result = sent(call_of("cancel_appointment", id=10**9), key).json()["result"]

    assert result["isError"] is True
    assert result["structuredContent"]["errors"][0]["code"] == "not_found"
    assert result["structuredContent"]["do"] == "Look for the id in the list."


def test_call_speaks_the_language_asked_for(key):
    result = sent(call_of("cancel_appointment", id=10**9), key, HTTP_ACCEPT_LANGUAGE="de").json()["result"]

    assert result["structuredContent"]["errors"][0]["detail"] == "Nicht gefunden."


# --- Limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [LIST, call_of("list_appointments"), call_of(EXPLAIN, code="not_found")])
def test_message_counts_once(throttle, key, message):
    throttle["key"] = "5/min"

    assert sent(message, key).headers["RateLimit"].startswith('"key";r=4;')


def test_message_beyond_the_limit_is_refused(throttle, key):
    throttle["key"] = "1/min"
    sent(LIST, key)

    answer = sent(LIST, key)

    assert refusal(answer)[:2] == (429, "throttled")
    assert "Retry-After" in answer.headers


def test_call_beyond_the_limit_is_an_answer_that_a_model_reads(throttle, key):
    throttle["key"] = "1/min"
    sent(LIST, key)

    result = sent(call_of("list_appointments"), key).json()["result"]

    assert (result["isError"], result["structuredContent"]["errors"][0]["code"]) == (True, "throttled")


def test_search_ends_its_turn_at_long_work(key, settings):
    settings.WEB_LONG_WORK = settings.WEB_THREADS = 1

    for _ in range(3):
        assert sent(call_of("find_providers", search="Maya"), key).json()["result"]["isError"] is False


@pytest.mark.slow
def test_package_is_not_imported_when_the_web_server_starts():
    script = "import scheduler_project.wsgi, scheduler_project.urls, sys; print('mcp' in sys.modules)"

    run = subprocess.run(
        [sys.executable, "-c", script], cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"
