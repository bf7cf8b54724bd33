"""Operations to verify a client's phone: a code is sent by SMS, and its owner enters it."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.actors import Actor
from accounts.models import Client
from reminders.channels.base import DeliveryError, OutgoingMessage, RefusedForGood, shortened
from reminders.channels.sms import channel
from reminders.channels.sms.channel import SmsChannel, is_served
from reminders.models import OptOut, PhoneCode, Preferences
from reminders.phones.errors import CodeNotValid, CountryNotServed, NoPhone
from reminders.signals import code_owed
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event, log_security_event_on_commit
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.limits.throttling import may
from scheduler_project.common.operations import operation
from scheduler_project.common.site.queries import site_settings

GOOD_FOR = timedelta(minutes=10)


MOST_TRIES = 5


LEASE = timedelta(minutes=1)
"""The time in which a worker has to send a code before another one tries with another code."""


ROUND = timedelta(minutes=1)


SENDINGS = 3


BACKOFF = timedelta(seconds=20)


KEPT = timedelta(days=1)


CODE_ASKED = gettext_lazy(
    "If this number can get our text messages, a code is on its way. If nothing arrives, too many codes were "
    "requested recently, or the number opted out with STOP: reply START to any of our messages."
)
"""The response to every request for a code, whether one is sent or not."""


logger = logging.getLogger(__name__)


@operation
def ask_code(*, client_id: int, actor: Actor, network: str, now: datetime, phone: Any = None) -> Client:
    """Send a code to the client's phone, or to `phone`, which is then saved. Only for the client themself.

    Nothing is sent to a number that is verified, that sent STOP, or that has had too many codes; the response is the
    same, because these facts are private. Networks and the whole site have limits too. The limit per client is enforced
    by the caller. Raises NoPhone, CountryNotServed, NotAllowed, NotFound.
    """
    client = _own(client_id, actor)
    if phone is not None and client.phone != phone:
        client.phone = phone
        client.save(update_fields=["phone"])
    if not client.phone:
        raise NoPhone(field="phone")
    if not is_served(client.phone):
        raise CountryNotServed(field="phone")
    number = str(client.phone)
    opted_out = OptOut.objects.standing().filter(channel=SmsChannel.name, address=number)
    silent = client.phone_is_verified or opted_out.exists()
    if not silent and _within_limits(number, network):
        fresh = {"phone": number, "digest": "", "asked_at": now, "expires_at": now + GOOD_FOR, "tries": 0}
        PhoneCode.objects.update_or_create(client=client, defaults={**fresh, "failures": 0, "next_at": now})
        log_security_event_on_commit(SecurityEvent.PHONE_CODE_ASKED, login=client.user_id, client=client.pk)
        code_owed.send(PhoneCode)
    return client


def _within_limits(number: str, network: str) -> bool:
    """Count one more code for the network, the number (by hour and by day) and the site; return whether all allow it.

    The network comes first, so that one beyond its limit uses up nothing of a number's.
    """
    subjects = {
        "code_network": f"network:{network}",
        "code": f"phone:{number}",
        "code_day": f"phone:{number}",
        "code_site": "site",
    }
    return all(may(scope, subject) for scope, subject in subjects.items())


def verify_phone(*, client_id: int, code: str, actor: Actor, now: datetime) -> Client:
    """Verify the client's phone by the code sent to it; text messages go there from now on.

    Only for the client themself. Raises CodeNotValid for a wrong code, after ten minutes or five wrong codes, and if
    the phone was changed since; NotAllowed, NotFound.
    """
    client = _try_code(client_id, code, actor, now)
    if client is None:
        log_security_event(SecurityEvent.PHONE_CODE_FAILED, client=client_id)
        raise CodeNotValid(field="code")
    return client


@operation
def _try_code(client_id: int, code: str, actor: Actor, now: datetime) -> Client | None:
    """Verify the client and return them; None for a wrong code, which is counted."""
    client = _own(client_id, actor)
    row = PhoneCode.objects.select_for_update(no_key=True).filter(client=client).first()
    if row is None or not row.digest or row.expires_at <= now or row.tries >= MOST_TRIES or row.phone != client.phone:
        return None
    if not constant_time_compare(row.digest, _digest(row, code)):
        row.tries += 1
        row.save(update_fields=["tries"])
        return None
    client.verified_phone = client.phone
    client.save(update_fields=["verified_phone"])
    row.delete()
    log_security_event_on_commit(SecurityEvent.PHONE_VERIFIED, login=client.user_id, client=client.pk)
    return client


def _own(client_id: int, actor: Actor) -> Client:
    """Return the client, locked, if they are the actor. Raises NotFound, NotAllowed."""
    if actor.client_id != client_id:
        raise NotAllowed
    client = Client.objects.select_for_update(of=("self",), no_key=True).filter(pk=client_id).first()
    if client is None:
        raise NotFound
    return client


def _digest(row: PhoneCode, code: str) -> str:
    return salted_hmac("reminders.phones", f"{row.client_id}:{row.phone}:{code}", algorithm="sha256").hexdigest()


def send_due(*, clock: Callable[[], datetime]) -> int:
    """Send the pending codes. Return how many were sent. Any number of workers may run this at once."""
    PhoneCode.objects.filter(asked_at__lt=clock() - KEPT).delete()
    sent, until = 0, clock() + ROUND
    while (now := clock()) < until and (leased := _lease_next(now)):
        sent += _send(*leased, clock=clock)
    return sent


@operation
def _lease_next(now: datetime) -> tuple[PhoneCode, str] | None:
    """Generate the code that has waited longest and that no other worker is sending. Return its row and the code."""
    rows = PhoneCode.objects.due(now=now).select_related("client")
    row = rows.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if row is None:
        return None
    code = f"{secrets.randbelow(10**6):06}"
    row.digest, row.tries, row.expires_at, row.next_at = _digest(row, code), 0, now + GOOD_FOR, now + LEASE
    row.save(update_fields=["digest", "tries", "expires_at", "next_at"])
    return row, code


def _send(row: PhoneCode, code: str, *, clock: Callable[[], datetime]) -> bool:
    preferences = Preferences.objects.filter(client=row.client).first()
    with override((preferences and preferences.language) or settings.LANGUAGE_CODE):
        text = _(
            "%(code)s is your code for %(site)s. It expires in ten minutes. Didn't ask for it? Ignore this message."
        )
        outgoing = OutgoingMessage(uuid4(), str(row.phone), text=text % {"code": code, "site": site_settings().title})
    try:
        with channel.connect() as line:
            line.send(outgoing)
    except DeliveryError as error:
        _put_off(row, error, clock())
        return False
    _still(row).update(next_at=None)
    return True


def _put_off(row: PhoneCode, error: DeliveryError, now: datetime) -> None:
    """Postpone the code a little, while it is of use."""
    failures = row.failures + 1
    logger.warning("The code for client %s could not be sent: %s", row.client_id, shortened(error))
    if isinstance(error, RefusedForGood) or failures >= SENDINGS:
        _still(row).delete()
    else:
        _still(row).update(failures=failures, next_at=now + BACKOFF * 2 ** (failures - 1))


def _still(row: PhoneCode) -> Any:
    """Return the row, unless another code was requested or generated since."""
    return PhoneCode.objects.filter(pk=row.pk, digest=row.digest)
