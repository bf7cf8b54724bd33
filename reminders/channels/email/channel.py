"""Mail through the site's SMTP server."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from email.header import Header
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from reminders.channels.base import (
    ChannelConnection,
    DeliveryError,
    OutgoingMessage,
    PersonalChannel,
    RefusedForGood,
    Unreachable,
)
from reminders.channels.email.texts import TEXTS
from scheduler_project.common.mail.smtp import LOST, SHUTTING_DOWN, Meaning, NotSetUp, meaning_of, reply_of
from scheduler_project.common.pages.forms import EmailField

NO_MAIL_SERVER = "scheduler_project.common.mail.smtp.NoMailServer"
PRINTING = "django.core.mail.backends.console.EmailBackend"

WATCH_SECONDS = 0.2


class EmailConnection:
    """One connection to the mail server, reopened if it is lost."""

    def __init__(self) -> None:
        self.backend: Any = get_connection(timeout=settings.SEND_TIMEOUT_SECONDS)
        self.deadline: float | None = None
        self.over = threading.Event()
        self.taken = 0
        """Number of mails the server accepted on the current connection."""

    def open(self) -> None:
        if self.connections():
            return
        try:
            with self.in_time():
                self.backend.open()
        except NotSetUp as error:
            raise Unreachable(str(error)) from error
        except smtplib.SMTPAuthenticationError as error:
            self.close()
            raise Unreachable(f"The mail server does not let us in: {error}") from error
        except OSError as error:  # smtplib's errors are OSErrors
            self.close()
            raise Unreachable(f"The mail server cannot be reached: {error}") from error

    def send(self, outgoing: OutgoingMessage) -> str:
        try:
            self.hand_over(outgoing)
        except (OSError, ValueError) as error:  # as above; an address no server accepts is a ValueError
            reply = reply_of(error)
            if not (self.taken and reply and reply[0] == SHUTTING_DOWN):
                raise self.answer(error) from error
            self.close()  # Some servers end a connection like this after a number of mails.
            return self.send(outgoing)
        self.taken += 1
        return message_id(outgoing)

    def hand_over(self, outgoing: OutgoingMessage) -> None:
        self.open()
        with self.in_time():
            self.backend.send_messages([mime_message(outgoing)])

    def answer(self, error: Exception) -> DeliveryError:
        """Return the meaning of an error for this mail and for the next ones."""
        reply, meaning = reply_of(error), meaning_of(error)
        if meaning == Meaning.DOWN:
            self.close()
            if reply:
                return Unreachable(f"The mail server takes nothing: {reply[0]} {reply[1]}")
            happened = "hung up, or took too long" if isinstance(error, LOST) else "does not answer"
            return Unreachable(f"The mail server {happened}: {error}", handed_over=True)
        text = f"{reply[0]} {reply[1]}" if reply else str(error)
        if meaning == Meaning.LATER:
            return DeliveryError(text)
        return RefusedForGood(f"It cannot be written as a mail: {text}" if isinstance(error, ValueError) else text)

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Close the connection at the deadline: a socket's own timeout restarts with every byte of a slow server."""
        self.deadline = time.monotonic() + settings.SEND_TIMEOUT_SECONDS
        try:
            yield
        finally:
            self.deadline = None

    def watch(self) -> None:
        """Run the watching thread."""
        while not self.over.wait(WATCH_SECONDS):
            deadline = self.deadline
            if deadline is not None and time.monotonic() > deadline:
                self.cut()

    def cut(self) -> None:
        for connection in self.connections():
            with suppress(OSError):
                # Not the method of a TLS socket, which would remove the encryption under a waiting read.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close without QUIT: a server that stopped answering would not answer QUIT either."""
        self.taken = 0
        for connection in self.connections():
            connection.close()
        self.backend.connection = self.backend._partial_connection = None  # noqa: SLF001

    def connections(self) -> list[Any]:
        """Return the current connection, or the one being opened."""
        found = (getattr(self.backend, name, None) for name in ("connection", "_partial_connection"))
        return [connection for connection in found if connection is not None and connection.sock is not None]


@contextmanager
def connect() -> Iterator[ChannelConnection]:
    mail = EmailConnection()
    threading.Thread(target=mail.watch, name="watch", daemon=True).start()
    try:
        mail.open()
        try:
            yield mail
        finally:
            try:
                mail.backend.close()
            except OSError:
                mail.close()
    finally:
        mail.over.set()


def message_id(outgoing: OutgoingMessage) -> str:
    """Return the Message-ID (RFC 5322 §3.6.4).

    It is the same for each attempt, so that mail programs show a repeated mail once.
    """
    return f"<{outgoing.key}@{urlsplit(settings.SITE_URL).hostname}>"


def mime_message(outgoing: OutgoingMessage) -> EmailMultiAlternatives:
    """Return the message as a mail. Names and subject are taken literally, even if they look encoded (RFC 2047).

    Raises ValueError for an address that mail servers do not accept.
    """
    subject, name = (" ".join(text.split()) for text in (outgoing.subject, outgoing.to_name))
    local, _at, domain = outgoing.address.rpartition("@")
    message = EmailMultiAlternatives(
        subject=encoded(subject) if "=?" in subject else subject,
        body=outgoing.text,
        to=[
            formataddr((name if name.isascii() and "=?" not in name else encoded(name), f"{local}@{punycode(domain)}"))
        ],
        headers={"Message-ID": message_id(outgoing), "Auto-Submitted": "auto-generated", **outgoing.headers},
    )
    if outgoing.html:
        message.attach_alternative(outgoing.html, "text/html")
    for attachment in outgoing.attachments:
        message.attach(attachment.name, attachment.content, attachment.content_type)
    return message


def encoded(line: str) -> str:
    """Return a line in encoded words, each short enough for folding its header."""
    return Header(line, "utf-8").encode(linesep="")


class EmailChannel(PersonalChannel):
    name = "email"
    label = _("email")
    server = _("Mail server")
    not_set_up = _("not set up (EMAIL_URL): emails are waiting")
    address_field = "email"
    texts = TEXTS
    writes_to_strangers = True
    threads = 4
    urgent_threads = 1
    limits = {"site": (5000, 50_000), "sender": (1000, 5000), "recipient": (60, 300), "new_recipient": (5, 20)}

    def connect(self) -> AbstractContextManager[ChannelConnection]:
        return connect()

    def spelled(self, address: str) -> str:
        """Return an email in lower case."""
        return User.objects.normalize_email(address)

    def checked(self, address: str) -> str:
        return str(EmailField().clean(address))

    def address_of_login(self, user: User) -> str:
        return user.email

    def is_proved(self, user: User, address: str) -> bool:
        return EmailAddress.objects.filter(user=user, email=address, verified=True).exists()

    def is_set_up(self) -> bool:
        return settings.EMAIL_BACKEND != NO_MAIL_SERVER

    def is_offered(self) -> bool:
        """Return True: mails wait until there is a server."""
        return True

    def prints(self) -> str:
        return "EMAIL_URL=consolemail://" if settings.EMAIL_BACKEND == PRINTING else ""

    def checks(self) -> list[CheckMessage]:
        if self.is_set_up():
            return []
        return [
            Warning(
                "No mail server is set up: mails wait, and nobody is reminded or can confirm a time.",
                hint="EMAIL_URL=smtp+tls://user:password@host:587; consolemail:// prints mails on the own machine.",
                id="reminders.W001",
            )
        ]
