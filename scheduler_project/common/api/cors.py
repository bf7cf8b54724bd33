"""The API for scripts of other websites (CORS): for the origins of `CORS_ORIGINS`, with tokens and without cookies."""

from typing import Any

from corsheaders import middleware
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed


class CorsMiddleware(middleware.CorsMiddleware):
    """Middleware that is not there if no origin is set, so that answers vary by none."""

    def __init__(self, get_response: Any) -> None:
        if not settings.CORS_ALLOWED_ORIGINS:
            raise MiddlewareNotUsed
        super().__init__(get_response)


def headers_for(origin: str) -> list[tuple[str, str]]:
    """Return the headers by which scripts of an origin may read a response that no middleware has seen."""
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return []
    return [
        ("Vary", "origin"),
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", ", ".join(settings.CORS_EXPOSE_HEADERS)),
    ]
