"""The server as the package `mcp` has it: it speaks the protocol, and asks us for tools and for calls.

Only what is imported late imports this module: the package takes a second.
"""

from collections.abc import Callable
from typing import Any

import anyio
import orjson
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.urls import resolve
from django.utils import timezone
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from accounts.keys.errors import KeyRefused
from accounts.keys.operations import user_of_key
from accounts.keys.scopes import scope_for
from scheduler_project.common.api.versions import ROOT
from scheduler_project.common.site.queries import site_settings
from scheduler_project.mcp.calls import Answer, Caller, call
from scheduler_project.mcp.schemas import arguments_of, input_schema
from scheduler_project.mcp.tools import EXPLAIN, INSTRUCTIONS, TOOLS, Tool

ANSWER_SECONDS = 60
"""The longest that the protocol waits for itself. What a call waits for, the database above all, has shorter limits."""

EXPLAIN_TOOL = types.Tool(
    name=EXPLAIN,
    title="Explain a refusal",
    description="Say what the `code` of a refusal means, where it occurs, and what to do about it.",
    input_schema={
        "type": "object",
        "properties": {"code": {"type": "string", "description": "The code, such as `slot_taken`."}},
        "required": ["code"],
        "additionalProperties": False,
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)


def server_for(
    caller: Caller, prepared: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda f: f
) -> Server[Any]:
    """Return a server for one caller. It keeps nothing between messages.

    `prepared` wraps the functions that use the database.
    """

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(types.INVALID_PARAMS, "There is one page of tools. Leave out the cursor.")
        try:
            return types.ListToolsResult(tools=await sync_to_async(prepared(tools_for))(caller))
        except KeyRefused as refusal:
            raise MCPError(types.INVALID_REQUEST, str(refusal.message)) from refusal

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        body, is_refusal = await sync_to_async(prepared(call))(params.name, params.arguments or {}, caller)
        text = types.TextContent(type="text", text=orjson.dumps(body).decode())
        return types.CallToolResult(content=[text], structured_content=body, is_error=is_refusal)

    return Server(
        "scheduler",
        version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        title=site_settings().title,
        website_url=settings.SITE_URL,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def tools_for(caller: Caller) -> list[types.Tool]:
    """Return the tools that the scopes of the caller's key open."""
    key = user_of_key(caller.key, now=timezone.now()).key
    assert key is not None
    return [*(described(tool) for tool in TOOLS if scope_of(tool) in key.scopes), EXPLAIN_TOOL]


def scope_of(tool: Tool) -> str | None:
    path = tool.path.format(**dict.fromkeys(arguments_of(tool.method, tool.path).path, 1))
    return scope_for(resolve(f"{ROOT}{path}").url_name, tool.method.upper())


def described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool),
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.changes,
            destructive_hint=tool.is_destructive,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def exchange(caller: Caller, headers: list[tuple[str, str]], content: bytes) -> Answer:
    """Answer one message of the transport “streamable HTTP”: in JSON, and without a session.

    The package's part runs in an event loop of its own. Calls of tools run in the thread that came here, which has the
    connection to the database.
    """
    return async_to_sync(_exchange)(server_for(caller), headers, content)


async def _exchange(server: Server[Any], headers: list[tuple[str, str]], content: bytes) -> Answer:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    received = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return received.pop() if received else await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
    with anyio.fail_after(ANSWER_SECONDS):
        async with manager.run():
            await manager.handle_request(scope, receive, send)
    return Answer(sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]))


async def serve_stdio(server: Server[Any]) -> None:
    """Answer the messages of standard input until it ends."""
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
