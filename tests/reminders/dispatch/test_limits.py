"""The outbox and the sending limits: messages beyond a limit wait, with the reason."""

from datetime import timedelta

import pytest

from accounts.mails.operations import owe, owe_reset_link
from reminders.channels.base import Unreachable
from reminders.channels.registry import CHANNELS
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import Message
from scheduler_project.common.models import SendCount
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    HoldFactory,
    MessageFactory,
    ProviderFactory,
    ReservationFactory,
    UserFactory,
    minutes,
)
from tests.reminders.helpers import send

pytestmark = [pytest.mark.django_db, pytest.mark.provider(calendar=False), pytest.mark.usefixtures("throttle")]

HOUR = timedelta(hours=1)
PENDING, SENT, FAILED = MessageStatus.PENDING, MessageStatus.SENT, MessageStatus.FAILED


@pytest.fixture(autouse=True)
def _limits(settings):
    names = ("site", "sender", "recipient", "new_recipient")
    settings.SEND_LIMITS = {channel: dict.fromkeys(names, (99, 99)) for channel in ("email", "sms", "webhook")}
    settings.SEND_RESERVE_PERCENT = 0


def owed(provider, number=1, *, to=None, **fields) -> list[Message]:
    """Notices of a provider's, each to a client of its own unless one is named."""
    messages = []
    for _ in range(number):
        client = ClientFactory(**({"email": to} if to else {}))
        held = ReservationFactory(
            provider=provider, client=client, starts_at=NOON + timedelta(days=2, hours=len(messages))
        )
        messages.append(MessageFactory(appointment=AppointmentFactory(reservation=held), status=PENDING, **fields))
    return messages


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("status", flat=True))


def test_what_is_beyond_waits_for_the_next_hour_and_says_why(settings, provider, mailoutbox):
    settings.SEND_LIMITS["email"]["sender"] = (2, 99)
    owed(provider, 3)

    assert send(NOON) == 2
    assert states() == [SENT, SENT, PENDING]
    waiting = Message.objects.get(status=PENDING)
    assert waiting.error == "This sender can send up to 2 messages an hour."
    assert NOON + HOUR <= waiting.next_at < NOON + HOUR + minutes(2)
    assert (waiting.failures, waiting.attempts.count()) == (0, 0)

    assert send(NOON + minutes(62)) == 1
    assert (len(mailoutbox), Message.objects.exclude(error="").count()) == (3, 0)


def test_what_would_come_too_late_after_the_limit_has_failed_and_says_why(settings, provider):
    settings.SEND_LIMITS["email"]["sender"] = (1, 99)
    owed(provider, 2, useful_until=NOON + minutes(30))

    send(NOON)

    assert states() == [SENT, FAILED]
    assert Message.objects.get(status=FAILED).error == "This sender can send up to 1 messages an hour."


def test_one_mailbox_is_not_flooded_whoever_writes(settings, mailoutbox):
    settings.SEND_LIMITS["email"]["recipient"] = (3, 99)
    for number in range(6):
        owed(ProviderFactory(), to=f"ada+{number}@example.org")

    assert send(NOON) == 3


def test_mails_of_logins_count_for_the_mailbox_too(settings, provider, mailoutbox):
    settings.SEND_LIMITS["email"]["recipient"] = (2, 99)
    for _ in range(3):
        owe(to="ada@example.org", subject="Tea", text="Is ready.", now=NOON)
    owed(provider, to="ada@example.org")

    assert send(NOON) == 2
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]] * 2
    assert list(Message.objects.order_by("pk").values_list("kind", "status")) == [
        (MessageKind.ACCOUNT, PENDING),
        (MessageKind.BOOKED, PENDING),
    ]
    assert send(NOON + minutes(62)) == 2


def test_mail_about_an_account_is_given_up_where_the_limit_ends_too_late(settings, caplog):
    settings.SEND_LIMITS["email"]["recipient"] = (1, 99)
    settings.PASSWORD_RESET_TIMEOUT = 1800
    UserFactory(email="ada@example.org")
    for _ in range(2):
        owe_reset_link(email="ada@example.org", now=NOON)

    assert send(NOON) == 1
    assert states() == [PENDING]

    send(NOON + minutes(62))

    assert states() == []
    assert "is given up: It was too late to be useful." in caplog.text


def test_reserve_lets_a_link_to_confirm_through(settings, provider):
    settings.SEND_LIMITS["email"]["site"], settings.SEND_RESERVE_PERCENT = (5, 99), 20
    owed(provider, 6)
    assert send(NOON) == 3  # notices

    held = HoldFactory(provider=provider, client=ClientFactory(email="bob@example.org"))
    MessageFactory(
        kind=MessageKind.HOLD, appointment=None, reservation=held, useful_until=held.expires_at, status=PENDING
    )

    assert send(NOON) == 1


def test_provider_who_is_not_vetted_sends_nothing_and_others_do_not_wait_for_them(provider):
    owed(ProviderFactory(is_approved=False), 3)
    owed(provider, 3)

    assert send(NOON) == 3


def test_provider_is_told_of_all_their_bookings(settings, provider):
    """However many there are: it is their own mailbox, and staff know them."""
    settings.SEND_LIMITS["email"]["recipient"] = (1, 99)
    owed(provider, 3, recipient=Recipient.PROVIDER)

    assert send(NOON) == 3


def test_provider_whose_approval_was_taken_back_is_told_less(settings):
    settings.SEND_LIMITS["email"] |= {"recipient": (9, 99), "new_recipient": (1, 99)}
    owed(ProviderFactory(is_approved=False), 3, recipient=Recipient.PROVIDER)

    assert send(NOON) == 1


def test_what_waits_for_the_mail_server_is_not_counted(settings, provider, monkeypatch):
    settings.SEND_LIMITS["email"]["sender"] = (3, 99)
    owed(provider, 3)

    def refuses():
        raise Unreachable("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(CHANNELS["email"], "connect", refuses)
        for seconds in (0, 20, 80, 200):
            send(NOON + timedelta(seconds=seconds))

    assert set(SendCount.objects.values_list("hour_count", flat=True)) == {0}
    assert send(NOON + minutes(20)) == 3


def test_what_is_tried_again_is_counted_once(settings, provider, smtp_server):
    owed(provider)
    smtp_server.on["RCPT"] = "450 4.2.0 greylisted"

    for count in range(3):
        send(NOON + minutes(5 * count))

    assert set(SendCount.objects.values_list("hour_count", flat=True)) == {1}


def test_what_is_not_to_be_sent_is_not_counted(provider):
    owed(provider, useful_until=NOON)

    send(NOON)

    assert not SendCount.objects.exists()
