"""A load generator that leaves the cores to the server: raw sockets, prepared requests, one thread.

A client is a generator: it yields a request (bytes), is sent the answer, and ends when it has had enough. Each has a
kept-alive connection of its own; the next request goes out when the answer is in.
"""

import ipaddress
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

HEADER_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
STUCK_SECONDS = 60


class Answer(NamedTuple):
    status: int
    body: bytes


Client = Generator[bytes, Answer, None]


@dataclass
class Load:
    """The results of a run."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    example: dict[int, bytes] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """Return the percentile in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else 0.0


def get(path: str, tag: str = "") -> bytes:
    """A request; with a `tag`, of somebody who has the answer with it already."""
    known = f"If-None-Match: {tag}\r\n" if tag else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{known}\r\n".encode()


def post(path: str, body: str = "{}", token: str | None = None, client_id: int = 0) -> bytes:
    """A request as it comes through a proxy: of each client from an address of their own."""
    login = f"Authorization: Bearer {token}\r\n" if token else ""
    address = ipaddress.IPv4Address(0x0A000000 + client_id)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n{login}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def drive(port: int, clients: Iterable[Client]) -> Load:
    """Let all clients go at the same moment; return when the last has ended."""
    load = Load()
    with selectors.DefaultSelector() as selector:
        waiting = []
        for client in clients:
            connection = socket.create_connection(("127.0.0.1", port), timeout=STUCK_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.append(Exchange(connection, client, load))
        started = time.perf_counter()
        for exchange in waiting:
            if exchange.begin():
                selector.register(exchange.connection, selectors.EVENT_READ, exchange.read)
        while selector.get_map():
            ready = selector.select(STUCK_SECONDS)
            if not ready:
                raise TimeoutError(f"No answer for {STUCK_SECONDS} s; so far {dict(load.statuses)}.")
            for key, _events in ready:
                read: Callable[[], bool] = key.data
                if not read():
                    selector.unregister(key.fileobj)
        load.seconds = time.perf_counter() - started
        for exchange in waiting:
            exchange.connection.close()
    return load


class Exchange:
    """One client on its connection."""

    def __init__(self, connection: socket.socket, client: Client, load: Load) -> None:
        self.connection = connection
        self.client = client
        self.load = load

    def begin(self) -> bool:
        try:
            self.send(next(self.client))
        except StopIteration:
            return False
        return True

    def send(self, request: bytes) -> None:
        self.received = b""
        self.wanted = 0
        self.sent_at = time.perf_counter()
        self.connection.sendall(request)

    def read(self) -> bool:
        """Take in what has come; once the answer is whole, go on. False when the client has had enough."""
        part = self.connection.recv(262_144)
        if not part:
            raise ConnectionError(f"The server hung up after {self.received[:200]!r}.")
        self.received += part
        if not self.wanted:
            head = self.received.find(HEADER_END)
            if head < 0:
                return True
            length = LENGTH.search(self.received, 0, head)
            self.body_at = head + len(HEADER_END)
            self.wanted = self.body_at + (int(length[1]) if length else 0)
        if len(self.received) < self.wanted:
            return True
        answer = Answer(int(self.received[9:12]), self.received[self.body_at :])
        load = self.load
        load.latencies.append(time.perf_counter() - self.sent_at)
        load.statuses[answer.status] += 1
        if answer.status not in load.example:
            load.example[answer.status] = answer.body
        try:
            self.send(self.client.send(answer))
        except StopIteration:
            return False
        return True
