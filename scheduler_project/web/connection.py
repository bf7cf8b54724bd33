"""One HTTP/1.1 connection, which reads a complete request and sends a response, with a deadline for each.

It runs on the event loop and never blocks. The parser is llhttp's, which rejects requests that two servers could read
differently (RFC 9112 §6.3, §11.2); the cases it leaves open are rejected here.

One module, and a long one: it is one state machine, whose phases, limits and deadlines can only be judged side by side.
What needs no state of a connection is in `refusals`, `answers` and `uploads`.
"""

import asyncio
import os
from enum import IntEnum
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes, urlsplit

import httptools
from django.conf import settings

from scheduler_project.web import refusals
from scheduler_project.web.answers import Environ, StoredResponse
from scheduler_project.web.uploads import body_limit

if TYPE_CHECKING:
    from scheduler_project.web.server import Server

LONGEST_TARGET = 8_192
LARGEST_HEAD = 32_768
MOST_HEADERS = 100
SMALL_CHUNKS = 1_000
"""Number of chunks of a body that may be small; further ones must average `CHUNK` bytes, because each costs the
event loop time."""
CHUNK = 64
LARGEST_FRAMING = 65_536

HEAD_SECONDS = 10
"""Maximum seconds for a request's head, from the connection or its first byte on."""
GRACE_SECONDS = 10
BYTES_PER_SECOND = 2_000
"""Minimum average rate of a sender after `GRACE_SECONDS`. A reader of a response must keep it over each
`GRACE_SECONDS`: bytes buffered by the kernel at once do not extend the time for the rest."""
LONGEST_BODY_SECONDS = 300
LINGER_SECONDS = 2
"""Seconds for which a rejected sender is still read, so that the response reaches them before the connection is
reset."""
LINGER_BYTES = 1_000_000

PART = 16_384
"""Bytes of a response buffered in the process for a reader. Not counted against the memory limit, even for clients
that read nothing: thousands of connections have so many each."""
PARTS_AT_ONCE = 16
"""Number of parts after which other connections have a turn: a fast reader of a long file would block the loop."""

OF_PROGRAMS = (b"/api/", b"/mcp")
"""The beginnings of addresses for programs, which are refused in JSON."""

NEVER = float("inf")


class Phase(IntEnum):
    """Phases of a connection, by what it waits for."""

    IDLE = 0
    """Waiting for the first byte of a request."""
    HEAD = 1
    CHECK = 2
    """Waiting for permission for a large body."""
    BODY = 3
    WORK = 4
    """Waiting for a thread, and then for its response."""
    SEND = 5
    """Waiting for the reader of a response."""
    LINGER = 6
    """Waiting for the other side to close."""
    CLOSED = 7


ANSWERING = frozenset({Phase.WORK, Phase.SEND})
READING = frozenset({Phase.HEAD, Phase.CHECK, Phase.BODY})


class RequestRefused(Exception):
    """The error of a rejected request."""

    def __init__(self, refusal: refusals.Refusal) -> None:
        self.refusal = refusal


class Pipelined(Exception):
    """The error of a second request before the response to the first."""


NAMES: dict[bytes, str] = {}
"""Cache of the WSGI names of headers."""
LONGEST_NAME = 64
"""Longer names are not cached: anybody may send a thousand of 30 kilobytes."""


def wsgi_name(header: bytes) -> str:
    """Convert `X-Forwarded-For` to `HTTP_X_FORWARDED_FOR`; empty for a header hidden from the application."""
    name = header.decode("ascii").upper()
    if "_" in name or name in {"PROXY", "TRANSFER-ENCODING"}:
        # X_Forwarded_For would become the name of the real header, which a proxy has set; Proxy that of a variable.
        wsgi = ""
    elif name in {"CONTENT-TYPE", "CONTENT-LENGTH"}:
        wsgi = name.replace("-", "_")
    else:
        wsgi = f"HTTP_{name.replace('-', '_')}"
    if len(NAMES) < 1_000 and len(header) <= LONGEST_NAME:
        NAMES[header] = wsgi
    return wsgi


