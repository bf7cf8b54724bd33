"""What every channel is given, and how it answers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID


class DeliveryError(Exception):
    """It did not work this time. `retry_after`: in how many seconds the other side wants to be asked again."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(DeliveryError):
    """Nobody answered, or not in time, or we are not let in: what is sent next the same way will hardly fare better.

    `handed_over`: the message was on its way, and may have arrived. Otherwise it was not even tried.
    """

    def __init__(self, message: str, *, handed_over: bool = False) -> None:
        super().__init__(message)
        self.handed_over = handed_over


class Refused(DeliveryError):
    """The other side does not want this message, ever; trying again is pointless. `gone`: nor any other."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Parcel:
    """A message as it goes out: written, addressed, complete."""

    key: UUID
    """The same for every try."""
    address: str
    """A mail address, a number in E.164, a URL."""
    subject: str = ""
    text: str = ""
    html: str = ""
    to_name: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    body: bytes = b""
    """What is posted to a webhook, byte for byte."""
    secrets: tuple[str, ...] = ()
    """What signs it."""


class Connection(Protocol):
    """An open line, used for one batch."""

    def send(self, parcel: Parcel) -> str:
        """Hand over one parcel, within the channel's timeout. Returns what the other side calls it.

        Raises DeliveryError, Unreachable or Refused.
        """
        ...


Connect = Callable[[], AbstractContextManager[Connection]]
"""Opens a line. Raises Unreachable."""


def shortened(error: Any) -> str:
    """An error as one printable line that fits its column."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return (text or type(error).__name__)[:500]
