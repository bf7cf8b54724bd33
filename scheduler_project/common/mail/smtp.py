"""The meaning of a mail server's responses: for this mail or for all (RFC 5321 §4.2, RFC 3463, RFC 4954)."""

import smtplib
from enum import Enum

from django.core.mail.backends.base import BaseEmailBackend


class NotSetUp(OSError):
    """The error of a site without a mail server."""


class NoMailServer(BaseEmailBackend):
    """The mail backend if `EMAIL_URL` names no mail server: nothing is sent, and mails wait."""

    def open(self) -> bool:
        raise NotSetUp("No mail server is set up (EMAIL_URL).")

    def send_messages(self, email_messages: object) -> int:
        self.open()
        return 0


class Meaning(Enum):
    DOWN = "down"
    """No mail can be sent: the server is away, or rejects our login, which we must fix."""
    LATER = "later"
    """This mail cannot be sent now."""
    NEVER = "never"
    """This mail can never be sent as it is."""


SHUTTING_DOWN = 421


TOO_LARGE = 552


OF_LOGGING_IN = {432, 454, 530, 534, 535, 538}
"""Replies about our login and not about a mail: RFC 4954 §6, and 454 of RFC 3207."""


ENHANCED_OF_LOGGING_IN = ("5.7.8", "5.7.9", "5.7.11")


OF_THE_SYSTEM = "4.3."
"""Prefix of enhanced codes of a server that is full or closed to everybody (RFC 3463 §3.4)."""


LOST = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
)


def reply_of(error: Exception) -> tuple[int, str] | None:
    """Return the code and text of a server's response; None if there was none."""
    text: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        return None
    return code, text.decode(errors="replace") if isinstance(text, bytes) else text


def meaning_of(error: Exception) -> Meaning:
    """Return the meaning of an error while sending one mail. A failed connection is always `DOWN`."""
    if isinstance(error, LOST):
        return Meaning.DOWN
    if reply := reply_of(error):
        code, text = reply
        of_logging_in = code in OF_LOGGING_IN or text.startswith(ENHANCED_OF_LOGGING_IN)
        if code == SHUTTING_DOWN or of_logging_in or text.startswith(OF_THE_SYSTEM):
            return Meaning.DOWN
        if isinstance(error, smtplib.SMTPSenderRefused) and code >= 500 and code != TOO_LARGE:
            return Meaning.DOWN  # The server refuses us, whatever sender DEFAULT_FROM_EMAIL names.
        return Meaning.NEVER if code >= 500 else Meaning.LATER
    if isinstance(error, smtplib.SMTPException | ValueError):  # for example an address this server cannot write
        return Meaning.NEVER
    return Meaning.DOWN