class HttpConnection(asyncio.Protocol):
    """The state of one client connection: the data received, and the response to send."""

    __slots__ = (
        "address",
        "answer",
        "api",
        "asker",
        "begun_at",
        "blocked",
        "body",
        "chunked",
        "chunks",
        "deadline",
        "environ",
        "headers",
        "held",
        "keep",
        "limit",
        "network",
        "parser",
        "phase",
        "queued_at",
        "received",
        "sent",
        "server",
        "spooled",
        "taken",
        "target",
        "transport",
        "version",
        "waits",
    )

    transport: asyncio.Transport
    address: str
    network: str
    asker: str

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.phase = Phase.IDLE
        self.deadline = NEVER
        self.held = self.spooled = 0
        self.keep = True
        self.blocked = False
        self.version = "1.1"
        self.answer: StoredResponse | None = None
        self.environ: Environ = {}
        self.body = bytearray()
        self.api = False
        self.queued_at = 0.0
        self.parser = httptools.HttpRequestParser(self)
        self._forget()

    def _forget(self) -> None:
        """Reset the state for the next request."""
        self.environ = {}
        self.body = bytearray()
        self.target = b""
        self.chunked = False
        self.limit = self.chunks = self.received = self.headers = 0

    # --- Coming and going -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports have another base class
        self.transport.set_write_buffer_limits(high=PART, low=PART // 4)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self.begun_at = self.server.now()
        self.deadline = self.begun_at + HEAD_SECONDS
        self.server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.phase = Phase.CLOSED
        if self.answer:
            self.answer.close()
        self.server.remove(self)

    def eof_received(self) -> bool:
        """Close when the client stops sending, as most servers do: no client closes only half a connection."""
        return False

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self._send_more()

    def abort(self) -> None:
        self.phase = Phase.CLOSED
        self.transport.abort()

    # --- Reading ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.phase in ANSWERING:
            self._came_too_early()
            return
        self.received += len(data)
        if self.phase >= Phase.LINGER:
            if self.received > LINGER_BYTES:
                self.abort()
            return
        if self.phase is Phase.IDLE:
            self._begin()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.keep = False  # No upgrade here: the request was accepted as it is.
        except httptools.HttpParserError as error:
            self._unreadable(error.__context__)
        else:
            if self.phase is Phase.HEAD and self.received > LARGEST_HEAD:
                self.refuse(refusals.HEADERS_TOO_LARGE)
            elif self.phase is Phase.BODY and self.received - len(self.body) > LARGEST_HEAD + LARGEST_FRAMING:
                self.refuse(refusals.BAD_REQUEST)

    def _begin(self) -> None:
        """Handle the first byte of a request."""
        self.phase = Phase.HEAD
        self.begun_at = self.server.now()
        self.deadline = self.begun_at + HEAD_SECONDS

    def _unreadable(self, cause: BaseException | None) -> None:
        if self.phase in ANSWERING:
            self._came_too_early()
        elif self.phase in READING:
            self.refuse(cause.refusal if isinstance(cause, RequestRefused) else refusals.BAD_REQUEST)

    def _came_too_early(self) -> None:
        """Stop reading: a client that does not wait for responses gets only this one, and may retry (RFC 9112
        §9.3.2)."""
        self.keep = False
        self.transport.pause_reading()

    def on_message_begin(self) -> None:
        if self.phase is Phase.IDLE:  # right behind a request that was answered at once
            self._begin()
        elif self.phase is not Phase.HEAD:
            raise Pipelined

    def on_url(self, url: bytes) -> None:
        self.target += url
        self.api = self.target.startswith(OF_PROGRAMS)
        if len(self.target) > LONGEST_TARGET:
            raise RequestRefused(refusals.URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase is not Phase.HEAD:
            return  # a trailer, which is ignored
        self.headers += 1
        if self.headers > MOST_HEADERS or len(value) > LARGEST_HEAD:
            raise RequestRefused(refusals.HEADERS_TOO_LARGE)
        key = NAMES.get(name)
        if key is None:
            key = wsgi_name(name)
        text = value.decode("latin-1")
        if not key:
            if name.lower() == b"transfer-encoding":
                self.chunked = True
                if text.strip().lower() != "chunked":
                    raise RequestRefused(refusals.CODING_UNKNOWN)
            return
        before = self.environ.get(key)
        if before is not None:
            if key in {"HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE"}:
                raise RequestRefused(refusals.BAD_REQUEST)
            text = f"{before}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        self.environ[key] = text

    def on_headers_complete(self) -> None:
        environ = self.environ
        self.version = self.parser.get_http_version()
        self.keep = self.parser.should_keep_alive()
        if self.version not in {"1.0", "1.1"}:
            raise RequestRefused(refusals.VERSION_UNKNOWN)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        has_body = self.chunked or length > 0
        # A server that upgrades reads no body; one in front may have read it.
        upgraded = self.parser.should_upgrade() and has_body
        if upgraded or (self.chunked and self.version == "1.0") or not self._aimed_at_us():
            raise RequestRefused(refusals.BAD_REQUEST)
        path, _, query = self.target.partition(b"?")
        environ["REQUEST_METHOD"] = self.parser.get_method().decode("ascii")
        environ["SCRIPT_NAME"] = ""
        environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["SERVER_PROTOCOL"] = f"HTTP/{self.version}"
        environ["REMOTE_ADDR"] = self.address
        environ["SERVER_NAME"], environ["SERVER_PORT"] = self.server.name
        expected = environ.pop("HTTP_EXPECT", "").lower()
        if expected not in {"", "100-continue"}:
            raise RequestRefused(refusals.EXPECTATION_FAILED)
        if has_body:
            self._expect_body(length, waits=bool(expected) and self.version == "1.1")

    def _aimed_at_us(self) -> bool:
        """Return whether the request's target is on its own host, and reduce it to a path (RFC 9112 §3.2)."""
        host = self.environ.get("HTTP_HOST")
        if host is None and self.version == "1.1":
            return False
        if self.target.lower().startswith((b"http://", b"https://")):
            try:
                parts = urlsplit(self.target)
            except ValueError:
                return False
            if parts.netloc.decode("latin-1").lower() != (host or "").lower():
                return False
            self.target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
            self.api = self.target.startswith(OF_PROGRAMS)
        return self.target.startswith(b"/")

    def _expect_body(self, length: int, *, waits: bool) -> None:
        """Prepare for a body of `length` bytes, or of unknown length; its sender may wait for 100 Continue."""
        self.waits = waits
        self.limit = body_limit(self.environ)
        if length > self.limit:
            raise RequestRefused(refusals.TOO_LARGE)
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            self.phase = Phase.CHECK
            self.deadline = NEVER
            self.transport.pause_reading()
            self.server.enqueue(self)
        else:
            # A client that sends a large body declares its size.
            self.limit = min(self.limit, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            self._read_body()

    def checked(self, allowed: bool) -> None:
        """Continue with a large body, or reject it."""
        if self.phase is not Phase.CHECK:
            return
        if allowed:
            self._read_body()
            self.transport.resume_reading()
        else:
            self.limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            self.refuse(refusals.TOO_LARGE)

    def _read_body(self) -> None:
        self.phase = Phase.BODY
        self.begun_at = self.server.now()
        self.deadline = self.begun_at + GRACE_SECONDS
        if self.waits:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_chunk_header(self) -> None:
        self.chunks += 1
        if self.chunks > SMALL_CHUNKS + len(self.body) // CHUNK:
            raise RequestRefused(refusals.BAD_REQUEST)

    def on_body(self, data: bytes) -> None:
        if self.phase not in READING:
            return
        self.body += data
        if len(self.body) > self.limit:
            raise RequestRefused(refusals.TOO_LARGE)
        self.server.hold(self, len(self.body))

    def on_message_complete(self) -> None:
        if self.phase not in READING:
            return
        if self.transport.get_write_buffer_size() > PART:
            self.abort()  # The client asks for more and reads nothing.
            return
        if self.body:
            self.environ["CONTENT_LENGTH"] = str(len(self.body))
        self.phase = Phase.WORK
        self.deadline = NEVER
        self.server.serve(self)

    # --- Answering --------------------------------------------------------------------------------------------------

    def refuse(self, refusal: refusals.Refusal) -> None:
        """Send an error, and end the connection."""
        if self.phase >= Phase.LINGER:
            return
        accepted = self.environ.get("HTTP_ACCEPT_LANGUAGE", "")
        self.transport.write(
            refusals.refusal_bytes(
                refusal,
                api=self.api,
                language=refusals.preferred_language(accepted),
                limit=self.limit if refusal is refusals.TOO_LARGE else 0,
                body=self.environ.get("REQUEST_METHOD") != "HEAD",
                origin=self.environ.get("HTTP_ORIGIN", ""),
            )
        )
        self.server.count(refusal[1], self)
        self._end()

    def respond(self, answer: StoredResponse) -> None:
        """Send a response, as fast as it is read."""
        if self.phase is not Phase.WORK:
            answer.close()
            return
        self.phase = Phase.SEND
        self.keep = self.keep and not self.server.closing
        more = [self.server.date]
        if not self.keep:
            more.append("Connection: close")
        elif self.version == "1.0":
            more.append("Connection: keep-alive")
        self.transport.write(answer.head(*more) + answer.body)
        if answer.file is None and self.transport.get_write_buffer_size() <= PART:
            self._answered()
            return
        self.answer = answer
        self.sent = self.taken = 0
        self.begun_at = self.server.now()
        self.deadline = self.begun_at + GRACE_SECONDS
        self.body = bytearray()
        self.server.hold(self, len(answer.body) or PART, spooled=answer.length if answer.file else 0)
        self._send_more()

    def _send_more(self) -> None:
        answer = self.answer
        if self.phase is not Phase.SEND or self.blocked or answer is None:
            return
        for _ in range(PARTS_AT_ONCE):
            if answer.file is None or self.sent == answer.length:
                answer.close()
                self._answered()
                return
            part = os.pread(answer.file.fileno(), min(PART, answer.length - self.sent), answer.offset + self.sent)
            if not part:
                self.abort()  # The file has become shorter than its declared length.
                return
            self.sent += len(part)
            self.transport.write(part)
            if self.blocked:
                return
        self.server.loop.call_soon(self._send_more)

    def _answered(self) -> None:
        self.answer = None
        if not self.keep:
            self._end()
            return
        self._forget()
        self.server.hold(self, 0)
        self.phase = Phase.IDLE
        self.deadline = self.server.now() + self.server.keep_alive_seconds

    def _end(self) -> None:
        """Send the remaining data, wait until the client has received them, and close.

        A connection closed while the client is still sending is reset, and the client may never see the response.
        """
        self._forget()
        self.server.hold(self, 0)
        self.phase = Phase.LINGER
        waiting = self.transport.get_write_buffer_size()
        self.deadline = (
            self.server.now() + LINGER_SECONDS + (GRACE_SECONDS + waiting / BYTES_PER_SECOND) * bool(waiting)
        )
        if not self.transport.is_closing():
            self.transport.write_eof()
            self.transport.resume_reading()

    # --- Deadlines --------------------------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Handle a deadline that has passed."""
        if self.phase is Phase.IDLE:
            self.transport.close()
            self.phase = Phase.LINGER
            self.deadline = now + LINGER_SECONDS
        elif self.phase is Phase.HEAD:
            self.refuse(refusals.TIMEOUT)
        elif self.phase is Phase.BODY:
            allowed = min(GRACE_SECONDS + len(self.body) / BYTES_PER_SECOND, LONGEST_BODY_SECONDS)
            self.deadline = self.begun_at + allowed
            if self.deadline <= now:
                self.refuse(refusals.TIMEOUT)
        elif self.phase is Phase.SEND:
            taken = self._taken()
            if taken - self.taken < GRACE_SECONDS * BYTES_PER_SECOND:
                self.server.count("slow_reader", self)
                self.abort()
            self.taken = taken
            self.deadline = now + GRACE_SECONDS
        else:
            self.abort()

    def _taken(self) -> int:
        """Return how many bytes of the response have left the process."""
        assert self.answer is not None
        written = self.sent if self.answer.file else len(self.answer.body)
        return max(0, written - self.transport.get_write_buffer_size())
