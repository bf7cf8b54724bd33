"""The version in the API's addresses: `/api/v1/…` is documented, and `/api/…` means the same."""

import re

ROOT = "/api/v1/"

ROUTE_WITHOUT_VERSION = r"^api/(?!v1(?:/|$))"
"""The pattern under which the URL map has all addresses a second time."""

OF_PROGRAMS = frozenset({"/api", "/mcp", "/mcp/"})
"""Paths for programs that are not below `/api/`."""

WITHOUT_VERSION = re.compile(r"^((?:https?://[^/]*)?)/api/(?!v1(?:/|$))")

WITH_VERSION = re.compile(r"^/api/v1(?=/|$)")


def is_api(path: str) -> bool:
    """Return whether a path is for programs, the API's or that of MCP, whose errors have their own format."""
    return path.startswith("/api/") or path in OF_PROGRAMS


def documented(address: str) -> str:
    """Return an address of the API, absolute or not, as it is documented: with the version."""
    return WITHOUT_VERSION.sub(rf"\1{ROOT}", address)


def without_version(path: str) -> str:
    """Return what is the same for both spellings of a path."""
    return WITH_VERSION.sub("/api", path)


def documented_route(route: str) -> str:
    """Return a pattern of the URL map as that of the documented address."""
    return route.replace(ROUTE_WITHOUT_VERSION, ROOT.lstrip("/"))
