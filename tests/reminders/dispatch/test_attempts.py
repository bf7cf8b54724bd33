"""Outcomes of attempts to send a message."""

from datetime import timedelta

import pytest

from reminders.channels.base import DeliveryError, RefusedForGood, Unreachable
from reminders.dispatch.attempts import AttemptResult, close, record_attempt
from reminders.enums import AttemptOutcome, MessageStatus
from reminders.models import DeliveryAttempt, Message
from tests.factories import NOON, minutes
from tests.reminders.dispatch.helpers import INSTANT, LEASE, leased, owed, state, the_one

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_shipped")]


def tried(message, error=None, *, now=NOON, reference="") -> MessageStatus | None:
    return record_attempt(AttemptResult(message, "somebody@example.org", now, 25, reference, error), now=now)


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
        [mine] = leased(now)
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
    for message in leased():
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
    [second] = leased(NOON + LEASE)

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


def test_close_ends_it_with_the_reason():
    message = owed()
    close(the_one(), MessageStatus.EXPIRED, "It was too late to be useful.")

    assert state(message)[::2] == (MessageStatus.EXPIRED, "It was too late to be useful.")


def test_close_is_for_the_last_to_claim_it():
    message = owed()
    first = the_one()
    leased(NOON + LEASE)

    close(first, MessageStatus.EXPIRED, "It was too late to be useful.")

    assert state(message)[0] == MessageStatus.PENDING
