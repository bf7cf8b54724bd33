"""The MCP server on standard input and output, for programs that start it themselves."""

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from accounts.keys.operations import user_of_key
from scheduler_project.common import process
from scheduler_project.mcp.calls import Caller


def serve(key: str) -> None:
    """Answer messages as the owner of a key, until standard input ends. Raises KeyRefused for a key that is not good.

    A key that ends meanwhile is refused by each call. Statements have the limits of web processes: nobody watches.
    """
    process.is_now(process.Process.WEB)
    user_of_key(key, now=timezone.now())

    import anyio

    from scheduler_project.mcp.server import serve_stdio, server_for

    server = server_for(Caller(key, environ()), with_fresh_connection)
    connection.close()  # Calls have one in a thread of their own.
    anyio.run(serve_stdio, server)


def with_fresh_connection(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that it gets a new connection to the database if the old one is gone or was kept too long."""

    def run(*args: Any) -> Any:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    return run


def environ() -> dict[str, Any]:
    """Return the environ of requests from this machine to the site."""
    site = urlsplit(settings.SITE_URL)
    scheme = "https" if settings.SECURE else site.scheme
    return {
        "HTTP_HOST": site.netloc,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": site.hostname or "localhost",
        "SERVER_PORT": str(site.port or {"http": 80}.get(scheme, 443)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": scheme,
    }
