"""SMS through the gateway configured in SMS_GATEWAY."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import PhoneNumber, to_python
from phonenumbers import region_code_for_number

from accounts.models import Client
from reminders.channels.base import (
    ChannelConnection,
    DeliveryError,
    OptOutWords,
    OutgoingMessage,
    PersonalChannel,
    RefusedForGood,
    Unreachable,
)
from reminders.channels.sms.texts import TEXTS
from scheduler_project.common.pages.forms import PhoneField

STATUS_PATH = "/api/v1/sms/status"
"""Path of Twilio's status callbacks."""


NOT_VERIFIED = "cause:not_verified"
NOT_SERVED = "cause:not_served"


OPTED_OUT = 21610


NEVER = {
    OPTED_OUT,
    21211,  # not a number
    21214,  # a number that cannot be reached
    21217,  # not in the format of a number
    21265,  # a short code
    21408,  # a region the account does not send to
    21602,  # no text
    21612,  # no route from the sender to this number
    21614,  # not a mobile
    21617,  # too long a text
    21635,  # a landline
}
"""Errors about the message itself, for which a retry is pointless (twilio.com/docs/api/errors)."""


def connect() -> AbstractContextManager[ChannelConnection]:
    return GATEWAYS[settings.SMS_GATEWAY]()


class Console:
    """A connection that prints the messages, with their codes and links, which are kept out of the log."""

    def send(self, outgoing: OutgoingMessage) -> str:
        sys.stdout.write(f"SMS to {outgoing.address}: {outgoing.text}\n")
        sys.stdout.flush()
        return ""


class File:
    """A connection that appends the messages to SMS_FILE."""

    def send(self, outgoing: OutgoingMessage) -> str:
        path = Path(settings.SMS_FILE)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(f"To: {outgoing.address}\n\n{outgoing.text}\n\n")
        except OSError as error:
            raise Unreachable(f"{path} cannot be written: {error}") from error
        return ""


@contextmanager
def console() -> Iterator[ChannelConnection]:
    yield Console()


@contextmanager
def file() -> Iterator[ChannelConnection]:
    yield File()


@contextmanager
def twilio() -> Iterator[ChannelConnection]:
    # Imported only if it is used: it takes a quarter of a second.
    from twilio.http.http_client import TwilioHttpClient

    # Connecting and answering may each take this long.
    http = TwilioHttpClient(timeout=settings.SEND_TIMEOUT_SECONDS / 2)
    try:
        yield Twilio(http)
    finally:
        http.session.close()


class Twilio:
    """A connection to Twilio's Messages API.

    It has no idempotency key, so it cannot recognize a message sent twice.
    """

    def __init__(self, http: Any) -> None:
        from twilio.rest import Client

        self.retry_after: float | None = None
        http.request_hooks = {"response": self.hear}
        client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http)
        client.api.base_url = settings.TWILIO_API_URL
        self.messages = client.messages

    def hear(self, response: Any, *args: Any, **kwargs: Any) -> None:
        """Keep the details of the response that Twilio's exceptions leave out."""
        header = response.headers.get("Retry-After", "")
        self.retry_after = float(header) if header.isascii() and header.isdigit() and len(header) < 10 else None

    def send(self, outgoing: OutgoingMessage) -> str:
        from requests import RequestException
        from twilio.base.exceptions import TwilioRestException, TwilioServiceException

        sender = "messaging_service_sid" if settings.TWILIO_FROM.startswith("MG") else "from_"
        try:
            message = self.messages.create(
                to=outgoing.address,
                body=outgoing.text,
                status_callback=settings.SITE_URL + STATUS_PATH,
                **{sender: settings.TWILIO_FROM},
            )
        except (TwilioRestException, TwilioServiceException) as error:
            raise self.answer(error) from error
        except RequestException as error:
            raise Unreachable(f"Twilio cannot be reached: {error}", handed_over=handed_over(error)) from error
        except ValueError as error:
            raise DeliveryError(f"Twilio's answer cannot be read: {error}") from error
        if not message.sid:
            raise DeliveryError("Twilio's answer names no message.")
        return str(message.sid)

    def answer(self, error: Any) -> DeliveryError:
        """Return the meaning of Twilio's error for this message and for the next ones."""
        reason = getattr(error, "msg", None) or getattr(error, "detail", None) or getattr(error, "title", "")
        text = f"Twilio {error.code}: {reason}"
        if error.code in NEVER:
            return RefusedForGood(text)
        if error.status in (401, 403):
            return Unreachable(text)
        return DeliveryError(text, retry_after=self.retry_after)


def handed_over(error: Exception) -> bool:
    """Return whether Twilio may have received the request although no response came: a connection had been opened."""
    from requests.exceptions import ConnectTimeout, SSLError
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return not isinstance(error, ConnectTimeout | SSLError) and not isinstance(reason, NewConnectionError)


@contextmanager
def none() -> Iterator[ChannelConnection]:
    raise Unreachable("No SMS gateway is set up (SMS_GATEWAY).")
    yield


GATEWAYS: dict[str, Callable[[], AbstractContextManager[ChannelConnection]]] = {
    "console": console,
    "file": file,
    "twilio": twilio,
    "none": none,
}


class SmsChannel(PersonalChannel):
    name = "sms"
    label = _("SMS")
    server = _("SMS gateway")
    address_field = "phone"
    texts = TEXTS
    is_short = True
    most_times = 3
    opt_out_stops_notices = True
    opt_out_words = OptOutWords(
        stop=_("Stop text messages"),
        resume=_("Resume text messages"),
        stopped=_("You won't get any more text messages"),
        stopped_since=_("No SMS since %(since)s"),
    )
    causes = {
        NOT_VERIFIED: _("The phone number is not verified."),
        NOT_SERVED: _("We don't send text messages to this country."),
    }
    telling_answers = re.compile(
        r"\b(Twilio|undelivered|failed) (21211|21214|21217|21265|21408|21610|21612|21614|21635)\b"
    )
    """Answers about a number: it sent STOP to the carrier (21610), or cannot be reached."""

    def connect(self) -> AbstractContextManager[ChannelConnection]:
        return connect()

    def spelled(self, address: str) -> str:
        """Return a number in E.164."""
        number: Any = to_python(address)
        return str(number.as_e164) if number and number.is_valid() else address.strip()

    def checked(self, address: str) -> str:
        return str(PhoneField().clean(address))

    def refusal(self, client: Client) -> str:
        """Return the reason why no text message may go to a client's phone. STOP is checked elsewhere."""
        if not client.phone:
            return gettext("No address to send it to.")
        if not client.phone_is_verified:
            return NOT_VERIFIED
        if not is_served(client.phone):
            return NOT_SERVED
        return ""

    def is_set_up(self) -> bool:
        return settings.SMS_GATEWAY != "none"

    def prints(self) -> str:
        return "SMS_GATEWAY=console" if settings.SMS_GATEWAY == "console" else ""

    def checks(self) -> list[CheckMessage]:
        if self.name not in settings.REMINDER_CHANNELS or self.is_set_up():
            return []
        return [Error("REMINDER_CHANNELS has sms, but SMS_GATEWAY names nothing that sends them.", id="reminders.E004")]


def is_served(phone: PhoneNumber) -> bool:
    """Return whether text messages are sent to the country of a number (SMS_COUNTRIES)."""
    return not settings.SMS_COUNTRIES or region_code_for_number(phone) in settings.SMS_COUNTRIES
