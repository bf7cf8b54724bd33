"""Connections to other servers: one deadline for the name, the connection, TLS and the whole answer."""

import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

MOST_ADDRESSES = 4
"""Maximum number of addresses tried per host."""


class Deadline:
    """The end of the time for one exchange."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left until then. Raises TimeoutError if it has passed."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(f"no answer within {self.seconds} seconds")
        return seconds


class DeadlineReader(io.RawIOBase):
    """A reader of a socket with one deadline for all data, however slowly it arrives."""

    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self.line = line
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.line.settimeout(self.deadline.left())
        return self.line.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file object, as http.client requires of a socket."""
        return io.BufferedReader(self)


def look_up(host: str, port: int, deadline: Deadline) -> list[tuple[socket.AddressFamily, Any]]:
    """Resolve a host once, so that the addresses checked are the addresses connected to.

    The system's resolver has no timeout of ours, so it runs in a thread that may outlive the call.
    """
    found: queue.Queue[Any] = queue.Queue()

    def resolve() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=resolve, daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError("its name could not be looked up in time") from None
    if isinstance(answer, Exception):
        raise OSError(f"its name cannot be looked up: {answer}") from answer
    return [(family, address) for family, _type, _protocol, _name, address in answer]


def connect_to(
    host: str, port: int, *, secure: bool, deadline: Deadline, check: Callable[[str], None] | None = None
) -> socket.socket:
    """Return a connection to the host's first address that answers. Each address gets a share of the time.

    `check` raises for an address that may not be connected to.
    """
    addresses = look_up(host, port, deadline)
    for _family, address in addresses:
        if check is not None:
            check(address[0])
    addresses = addresses[:MOST_ADDRESSES]
    for others, (family, address) in zip(range(len(addresses))[::-1], addresses, strict=True):
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(deadline.left() / (others + 1))
            line.connect(address)
            if not secure:
                return line
            line.settimeout(deadline.left())
            return tls().wrap_socket(line, server_hostname=host)
        except OSError:
            line.close()
            if not others:
                raise
    raise OSError("its name has no address")


@cache
def tls() -> ssl.SSLContext:
    return ssl.create_default_context()
