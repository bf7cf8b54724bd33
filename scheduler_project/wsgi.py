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
"""What a request is made of, beside its headers (PEP 3333)."""
NOT_FROM_REQUESTS = frozenset(name for name in os.environ if name.startswith("HTTP_")) | {"HTTP_PROXY"}

process.is_now(process.Process.WEB)
handler = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request, which knows nothing of the environment of the process.

    PEP 3333 lets servers put that in as well, and then passwords stand in `request.META`, where error pages look.
    """
    request_only = {
        name: value
        for name, value in environ.items()
        if name in CGI or (name.startswith(("HTTP_", "wsgi.")) and name not in NOT_FROM_REQUESTS)
    }
    return handler(request_only, start_response)
