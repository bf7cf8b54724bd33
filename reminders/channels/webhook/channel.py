"""Webhooks: one POST each, signed according to Standard Webhooks, and never into a private network."""

import http.client
import io
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.encoding import iri_to_uri
from django.utils.http import parse_http_date_safe
from django.utils.translation import gettext_lazy as _
from standardwebhooks import Webhook

from reminders.channels.base import (
    ChannelConnection,
    DeliveryChannel,
    DeliveryError,
    OutgoingMessage,
    RefusedForGood,
    Unreachable,
)

MOST_READ = 500
"""Maximum number of bytes read of a response."""


MOST_ADDRESSES = 4
"""Maximum number of addresses tried per host."""


CLOSED = [
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
"""Networks that are not public (IANA's special-purpose registries), including Teredo and 6to4, which embed other
addresses."""


GLOBAL_UNICAST = ip_network("2000::/3")
"""The public part of IPv6."""


NAT64 = ip_network("64:ff9b::/96")


class Target(NamedTuple):
    """A parsed webhook URL."""

    secure: bool
    host: str
    port: int
    path: str
    netloc: str


def target_of(url: str) -> Target:
    """Return the target of a URL. Raises RefusedForGood if no webhook may have it, whatever its host resolves to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if ":" not in host:
            host = host.encode("idna").decode()
    except ValueError as error:
        raise RefusedForGood(f"This is no address: {error}") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.WEBHOOK_ALLOW_HTTP):
        raise RefusedForGood("Webhooks are told by https only.")
    if not host or port == 0 or "@" in parts.netloc:
        raise RefusedForGood("A webhook's address is https://host/path, without a login.")
    with suppress(ValueError):
        check_public(str(ip_address(host)))
    secure = parts.scheme == "https"
    port_of_scheme = 443 if secure else 80
    if settings.WEBHOOK_PORTS and (port or port_of_scheme) not in settings.WEBHOOK_PORTS:
        raise RefusedForGood(f"Webhooks are told at these ports only: {', '.join(map(str, settings.WEBHOOK_PORTS))}.")
    path = iri_to_uri(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return Target(secure, host, port or port_of_scheme, path, netloc)


def is_public(address: str) -> bool:
    """Return whether an IP address is public, and so cannot lead into this machine's own network."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped or ip in NAT64:
            ip = IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in GLOBAL_UNICAST:
            return False
    return not any(ip in network for network in CLOSED)


def check_public(address: str) -> None:
    if not settings.WEBHOOK_ALLOW_PRIVATE and not is_public(address):
        raise RefusedForGood("This address leads into a private network.")


def left(deadline: float) -> float:
    """Return the seconds left until then."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError(f"no answer within {settings.SEND_TIMEOUT_SECONDS} seconds")
    return seconds


class DeadlineReader(io.RawIOBase):
    """A reader of a socket with one deadline for all data, however slowly it arrives."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self.line = line
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.line.settimeout(left(self.deadline))
        return self.line.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file object, as http.client requires of a socket."""
        return io.BufferedReader(self)


def looked_up(target: Target, deadline: float) -> list[tuple[socket.AddressFamily, Any]]:
    """Resolve a host once, so that the addresses checked are the addresses connected to.

    The system's resolver has no timeout of ours, so it runs in a thread that may outlive the call.
    """
    found: queue.Queue[Any] = queue.Queue()

    def look_up() -> None:
        try:
            found.put(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = found.get(timeout=left(deadline))
    except queue.Empty:
        raise TimeoutError("its name could not be looked up in time") from None
    if isinstance(answer, Exception):
        raise OSError(f"its name cannot be looked up: {answer}") from answer
    for _family, _type, _protocol, _name, address in answer:
        check_public(address[0])
    return [(family, address) for family, _type, _protocol, _name, address in answer[:MOST_ADDRESSES]]


def opened(target: Target, deadline: float) -> socket.socket:
    """Return a connection to the target's first address that answers. Each address gets a share of the time."""
    addresses = looked_up(target, deadline)
    for others, (family, address) in zip(range(len(addresses))[::-1], addresses, strict=True):
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(left(deadline) / (others + 1))
            line.connect(address)
            if not target.secure:
                return line
            line.settimeout(left(deadline))
            return tls().wrap_socket(line, server_hostname=target.host)
        except OSError:
            line.close()
            if not others:
                raise
    raise OSError("its name has no address")


@cache
def tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class WebhookConnection:
    """A connection for each message, because each has its own destination."""

    def send(self, outgoing: OutgoingMessage) -> str:
        target = target_of(outgoing.address)
        deadline = time.monotonic() + settings.SEND_TIMEOUT_SECONDS
        connected = False
        try:
            with closing(opened(target, deadline)) as line:
                connected = True
                with closing(posted(target, outgoing, line, deadline)) as answer:
                    answer.begin()
                    if not 200 <= answer.status < 300:
                        raise no(answer)
        except (OSError, http.client.HTTPException) as error:
            text = f"{target.host} does not answer: {str(error) or type(error).__name__}"
            raise Unreachable(text, handed_over=connected) from error
        return ""


def posted(target: Target, outgoing: OutgoingMessage, line: socket.socket, deadline: float) -> http.client.HTTPResponse:
    """Post a message and return the response, whose body is still unread."""
    # Given a socket, http.client neither looks up a name nor connects.
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = line
    line.settimeout(left(deadline))
    connection.request("POST", target.path, outgoing.body, {"Host": target.netloc, **headers(outgoing)})
    return http.client.HTTPResponse(DeadlineReader(line, deadline), method="POST")  # type: ignore[arg-type]


def headers(outgoing: OutgoingMessage) -> dict[str, str]:
    """Return the headers that a receiver checks (standardwebhooks.com): id, timestamp and signatures.

    The id is the same for all attempts.
    """
    now = datetime.now(UTC)
    name = webhook_id(outgoing.key)
    signatures = [Webhook(secret).sign(name, now, outgoing.body.decode()) for secret in outgoing.secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Scheduler",
        "Connection": "close",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def webhook_id(key: UUID) -> str:
    """Return the message's id, the same in every attempt."""
    return f"msg_{key.hex}"


def no(answer: http.client.HTTPResponse) -> DeliveryError:
    """Return the meaning of a response other than 2xx. Redirects are not followed: they could lead anywhere."""
    body = b""
    with suppress(OSError, http.client.HTTPException):
        body = answer.read1(MOST_READ)
    text = f"{answer.status} {answer.reason} {body.decode(errors='replace')}"
    if answer.status == http.HTTPStatus.GONE:
        return RefusedForGood(text, gone=True)
    return DeliveryError(text, retry_after=seconds_asked(answer.getheader("Retry-After")))


def seconds_asked(header: str | None) -> float | None:
    """Return the delay in seconds of a Retry-After header: seconds or a date (RFC 9110 §10.2.3).

    None if it is not valid.
    """
    header = (header or "").strip()
    if re.fullmatch(r"\d{1,9}", header, re.ASCII):
        return float(header)
    date = parse_http_date_safe(header)
    return None if date is None else max(0.0, date - time.time())


@contextmanager
def connect() -> Iterator[ChannelConnection]:
    yield WebhookConnection()


class WebhookChannel(DeliveryChannel):
    name = "webhook"
    label = _("webhook")
    server = _("Webhooks")
    threads = 8
    limits = {"site": (50_000, 500_000), "sender": (5000, 50_000), "recipient": (5000, 50_000)}

    def connect(self) -> AbstractContextManager[ChannelConnection]:
        return connect()

    def counted_as(self, address: str) -> str:
        """Return the host: all endpoints there are one recipient."""
        return urlsplit(address).hostname or ""
