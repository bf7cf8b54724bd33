"""Callers of the MCP server: the functions themselves, the package's client, and one message by hand."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from django.db import connection
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from scheduler_project.mcp.calls import Caller, call
from scheduler_project.mcp.stdio import environ

Body = dict[str, Any]


def asked(key: str, name: str, **arguments: Any) -> Body:
    """Return the answer to a call, without the protocol around it."""
    body, _is_refusal = call(name, arguments, Caller(key, environ()))
    return body


def refused(key: str, name: str, **arguments: Any) -> tuple[int, str, str | None]:
    """Return `(status, code, attr)` of a call that is refused."""
    body, is_refusal = call(name, arguments, Caller(key, environ()))
    assert is_refusal, body
    assert body["do"]
    return body["status"], body["errors"][0]["code"], body["errors"][0]["attr"]


def by_http(url: str, key: str, mode: str = "auto") -> Client:
    """Return the package's client of a running site."""
    return Client(connected(url, key), mode=mode)


@asynccontextmanager
async def connected(url: str, key: str) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as streams,
    ):
        yield streams


def by_stdio(key: str) -> Client:
    """Return the package's client, which starts `manage.py mcp` on the database of the tests."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "mcp"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "MCP_API_KEY": key},
    )
    return Client(server)


def database_url() -> str:
    """Return the address of the tests' database, which is on the server in the environment."""
    server = urlsplit(os.environ["DATABASE_URL"])
    return server._replace(path=f"{server.path.rpartition('/')[0]}/{connection.settings_dict['NAME']}").geturl()


def talk(client: Client, with_it: Callable[[Client], Awaitable[Any]]) -> Any:
    """Return what a conversation with the server comes to."""

    async def conversation() -> Any:
        async with client:
            return await with_it(client)

    return asyncio.run(conversation())


async def done(client: Client, name: str, **arguments: Any) -> Body:
    """Return the answer to a call that is not refused."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content)
