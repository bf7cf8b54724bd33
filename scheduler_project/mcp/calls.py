"""Calls of tools: each is a request to the API, in this process, with the caller's key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError

from scheduler_project.common.api.serializers import refuse_unknown
from scheduler_project.common.api.versions import ROOT
from scheduler_project.common.limits.throttling import Quota
from scheduler_project.mcp.refusals import explain, explained, refusal
from scheduler_project.mcp.schemas import PAGE_SIZE, arguments_of, input_schema
from scheduler_project.mcp.tools import BY_NAME, EXPLAIN, Tool

MOST_REPEATS = 10
"""The most times a day that the same call is recognized, and carried out anew as its result no longer holds."""

WATCHED = ("status", "start_time")
"""The fields by which an answer shows whether it still holds."""


@dataclass
class Caller:
    """A caller: the text of an API key, and the WSGI environ of where they are, without a request in it."""

    key: str
    environ: Mapping[str, Any]
    quota: Quota | None = None
    """The rate limit after the latest request."""


class Answer(NamedTuple):
    status: int
    body: Any
    replayed: bool = False

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400


class ApiRequest(NamedTuple):
    method: str
    path: str
    query: dict[str, Any] = {}
    body: dict[str, Any] | None = None


def call(name: str, arguments: dict[str, Any], caller: Caller) -> tuple[dict[str, Any], bool]:
    """Carry out a call. Return its answer, and whether that is a refusal."""
    try:
        if name == EXPLAIN:
            return explain(**only_code(arguments)), False
        if name not in BY_NAME:
            raise ValidationError({"name": [_("Unknown tool.")]}, code="invalid_choice")
        return call_api(BY_NAME[name], arguments, caller)
    except APIException as error:
        return refusal(error), True


def only_code(arguments: dict[str, Any]) -> dict[str, Any]:
    refuse_unknown(arguments, ["code"])
    if "code" not in arguments:
        raise ValidationError({"code": [_("Send the code of an error.")]}, code="required")
    return arguments


def call_api(tool: Tool, arguments: dict[str, Any], caller: Caller) -> tuple[dict[str, Any], bool]:
    request, dry_run = request_for(tool, arguments)
    answer = once(tool, request, caller) if tool.changes and not dry_run else sent(request, caller)
    body = answer.body if isinstance(answer.body, dict) else {"results": answer.body or []}
    if answer.is_refusal:
        return explained(body, answer.status), True
    if dry_run:
        body = {"dry_run": True, **{name: value for name, value in body.items() if name not in tool.made}}
    return ({**body, "replayed": True} if answer.replayed else body), False


def request_for(tool: Tool, arguments: dict[str, Any]) -> tuple[ApiRequest, bool]:
    """Return the request that a call is, and whether it is a dry run.

    Raises ValidationError for arguments that the tool does not have, and for what cannot be sent: an id that is no
    number, a parameter that is no text. All else is the API's to refuse.
    """
    refuse_unknown(arguments, input_schema(tool)["properties"])
    known = arguments_of(tool.method, tool.path)
    dry_run = arguments.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise ValidationError({"dry_run": [_("Must be a valid boolean.")]}, code="invalid")
    ids = {name: whole_number(name, arguments.get(name)) for name in known.path}
    query = {name: value for name, value in arguments.items() if name in known.query}
    body = {name: value for name, value in arguments.items() if name in known.body}
    if "page_size" in known.query:
        query.setdefault("page_size", PAGE_SIZE)
    if dry_run:
        query["preview"] = True
    query = {name: parameter(name, value) for name, value in query.items()}
    return ApiRequest(tool.method, tool.path.format(**ids), query, body if tool.changes else None), dry_run


def whole_number(name: str, value: Any) -> int:
    if value is None:
        raise ValidationError({name: [_("This field is required.")]}, code="required")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValidationError({name: [_("Enter a whole number of 1 or more.")]}, code="invalid")
    return value


def parameter(name: str, value: Any) -> str:
    """Return a value as a query has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(parameter(name, each) for each in value)
    if not isinstance(value, str | int):
        raise ValidationError({name: [_("Send text, a number, true or false, or leave it out.")]}, code="invalid")
    return str(value)


def once(tool: Tool, request: ApiRequest, caller: Caller) -> Answer:
    """Send a change with an `Idempotency-Key` made from the call, so that the same call twice is carried out once.

    The API keeps answers for a day, refusals too. One that no longer holds (the time was taken and is free again, the
    appointment was moved away since) is no answer: then the call is a new one, with the next key. One that may not be
    read again is taken to hold.
    """
    asked = json.dumps([caller.key, tool.name, *request], sort_keys=True)
    digest = hashlib.sha256(asked.encode()).hexdigest()
    for number in range(MOST_REPEATS):
        answer = sent(request, caller, idempotency_key=f"mcp-{digest}-{number}")
        if not answer.replayed:
            return answer
        if answer.is_refusal:
            continue
        now = as_it_is_now(answer, request, caller)
        if now.status == HTTPStatus.FORBIDDEN or all(now.body.get(name) == answer.body.get(name) for name in WATCHED):
            return answer
        if now.is_refusal:
            return now
    return sent(request, caller)


def as_it_is_now(answer: Answer, request: ApiRequest, caller: Caller) -> Answer:
    """Read once more what an earlier call changed, with times written as its answer has them."""
    zone = {name: value for name, value in request.query.items() if name == "timezone"}
    return sent(ApiRequest("get", address_of(answer.body), zone), caller)


def address_of(row: dict[str, Any]) -> str:
    """Return the address of an appointment, a hold or a reminder, as a change answers it."""
    noun = "appointments" if "uid" in row else "reservations" if "expires_at" in row else "reminders"
    return f"{noun}/{row['id']}"


def sent(request: ApiRequest, caller: Caller, *, idempotency_key: str = "") -> Answer:
    """Send a request to the API, through all of Django that a request from outside passes."""
    content = b"" if request.body is None else json.dumps(request.body, sort_keys=True).encode()
    environ = {
        **caller.environ,
        "HTTP_AUTHORIZATION": f"Bearer {caller.key}",
        "REQUEST_METHOD": request.method.upper(),
        "SCRIPT_NAME": "",
        "PATH_INFO": f"{ROOT}{request.path}",
        "QUERY_STRING": urlencode(sorted(request.query.items()), errors="surrogatepass"),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": BytesIO(content),
    }
    if idempotency_key:
        environ["HTTP_IDEMPOTENCY_KEY"] = idempotency_key
    asked = WSGIRequest(environ)
    response: Any = handler().get_response(asked)
    caller.quota = getattr(asked, "quota", None) or caller.quota
    body = orjson.loads(response.content) if response.content else {}
    if retry_after := response.headers.get("Retry-After"):
        body["retry_after"] = int(retry_after)
    return Answer(response.status_code, body, response.headers.get("Idempotency-Replayed") == "true")


@cache
def handler() -> WSGIHandler:
    """Return Django with its middleware. The web server has another one, which is busy with the call itself."""
    return WSGIHandler()
