"""The interface of a channel: its input, its errors, and all facts that other code asks for."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.core.checks import CheckMessage
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, User
from reminders.enums import MessageKind, Recipient


class DeliveryError(Exception):
    """A failed attempt. `retry_after` is the delay in seconds that the other side asks for, if any."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(DeliveryError):
    """A server that does not answer, in time or at all: the next message on the same route would probably fail too.

    `handed_over`: the message was already being sent, and may have arrived. Otherwise it was not sent.
    """

    def __init__(self, message: str, *, handed_over: bool = False) -> None:
        super().__init__(message)
        self.handed_over = handed_over


class RefusedForGood(DeliveryError):
    """A message that the other side rejects for good; a retry is pointless. `gone`: it will reject all others too."""

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
    """The key, the same for every attempt."""
    address: str
    """An email address, a number in E.164, or a URL."""
    subject: str = ""
    text: str = ""
    html: str = ""
    to_name: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    body: bytes = b""
    """The body of a webhook, posted byte for byte."""
    secrets: tuple[str, ...] = ()
    """The secrets that sign a webhook."""


class ChannelConnection(Protocol):
    """An open connection, used for one batch."""

    def send(self, outgoing: OutgoingMessage) -> str:
        """Send one message within the channel's timeout. Return the id the other side gave it.

        Raises DeliveryError, Unreachable or RefusedForGood.
        """
        ...


Connect = Callable[[], AbstractContextManager[ChannelConnection]]
"""A function that opens a connection. Raises Unreachable."""


class TemplateText(NamedTuple):
    """The subject and body of a message. A text message has no subject."""

    subject: str | Promise
    body: str | Promise


class OptOutWords(NamedTuple):
    """The texts of pages about opting out on a channel."""

    stop: Promise = _("Stop reminders")
    resume: Promise = _("Resume reminders")
    stopped: Promise = _("You won't get any more reminders")
    stopped_since: Promise = _("No reminders since %(since)s")


class DeliveryChannel(ABC):
    """A way to deliver messages, registered by name in `registry.py`. Other code asks its facts, never its name."""

    name: str
    """The name in the database, the API and settings; ten letters at most."""
    label: str | Promise
    server: str | Promise
    """The name of the other side, for staff in the state of the site."""
    not_set_up: str | Promise = ""
    """The state of a channel that is in use but not set up."""
    is_short = False
    """True if texts are short and plain: no subject, no HTML, no attachments."""
    most_times = 60
    """The most further times of a series in one message."""
    threads = 2
    """The number of threads of one dispatcher."""
    urgent_threads = 0
    """The number of further threads, for mails about accounts alone."""
    limits: Mapping[str, tuple[int, int]] = {"site": (1000, 5000), "sender": (200, 1000), "recipient": (10, 30)}
    """The messages an hour and a day (`common/limits/sending.py`). The site's settings may override them."""

    @abstractmethod
    def connect(self) -> AbstractContextManager[ChannelConnection]:
        """Open a connection for one batch. Raises Unreachable."""

    def counted_as(self, address: str) -> str:
        """Return the recipient for whose limit a message to this address counts."""
        return address

    def is_set_up(self) -> bool:
        """Return whether the site's settings name a server that sends."""
        return True

    def is_offered(self) -> bool:
        """Return whether the channel is in use, so that clients may choose it and staff see its state."""
        return self.is_set_up()

    def prints(self) -> str:
        """Return the setting by which messages are printed to a log instead of sent; "" if they are not printed."""
        return ""

    def checks(self) -> list[CheckMessage]:
        """Return the problems of the channel's settings."""
        return []


class PersonalChannel(DeliveryChannel):
    """A channel that reaches people: clients choose it and opt out of it."""

    address_field = ""
    """The client's field with the address.

    A channel that keeps addresses elsewhere overrides `address_of`, `address_sql` and `clients_at`.
    """
    texts: Mapping[Recipient, Mapping[MessageKind, TemplateText]]
    """The default texts of all messages of the channel."""
    opt_out_words = OptOutWords()
    opt_out_stops_notices = False
    """True if an opt-out stops all messages, not only reminders."""
    writes_to_strangers = False
    """True if messages also go to addresses that are not proved to be the client's."""
    causes: Mapping[str, Promise] = {}
    """Texts for the reasons of `refusal` that reveal something about an address: `cause:…`, for few readers."""
    telling_answers: re.Pattern[str] | None = None
    """Answers of the other side that reveal something about an address."""

    def address_of(self, client: Client) -> str:
        """Return the client's address on this channel; "" if they have none."""
        return str(getattr(client, self.address_field))

    def address_sql(self) -> str:
        """Return the client's address as an SQL expression, in which `client` is the client's row."""
        return f"client.{self.address_field}"

    def clients_at(self, address: str) -> Q:
        """Return the condition for clients who have this address."""
        return Q(**{self.address_field: address})

    @abstractmethod
    def spelled(self, address: str) -> str:
        """Return an address in its stored form."""

    @abstractmethod
    def checked(self, address: str) -> str:
        """Return the stored form of an address that a user typed. Raises ValidationError."""

    def address_of_login(self, user: User) -> str:
        """Return the address that comes with a login, which decides about its opt-outs; "" if there is none."""
        return ""

    def is_proved(self, user: User, address: str) -> bool:
        """Return whether a login has proved that it reads messages to an address."""
        return False

    def refusal(self, client: Client) -> str:
        """Return the reason why no message may be sent to the client here; "" if messages may be sent."""
        return ""


def shortened(error: Any) -> str:
    """Return an error as one printable line that fits its column."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return (text or type(error).__name__)[:500]
