"""Sending failed messages again."""

import pytest

from reminders.enums import AttemptOutcome, MessageStatus
from reminders.models import Message
from reminders.outbox.errors import NotRetryable, TooLate
from reminders.outbox.operations import retry
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    DeliveryAttemptFactory,
    MessageFactory,
    actor_of,
    minutes,
)
from tests.groups import MANAGER, staff_of
from tests.reminders.dispatch.helpers import INSTANT, leased, state

pytestmark = pytest.mark.django_db


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
    assert leased(NOON + minutes(5)) == [failed]
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
