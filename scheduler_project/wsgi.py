"""The WSGI entry point."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from scheduler_project.common import process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_project.settings")

CGI = frozenset(
    {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "PATH_INFO",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "REMOTE_PORT",
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "SERVER_SOFTWARE",
    }
)
"""Keys of a request in the environ, beside its headers (PEP 3333)."""
NOT_FROM_REQUESTS = frozenset(name for name in os.environ if name.startswith("HTTP_")) | {"HTTP_PROXY"}

process.is_now(process.Process.WEB)
handler = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request without passing on the process's environment.

    PEP 3333 lets servers include it, and then passwords are in `request.META`, which error pages show.
    """
    request_only = {
        name: value
        for name, value in environ.items()
        if name in CGI or (name.startswith(("HTTP_", "wsgi.")) and name not in NOT_FROM_REQUESTS)
    }
    return handler(request_only, start_response)
