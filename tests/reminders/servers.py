"""Real servers on the own machine, for HTTP and SMTP, that misbehave as a test tells them to."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from aiosmtpd.controller import Controller

# --- HTTP -------------------------------------------------------------------------------------------------------------


class Got(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


Trick = Callable[[Any], None]
"""The handling of one request by the handler: `wfile` is the connection, `server.over` is set when the test ends."""


def answer(status: int, body: bytes = b"", **headers: str) -> Trick:
    """A well-behaved answer. `Retry_After="5"` is a header."""

    def play(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")  # It hangs up, so no client may reuse the connection.
        handler.end_headers()
        handler.wfile.write(body)

    return play


def says(*parts: bytes, pause: float = 0, ending: str = "hang up") -> Trick:
    """Write bytes as they are, with pauses between; then `hang up`, or `hang`."""

    def play(handler: Any) -> None:
        with contextlib.suppress(OSError):
            for part in parts:
                handler.wfile.write(part)
                if handler.server.over.wait(pause):
                    return
            if ending == "hang":
                handler.server.over.wait(60)

    return play


HANG = says(ending="hang")
HANG_UP = says()


def drip(text: bytes, *, pause: float) -> Trick:
    """One byte at a time: each comes well within any timeout, all of them do not."""
    return says(*(bytes([byte]) for byte in text), pause=pause)


class HttpServer(ThreadingHTTPServer):
    """Answers 200, or each request with the next of `tricks`. What it got is in `got`."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.got: list[Got] = []
        self.tricks: deque[Trick] = deque()
        self.connected = 0
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.connected += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def at(self, host: str) -> str:
        return f"{self.scheme}://{host}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append(Got(self.command, self.path, headers, body))
        trick = self.server.tricks.popleft() if self.server.tricks else answer(200)
        trick(self)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[HttpServer]:
    server = HttpServer(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    with serving() as server:
        yield server


# --- SMTP -------------------------------------------------------------------------------------------------------------


class SmtpServer:
    """Puts mails into `mails`. `on["RCPT"]` sets another reaction: a reply such as "550 no", or one of these."""

    HANGS = "hangs"
    HANGS_UP = "hangs up"
    GOODBYE_ONCE = "421 4.7.0 enough for one connection"

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.on: dict[str, str] = {}
        self.pause = 0.0
        """Seconds before every reply."""
        self.connections = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def play(self, server: Any, command: str) -> str | None:
        await asyncio.sleep(self.pause)
        does = self.on.get(command)
        if does == self.HANGS:
            await asyncio.sleep(60)
        if does == self.GOODBYE_ONCE:
            del self.on[command]
        if does == self.HANGS_UP:
            server.transport.abort()
            return "250 never read"
        return does

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:  # noqa: N802
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return await self.play(server, "MAIL") or "250 fine"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        reply = await self.play(server, "RCPT") or "250 fine"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = await self.play(server, "DATA") or "250 taken"
        if reply.startswith("250"):
            self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))
        return reply

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return await self.play(server, "QUIT") or "221 bye"


@pytest.fixture
def smtp_server(settings) -> Iterator[SmtpServer]:
    """A mail server, and the settings that lead to it."""
    server = SmtpServer()
    server.controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.controller.stop()


# --- Neither ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """Return a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def taking_less_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds
