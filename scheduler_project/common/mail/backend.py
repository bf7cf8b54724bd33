"""Django's SMTP backend with a deadline for every step.

A socket's own timeout restarts with every byte, so a slow mail server could block its sender for ever."""

import smtplib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp


class SmtpSession(smtplib.SMTP):
    """An SMTP client that exposes its socket before the first exchange."""

    def __init__(self, *args: Any, opened: Callable[[socket.socket], None], **kwargs: Any) -> None:
        self.opened = opened
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self.opened(line)
        return line


class SmtpTlsSession(smtplib.SMTP_SSL, SmtpSession):
    """An SMTP-over-TLS client that exposes its socket before the TLS handshake."""


class Backend(smtp.EmailBackend):
    """A backend that limits connecting, and each mail, to `timeout` seconds. Raises OSError at the deadline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line: socket.socket | None = None

    @property
    def connection_class(self) -> Any:
        return partial(SmtpTlsSession if self.use_ssl else SmtpSession, opened=self.note)

    def note(self, line: socket.socket) -> None:
        """Keep a duplicate of the socket: TLS takes over the first one."""
        self.forget()
        self.line = line.dup()

    def open(self) -> bool | None:
        if self.connection:
            return False
        with self.in_time():
            return super().open()

    def close(self) -> None:
        try:
            with self.in_time():
                super().close()
        finally:
            self.forget()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with self.in_time(max(1, len(email_messages)) + 1):  # one more to connect
            return super().send_messages(email_messages)

    @contextmanager
    def in_time(self, times: int = 1) -> Iterator[None]:
        """Shut the socket down at the deadline, so that a waiting read fails."""
        if self.timeout is None:
            yield
            return
        timer = threading.Timer(self.timeout * times, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def cut(self) -> None:
        if self.line is not None:
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def __del__(self) -> None:
        self.forget()
