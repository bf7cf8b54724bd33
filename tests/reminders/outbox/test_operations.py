"""Leases and outcomes of the outbox's messages."""

from datetime import timedelta

import pytest
from django.db import connection

from booking.appointments.enums import AppointmentStatus
from booking.reservations.enums import ReservationStatus
from reminders.channels.base import DeliveryError, RefusedForGood, Unreachable
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus, OptOutSource, Recipient
from reminders.models import DeliveryAttempt, Message, OptOut
from reminders.outbox.errors import NotRetryable, TooLate
from reminders.outbox.operations import (
    AttemptResult,
    claim,
    claim_probe,
    close,
    due,
    expire_waiting,
    record_attempt,
    release_leases,
    reload,
    retry,
    silenced,
    skip_reason,
)
from reminders.skip_reasons import OPTED_OUT
from scheduler_project.common import outages
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    HoldFactory,
    MessageFactory,
    ReservationFactory,
    WebhookEndpointFactory,
    actor_of,
    at,
    minutes,
)
from tests.groups import MANAGER, staff_of

pytestmark = pytest.mark.django_db

INSTANT = timedelta(microseconds=1)
LEASE = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def _as_shipped(settings):
    settings.SEND_LEASE_SECONDS = 60
    settings.SEND_BACKOFF_SECONDS = 60
    settings.SEND_TRIES = 3


def owed(**fields) -> Message:
    """A message that is due at NOON."""
    return MessageFactory(status=MessageStatus.PENDING, **fields)


def a_reminder(**fields) -> Message:
    return owed(kind=MessageKind.REMINDER, offset="1 day", **fields)


def claimed(now=NOON, channel="email", limit=20) -> list[Message]:
    return claim(channel=channel, now=now, limit=limit)


def the_one() -> Message:
    [message] = claimed()
    return message


def tried(message, error=None, *, now=NOON, reference="") -> MessageStatus | None:
    return record_attempt(AttemptResult(message, "somebody@example.org", now, 25, reference, error), now=now)


def state(message) -> tuple:
    message.refresh_from_db()
    return message.status, message.failures, message.error, message.next_at


# --- Claiming ---------------------------------------------------------------------------------------------------------


def test_claim_takes_what_is_due_at_this_very_moment():
    message = owed(due_at=NOON)

    assert claimed(NOON - INSTANT) == []
    assert claimed(NOON) == [message]


def test_claim_lets_nobody_else_have_it_until_the_very_end_of_the_lease():
    message = owed()
    claimed(NOON)

    assert claimed(NOON) == []
    assert claimed(NOON + LEASE - INSTANT) == []
    assert claimed(NOON + LEASE) == [message]


def test_claim_is_counted():
    owed()

    [first] = claimed(NOON)
    [second] = claimed(NOON + LEASE)

    assert (first.claim, second.claim) == (1, 2)


def test_claim_takes_the_longest_due_first_and_no_more_than_asked_for():
    late, later, latest = (owed(due_at=NOON - minutes(number)) for number in (1, 2, 3))

    assert sorted(claimed(limit=2), key=lambda message: message.due_at) == [latest, later]
    assert claimed(limit=2) == [late]


