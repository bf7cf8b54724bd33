"""`/mcp`: the MCP server by the transport “streamable HTTP”, behind an API key."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.keys.authentication import KeyAuthentication, key_in
from accounts.models import ApiKey
from scheduler_project.common.api.views import StrictView
from scheduler_project.common.errors import TooBusy
from scheduler_project.common.limits.throttling import Throttle
from scheduler_project.mcp.calls import Caller
from scheduler_project.mcp.tools import BY_NAME

PASSED_ON = (
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "REMOTE_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "wsgi.errors",
    "wsgi.url_scheme",
)
"""The parts of a message's environ that the requests of its call have too."""

KEPT_BACK = frozenset({"authorization", "content-length", "cookie"})
"""Headers that the protocol does not read, and so need not see."""


class MessageAuthentication(KeyAuthentication):
    """An authentication by key whose scopes are not asked here: each call is a request of its own, which asks."""

    def check_scope(self, request: Request, key: ApiKey) -> None:
        pass


class MessageThrottle(Throttle):
    """A throttle for messages that are no call of a tool. The request that a call makes is counted by itself."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return calls_api(request.data) or super().allow_request(request, view)


class MessageView(StrictView, APIView):
    """The address of the MCP server. It takes one message at a time, and answers it in JSON, without sessions."""

    authentication_classes = [MessageAuthentication]
    throttle_classes = [MessageThrottle]
    http_method_names = ["post"]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_origin(request)
        super().initial(request, *args, **kwargs)

    def _reads_no_body(self, name: str, method: str) -> bool:
        return False

    def post(self, request: Request) -> HttpResponse:
        from scheduler_project.mcp.server import exchange  # The package takes a second, which only this address needs.

        if not isinstance(request.data, dict):
            raise ParseError(_("Send one message at a time, as a JSON object."))
        plain: Any = request._request  # noqa: SLF001  (DRF's own way)
        environ = {name: plain.META[name] for name in PASSED_ON if name in plain.META}
        caller = Caller(key_in(request) or "", environ)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in KEPT_BACK]
        try:
            answer = exchange(caller, headers, plain.body)
        except TimeoutError:
            raise TooBusy from None
        plain.quota = caller.quota or getattr(plain, "quota", None)
        return HttpResponse(answer.body, status=answer.status, content_type="application/json")


def calls_api(message: Any) -> bool:
    """Return whether a message is a call of a tool that makes a request to the API."""
    if not isinstance(message, dict) or message.get("method") != "tools/call":
        return False
    params = message.get("params")
    return isinstance(params, dict) and params.get("name") in BY_NAME


def check_origin(request: Request) -> None:
    """Raise PermissionDenied for a message that a script of another website sends (DNS rebinding).

    Programs send no `Origin`. The host itself is one of `ALLOWED_HOSTS`.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin not in (own_origin(settings.SITE_URL), own_origin(request.build_absolute_uri())):
        raise PermissionDenied(_("Scripts from other websites can't do this."))


def own_origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
