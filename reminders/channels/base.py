"""The interface of a channel: its input and its errors."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise

from accounts.models import Client


class DeliveryError(Exception):
    """Sending failed this time. `retry_after`: the delay in seconds requested by the other side, if any."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(DeliveryError):
    """No answer, a timeout or a rejected connection: the next message on the same route would probably fail too.

    `handed_over`: the message was already being sent, and may have arrived. Otherwise it was not sent.
    """

    def __init__(self, message: str, *, handed_over: bool = False) -> None:
        super().__init__(message)
        self.handed_over = handed_over


class Refused(DeliveryError):
    """The other side rejects this message for good; a retry is pointless. `gone`: it will reject all others too."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class OutgoingMessage:
    """A complete message, ready to send."""

    key: UUID
    """The same for every attempt."""
    address: str
    """An email address, a number in E.164, or a URL."""
    subject: str = ""
    text: str = ""
    html: str = ""
    to_name: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    body: bytes = b""
    """Body of a webhook, posted byte for byte."""
    secrets: tuple[str, ...] = ()
    """Secrets that sign a webhook."""


class Connection(Protocol):
    """An open connection, used for one batch."""

    def send(self, parcel: OutgoingMessage) -> str:
        """Send one parcel within the channel's timeout. Returns the id the other side gave it.

        Raises DeliveryError, Unreachable or Refused.
        """
        ...


Connect = Callable[[], AbstractContextManager[Connection]]
"""A function that opens a connection. Raises Unreachable."""


class DeliveryChannel(ABC):
    """A way to deliver messages: registered by name in `registry.py`."""

    name: str
    is_short = False
    """Texts are short and plain: no subject, no HTML, no attachments."""
    most_times = 60
    """Maximum number of further times of a series that are listed."""

    @abstractmethod
    def connect(self) -> AbstractContextManager[Connection]:
        """Open a connection for one batch. Raises Unreachable."""


class PersonalChannel(DeliveryChannel):
    """A channel that reaches people: clients choose it and opt out of it."""

    label: str | Promise
    opt_out_stops_notices = False
    """An opt-out stops everything, not only reminders."""

    @abstractmethod
    def address_of(self, client: Client) -> str:
        """Return the client's address on this channel; empty if they have none."""

    @abstractmethod
    def spelled(self, address: str) -> str:
        """Return the stored form of an address."""

    @abstractmethod
    def clients_at(self, address: str) -> Q:
        """Return the condition for clients who have this address."""

    def refusal(self, client: Client) -> str:
        """Return the reason why nothing may be sent to the client here; empty if it may."""
        return ""

    def is_offered(self) -> bool:
        """Return whether clients may choose this channel."""
        return True


def shortened(error: Any) -> str:
    """Return an error as one printable line that fits its column."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return (text or type(error).__name__)[:500]