@pytest.mark.parametrize("refused", [(), ("hashjoin", "mergejoin", "hashagg"), ("nestloop", "hashjoin")])
def test_claim_takes_no_more_than_asked_for_however_the_database_goes_about_it(refused):
    for _ in range(4):
        owed()
    with connection.cursor() as cursor:
        for way in (*refused, "sort", "material", "memoize"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("ANALYZE reminders_message")

    assert len(claimed(limit=1)) == 1


def test_claim_takes_one_channel_only():
    mail, text = owed(), owed(channel="sms")

    assert claimed(channel="sms") == [text]
    assert claimed(channel="webhook") == []
    assert claimed(channel="email") == [mail]


@pytest.mark.parametrize("status", [status for status in MessageStatus if status != MessageStatus.PENDING])
def test_claim_leaves_alone_what_is_no_longer_pending(status):
    MessageFactory(status=status)

    assert claimed() == []


def test_due_counts_by_channel_what_could_be_claimed():
    owed(due_at=NOON + INSTANT)
    for channel in ("email", "email", "sms"):
        owed(channel=channel)
    assert due(now=NOON) == {"email": 2, "sms": 1}

    claimed(channel="email", limit=1)

    assert due(now=NOON) == {"email": 1, "sms": 1}


def test_claim_takes_as_many_queries_for_many_as_for_one(django_assert_num_queries):
    owed()
    with django_assert_num_queries(2):
        claimed()
    for _ in range(5):
        owed()
    with django_assert_num_queries(2):
        assert len(claimed()) == 5


def test_hand_back_makes_it_due_at_once():
    message = owed()
    release_leases(claimed(), now=NOON + minutes(1) / 2)

    assert claimed(NOON + minutes(1) / 2) == [message]


def test_hand_back_leaves_alone_what_somebody_else_has_claimed_since():
    message = owed()
    before = claimed()
    claimed(NOON + LEASE)

    release_leases(before, now=NOON + LEASE)

    assert state(message)[3] == NOON + 2 * LEASE


def test_hand_back_keeps_the_place_in_the_queue():
    earlier, later = owed(due_at=NOON - minutes(2)), owed(due_at=NOON - minutes(1))

    release_leases(claimed(limit=1), now=NOON)

    assert claimed(limit=1) == [earlier]
    assert claimed(limit=1) == [later]


# --- Where nobody answers ---------------------------------------------------------------------------------------------


def down(key="email", *, since=NOON) -> None:
    outages.open_outage(key, error="timed out", now=since)


def probe(now, channel="email"):
    return claim_probe(channel=channel, now=now, limit=20)


def test_claim_leaves_what_goes_where_nobody_answers():
    mail, text = owed(), owed(channel="sms")
    down("email")

    assert claimed() == []
    assert claimed(channel="sms") == [text]
    assert due(now=NOON) == {}

    outages.close_outage(["email"])
    assert claimed() == [mail]


def test_claim_leaves_what_goes_to_one_webhook_and_takes_what_goes_to_others():
    dead, alive = WebhookEndpointFactory(), WebhookEndpointFactory()
    for endpoint in (dead, alive):
        owed(kind=MessageKind.EVENT, channel="webhook", endpoint=endpoint)
    down(f"webhook:{dead.pk}")

    assert [message.endpoint for message in claimed(channel="webhook")] == [alive]


def test_probe_is_had_by_one_at_a_time_and_again_when_its_lease_ends():
    message = owed()
    down()

    assert probe(NOON + timedelta(seconds=14)) == (None, [])
    assert due(now=NOON + timedelta(seconds=20)) == {"email": 1}
    assert probe(NOON + timedelta(seconds=20)) == ("email", [message])
    assert due(now=NOON + timedelta(seconds=20)) == {}
    assert probe(NOON + timedelta(seconds=20)) == (None, [])
    assert probe(NOON + timedelta(seconds=80)) == ("email", [message])


def test_probe_without_a_message_is_left_to_others():
    down()

    assert probe(NOON + minutes(1)) == ("email", [])
    assert outages.take_probe(channel="email", now=NOON + minutes(1)) == ("email", "timed out")


def test_probe_takes_what_goes_that_way_only():
    dead, alive = WebhookEndpointFactory(), WebhookEndpointFactory()
    messages = {
        endpoint: owed(kind=MessageKind.EVENT, channel="webhook", endpoint=endpoint) for endpoint in (dead, alive)
    }
    down(f"webhook:{dead.pk}")

    assert probe(NOON + minutes(1), "webhook") == (f"webhook:{dead.pk}", [messages[dead]])


def test_what_waited_in_vain_until_it_was_of_no_use_has_expired_and_says_why():
    over, useful = owed(useful_until=NOON), owed()
    text = owed(channel="sms", useful_until=NOON)

    assert expire_waiting("email", error="The mail server cannot be reached.", now=NOON) == 1

    assert [state(each)[0] for each in (over, useful, text)] == ["expired", "pending", "pending"]
    assert state(over)[2] == "It came too late to help. The mail server cannot be reached."


# --- Settling ---------------------------------------------------------------------------------------------------------


def test_settle_marks_as_sent_and_writes_the_try_down():
    message = owed()

    assert tried(the_one(), reference="<1@example.org>", now=NOON + INSTANT) == MessageStatus.SENT

    message.refresh_from_db()
    assert (message.status, message.sent_at, message.failures) == (MessageStatus.SENT, NOON + INSTANT, 0)
    [attempt] = DeliveryAttempt.objects.filter(message=message).values_list(
        "at", "milliseconds", "address", "outcome", "reference", "error"
    )
    assert attempt == (NOON + INSTANT, 25, "somebody@example.org", AttemptOutcome.SENT, "<1@example.org>", "")


@pytest.mark.parametrize("error", [DeliveryError("450 later"), ValueError("450 later")])
def test_settle_lets_a_failure_be_tried_again_after_the_backoff(error):
    message = owed()

    assert tried(the_one(), error) == MessageStatus.PENDING

    status, failures, said, next_at = state(message)
    assert (status, failures, said) == (MessageStatus.PENDING, 1, "450 later")
    assert 60 <= (next_at - NOON).total_seconds() <= 75


def test_settle_does_not_count_what_got_no_answer(settings):
    message = owed()

    assert tried(the_one(), Unreachable("timed out", handed_over=True)) == MessageStatus.PENDING

    status, failures, said, next_at = state(message)
    assert (status, failures, said) == (MessageStatus.PENDING, 0, "timed out")
    assert 60 <= (next_at - NOON).total_seconds() <= 75
    assert message.attempts.get().outcome == AttemptOutcome.FAILED


def waits(message, error, *, until) -> list[float]:
    """Try as often as it is due. Returns after how many seconds each next try is."""
    waited, now = [], NOON
    while state(message)[0] == MessageStatus.PENDING and now < until:
        [mine] = claimed(now)
        tried(mine, error, now=now)
        next_at = state(message)[3]
        waited.append((next_at - now).total_seconds())
        now = next_at
    return waited


def test_settle_doubles_the_backoff_up_to_its_ceiling_for_as_long_as_it_is_useful(settings):
    settings.SEND_BACKOFF_MAX_SECONDS = 240
    message = owed(useful_until=NOON + timedelta(hours=2))

    waited = waits(message, DeliveryError("450 later"), until=NOON + timedelta(days=1))

    for number, least in enumerate([60, 120, 240, 240, 240]):
        assert least <= waited[number] <= least * 1.25
    assert len(waited) > 20
    assert state(message)[::2] == (MessageStatus.FAILED, "450 later")


def test_settle_gives_up_as_soon_as_the_next_try_would_come_too_late():
    owed(useful_until=NOON + minutes(1))

    assert tried(the_one(), DeliveryError("450 later")) == MessageStatus.FAILED


def test_settle_gives_up_what_cannot_be_written_after_the_third_try():
    message = owed(useful_until=NOON + timedelta(days=9))

    waits(message, ZeroDivisionError("oops"), until=NOON + timedelta(days=1))

    assert state(message)[:3] == (MessageStatus.FAILED, 3, "oops")
    assert [attempt.outcome for attempt in message.attempts.all()] == [AttemptOutcome.FAILED] * 3


def test_settle_scatters_who_failed_together():
    for _ in range(10):
        owed()
    for message in claimed():
        tried(message, Unreachable("gone"))

    assert len(set(Message.objects.values_list("next_at", flat=True))) > 5


def test_settle_does_not_try_again_what_was_refused_for_good():
    message = owed()

    assert tried(the_one(), RefusedForGood("550 no such mailbox")) == MessageStatus.FAILED

    assert state(message)[:3] == (MessageStatus.FAILED, 1, "550 no such mailbox")
    assert message.attempts.get().outcome == AttemptOutcome.REFUSED


@pytest.mark.parametrize(("asked", "waits"), [(300, 300), (3600, 3600), (86_400, 3600)])
def test_settle_waits_for_as_long_as_it_is_asked_to_but_an_hour_at_most(asked, waits):
    message = owed()

    tried(the_one(), DeliveryError("429", retry_after=asked))

    assert state(message)[3] == NOON + timedelta(seconds=waits)


@pytest.mark.parametrize("asked", [0, 1, -5, None])
def test_settle_waits_no_shorter_than_the_backoff(asked):
    message = owed()

    tried(the_one(), DeliveryError("429", retry_after=asked))

    assert state(message)[3] >= NOON + minutes(1)


@pytest.mark.parametrize("error", [None, DeliveryError("450 later"), RefusedForGood("550 no")])
def test_settle_is_for_the_last_to_claim_it(error):
    message = owed()
    first = the_one()
    [second] = claimed(NOON + LEASE)

    assert tried(first, error, now=NOON + LEASE) is None
    assert state(message) == (MessageStatus.PENDING, 0, "", NOON + 2 * LEASE)
    assert tried(second, now=NOON + LEASE) == MessageStatus.SENT
    assert message.attempts.count() == 2


def test_settle_says_sent_of_what_was_withdrawn_while_it_went_out():
    message = owed()
    mine = the_one()
    Message.objects.update(status=MessageStatus.CANCELLED)

    assert tried(mine) == MessageStatus.SENT
    assert state(message)[0] == MessageStatus.SENT


@pytest.mark.parametrize("error", [DeliveryError("450 later"), RefusedForGood("550 no")])
def test_settle_leaves_withdrawn_what_failed(error):
    message = owed()
    mine = the_one()
    Message.objects.update(status=MessageStatus.CANCELLED)

    assert tried(mine, error) is None
    assert state(message)[0] == MessageStatus.CANCELLED


def test_settle_writes_down_whatever_the_other_side_says():
    message = owed()

    tried(the_one(), DeliveryError("a\0b\ud800c\r\nd" + "e" * 1000), reference="f\0g\udfffh" + "i" * 1000)

    attempt = message.attempts.get()
    assert (attempt.error[:8], len(attempt.error)) == ("a b c de", 500)
    assert (attempt.reference[:6], len(attempt.reference)) == ("f g hi", 200)


# --- Whether it is to be sent at all ----------------------------------------------------------------------------------


def verdict(message, now=NOON) -> tuple | None:
    [found] = reload([message.pk])
    answer = skip_reason(found, now, silenced([found]))
    return answer and (answer[0], str(answer[1]))


NO_LONGER_SO = (MessageStatus.CANCELLED, "It is no longer so.")
UNWANTED = (MessageStatus.CANCELLED, OPTED_OUT)


def test_nothing_speaks_against_what_still_stands():
    assert verdict(a_reminder()) is None


def test_what_helps_nobody_any_more_has_expired_from_that_very_moment_on():
    message = a_reminder()
    start = message.useful_until

    assert verdict(message, start - INSTANT) is None
    assert verdict(message, start) == (MessageStatus.EXPIRED, "It came too late to help.")


@pytest.mark.parametrize("status", [MessageStatus.CANCELLED, MessageStatus.SENT])
def test_what_was_withdrawn_stays_as_it_is(status):
    message = a_reminder()
    Message.objects.update(status=status, error="so it is", sent_at=NOON)

    assert verdict(message) == (status, "so it is")


@pytest.mark.parametrize(
    ("kind", "true_of"),
    [
        (MessageKind.BOOKED, {"scheduled"}),
        (MessageKind.APPROVED, {"scheduled"}),
        (MessageKind.PENDING, {"pending"}),
        (MessageKind.MOVED, {"scheduled", "pending"}),
        (MessageKind.DECLINED, {"declined"}),
        (MessageKind.CANCELLED, {"cancelled"}),
        (MessageKind.REMINDER, {"scheduled"}),
    ],
)
def test_message_is_sent_while_it_is_true(kind, true_of):
    message = a_reminder() if kind == MessageKind.REMINDER else owed(kind=kind)
    found = {}
    for status in AppointmentStatus:
        message.appointment.status = status
        message.appointment.save()
        found[str(status)] = verdict(message)

    assert found == {status: None if status in true_of else NO_LONGER_SO for status in AppointmentStatus.values}


def test_message_about_a_time_the_appointment_has_left_is_not_sent():
    message = a_reminder()
    message.appointment.reservation = ReservationFactory(starts_at=at("2026-03-09 12:00"))
    message.appointment.save()

    assert verdict(message) == NO_LONGER_SO


def test_link_to_confirm_is_sent_while_the_hold_is_held():
    held = HoldFactory()
    message = owed(kind=MessageKind.HOLD, appointment=None, reservation=held, useful_until=held.expires_at)
    assert verdict(message) is None

    held.status = ReservationStatus.RELEASED
    held.closed_at = NOON
    held.save()

    assert verdict(message) == NO_LONGER_SO


@pytest.mark.parametrize(("channel", "gone"), [("email", {"email": ""}), ("sms", {"phone": ""})])
def test_message_without_an_address_is_not_sent(channel, gone):
    client = ClientFactory(phone="+4930123456")
    message = a_reminder(channel=channel, appointment=AppointmentFactory(reservation__client=client))
    assert verdict(message) is None

    for name, value in gone.items():
        setattr(client, name, value)
    client.save()

    assert verdict(message) == (MessageStatus.CANCELLED, "There is no address to send it to.")


def test_provider_who_left_is_told_nothing():
    message = owed(recipient=Recipient.PROVIDER)
    assert verdict(message) is None

    user = message.reservation.provider.user
    user.is_active = False
    user.save()

    assert verdict(message) == (MessageStatus.CANCELLED, "There is no address to send it to.")


@pytest.mark.parametrize(
    ("channel", "kind", "wanted"),
    [
        ("email", MessageKind.REMINDER, UNWANTED),
        ("email", MessageKind.BOOKED, None),
        ("sms", MessageKind.REMINDER, UNWANTED),
        ("sms", MessageKind.BOOKED, UNWANTED),
    ],
)
def test_client_who_opted_out_gets_no_reminders_and_no_text_messages(channel, kind, wanted):
    client = ClientFactory(phone="+4930123456")
    appointment = AppointmentFactory(reservation__client=client)
    fields = {"channel": channel, "appointment": appointment}
    message = a_reminder(**fields) if kind == MessageKind.REMINDER else owed(kind=kind, **fields)
    address = client.email if channel == "email" else "+4930123456"
    out = OptOut.objects.create(channel=channel, address=address, at=NOON, source=OptOutSource.LINK)
    assert verdict(message) == wanted

    out.ended_at = NOON
    out.save()

    assert verdict(message) is None


def test_disabled_webhook_is_told_nothing():
    endpoint = WebhookEndpointFactory(disabled_at=NOON)
    message = owed(kind=MessageKind.EVENT, channel="webhook", endpoint=endpoint)

    assert verdict(message) == (MessageStatus.FAILED, "The webhook is disabled.")


def test_close_ends_it_with_the_reason():
    message = owed()
    close(the_one(), MessageStatus.EXPIRED, "It came too late to help.")

    assert state(message)[::2] == (MessageStatus.EXPIRED, "It came too late to help.")


def test_close_is_for_the_last_to_claim_it():
    message = owed()
    first = the_one()
    claimed(NOON + LEASE)

    close(first, MessageStatus.EXPIRED, "It came too late to help.")

    assert state(message)[0] == MessageStatus.PENDING


# --- Trying again -----------------------------------------------------------------------------------------------------


@pytest.fixture
def failed():
    message = MessageFactory(status=MessageStatus.FAILED, failures=3, error="550 no", sent_at=None)
    DeliveryAttemptFactory(message=message, outcome=AttemptOutcome.FAILED)
    return message


def test_retry_sends_it_as_if_for_the_first_time_with_the_same_key(failed):
    again = retry(message_id=failed.pk, actor=SYSTEM, now=NOON + minutes(5))

    assert again == failed
    assert state(failed) == (MessageStatus.PENDING, 0, "", NOON + minutes(5))
    assert Message.objects.get().key == failed.key
    assert claimed(NOON + minutes(5)) == [failed]
    assert failed.attempts.count() == 1


def test_retry_is_for_staff_and_the_provider(failed):
    provider = failed.reservation.provider

    for who in (staff_of(MANAGER), provider):
        assert retry(message_id=failed.pk, actor=actor_of(who), now=NOON) == failed
        Message.objects.update(status=MessageStatus.FAILED)


def test_retry_is_not_for_the_client_or_somebody_elses_provider(failed):
    stranger = AppointmentFactory().reservation.provider

    for who in (failed.reservation.client, stranger):
        with pytest.raises(NotAllowed):
            retry(message_id=failed.pk, actor=actor_of(who), now=NOON)
    assert state(failed)[0] == MessageStatus.FAILED


@pytest.mark.parametrize("status", [status for status in MessageStatus if status != MessageStatus.FAILED])
def test_retry_is_for_what_has_failed(failed, status):
    Message.objects.update(status=status, sent_at=NOON)

    with pytest.raises(NotRetryable):
        retry(message_id=failed.pk, actor=SYSTEM, now=NOON)


def test_retry_is_too_late_from_the_very_moment_it_helps_nobody(failed):
    with pytest.raises(TooLate):
        retry(message_id=failed.pk, actor=SYSTEM, now=failed.useful_until)
    assert retry(message_id=failed.pk, actor=SYSTEM, now=failed.useful_until - INSTANT) == failed


def test_retry_of_nothing_is_not_found():
    with pytest.raises(NotFound):
        retry(message_id=1, actor=SYSTEM, now=NOON)


def test_silenced_are_pairs_of_channel_and_address():
    """An address that opted out on one channel says nothing about the other."""
    client = ClientFactory(email="ada@example.org", phone="+4930901820")
    message = a_reminder(appointment__reservation__client=client)
    for channel, address in [("email", "+4930901820"), ("sms", "ada@example.org"), ("sms", "+4930901820")]:
        OptOut.objects.create(channel=channel, address=address, at=NOON, source=OptOutSource.LINK)

    assert silenced([message]) == {("sms", "+4930901820")}
