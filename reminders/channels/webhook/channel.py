"""Webhooks: one POST each, signed according to Standard Webhooks, and never into a private network."""

import http.client
import re
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
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
from scheduler_project.common.outgoing import Deadline, DeadlineReader, connect_to

MOST_READ = 500
"""Maximum number of bytes read of a response."""


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


class WebhookConnection:
    """A connection for each message, because each has its own destination."""

    def send(self, outgoing: OutgoingMessage) -> str:
        target = target_of(outgoing.address)
        deadline = Deadline(settings.SEND_TIMEOUT_SECONDS)
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


def opened(target: Target, deadline: Deadline) -> socket.socket:
    return connect_to(target.host, target.port, secure=target.secure, deadline=deadline, check=check_public)


def posted(
    target: Target, outgoing: OutgoingMessage, line: socket.socket, deadline: Deadline
) -> http.client.HTTPResponse:
    """Post a message and return the response, whose body is still unread."""
    # Given a socket, http.client neither looks up a name nor connects.
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = line
    line.settimeout(deadline.left())
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
