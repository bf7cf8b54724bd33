"""The web server in a thread, with an application as small as a test wants it, and a client that sends raw bytes."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import uvloop

from scheduler_project.web.connection import HttpConnection
from scheduler_project.web.server import Server

TICK_SECONDS = 0.02
STUCK_SECONDS = 10


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with the request."""
    body = environ["wsgi.input"].read()
    head = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']} "
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [head.encode("latin-1"), body]


class Running:
    """A server that listens until the block ends."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self.loop = uvloop.new_event_loop()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.server = Server(self.loop, application, ("127.0.0.1", str(self.port)))
        self.thread = threading.Thread(target=self._run)
        self.clients = contextlib.ExitStack()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.serving = self.loop.create_task(self._serve())
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())

    async def _serve(self) -> None:
        self.listening = await self.loop.create_server(lambda: HttpConnection(self.server), sock=self.socket)
        while True:
            self.server.tick()
            await asyncio.sleep(TICK_SECONDS)

    def ask(self, question: Callable[[], Any]) -> Any:
        """Return the result of a function run on the event loop."""

        async def found() -> Any:
            return question()

        return asyncio.run_coroutine_threadsafe(found(), self.loop).result(STUCK_SECONDS)

    def connect(self) -> "Client":
        return self.clients.enter_context(Client(self.port))

    def exchange(self, sent: bytes) -> "Reply":
        """Return the reply to these bytes, on a new connection."""
        with self.connect() as client:
            client.send(sent)
            return client.reply()

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.clients.close()
        self.server.threads.stop()
        self.loop.call_soon_threadsafe(self._abort)
        self.thread.join(STUCK_SECONDS)
        self.loop.close()

    def _abort(self) -> None:
        self.serving.cancel()
        self.listening.close()
        for connection in self.server._all():
            connection.abort()
        self.loop.call_later(0.05, self.loop.stop)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=STUCK_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, *, head: bool = False) -> Reply:
        """The next answer, whole. Raises ConnectionError when the server hangs up before."""
        while b"\r\n\r\n" not in self.received:
            self._receive()
        raw, _, self.received = self.received.partition(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        length = 0 if head or status in (100, 204, 304) else int(headers["content-length"])
        while len(self.received) < length:
            self._receive()
        body, self.received = self.received[:length], self.received[length:]
        return Reply(status, headers, body)

    def _receive(self) -> None:
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError(f"The server hung up after {self.received!r}.")
        self.received += part

    def ends(self) -> bytes:
        """Return the remaining bytes until the server hangs up; fail if it does not."""
        rest = self.received
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                rest += part
        self.received = b""
        return rest


@contextlib.contextmanager
def running(application: Callable[..., Any] = echo) -> Iterator[Running]:
    with Running(application) as found:
        yield found


def eventually(question: Callable[[], Any], seconds: float = STUCK_SECONDS) -> bool:
    """Return whether the condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if question():
            return True
        time.sleep(0.01)
    return False


def statuses(data: bytes) -> list[int]:
    """Return the statuses of all replies in the data."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", data)]
