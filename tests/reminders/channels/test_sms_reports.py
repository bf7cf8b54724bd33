"""The SMS gateway's reports of delivery, and opt-outs by reply."""

import pytest

from reminders.channels.sms.reports import answered, report
from reminders.enums import AttemptOutcome, MessageStatus, OptOutSource
from reminders.models import OptOut
from tests.factories import NOON, DeliveryAttemptFactory, minutes

pytestmark = pytest.mark.django_db

NUMBER = "+4930901820"


@pytest.fixture
def attempt(db):
    return DeliveryAttemptFactory(message__channel="sms", reference="SM1", address=NUMBER)


def told(attempt):
    attempt.refresh_from_db()
    attempt.message.refresh_from_db()
    return attempt.outcome, attempt.error, attempt.message.status, attempt.message.error


# --- What became of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_report_of_arrival_is_written_down(attempt, status):
    assert report(reference="SM1", status=status, error="") == AttemptOutcome.DELIVERED

    assert told(attempt) == (AttemptOutcome.DELIVERED, "", MessageStatus.SENT, "")


@pytest.mark.parametrize("status", ["undelivered", "failed", "canceled"])
def test_report_of_loss_lists_the_message_as_failed(attempt, status):
    assert report(reference="SM1", status=status, error="30005") == AttemptOutcome.REFUSED

    assert told(attempt) == (AttemptOutcome.REFUSED, f"{status} 30005", MessageStatus.FAILED, f"{status} 30005")


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "sent", "", "nonsense"])
def test_report_of_anything_on_the_way_changes_nothing(attempt, status):
    assert report(reference="SM1", status=status, error="") == AttemptOutcome.SENT

    assert told(attempt) == (AttemptOutcome.SENT, "", MessageStatus.SENT, "")


def test_first_final_report_stands(attempt):
    report(reference="SM1", status="delivered", error="")
    report(reference="SM1", status="delivered", error="")
    report(reference="SM1", status="undelivered", error="30003")

    assert told(attempt) == (AttemptOutcome.DELIVERED, "", MessageStatus.SENT, "")


def test_report_of_an_earlier_try_leaves_the_message_to_the_later(attempt):
    DeliveryAttemptFactory(message=attempt.message, reference="SM2")

    report(reference="SM1", status="undelivered", error="30003")

    assert told(attempt) == (AttemptOutcome.REFUSED, "undelivered 30003", MessageStatus.SENT, "")


def test_report_leaves_a_message_that_is_being_sent_again(attempt):
    attempt.message.status = MessageStatus.PENDING
    attempt.message.save()

    report(reference="SM1", status="undelivered", error="30003")

    assert told(attempt)[2:] == (MessageStatus.PENDING, "")


def test_report_about_nothing_of_ours_is_passed_over(attempt):
    DeliveryAttemptFactory(reference="a-mail@example.org")

    for reference in ("SM9", "", "a-mail@example.org"):
        assert report(reference=reference, status="undelivered", error="") is None


# --- Who wants no more ------------------------------------------------------------------------------------------------


def standing():
    return list(OptOut.objects.standing().values_list("channel", "address", "source", "at"))


@pytest.mark.parametrize(
    "text", ["STOP", "stop", " Stop. ", "Stop all", "UNSUBSCRIBE", "cancel", "END", "quit!", "opt-out"]
)
def test_stop_is_remembered(text):
    answered(number=NUMBER, text=text, now=NOON)

    assert standing() == [("sms", NUMBER, OptOutSource.SMS, NOON)]


@pytest.mark.parametrize("text", ["", "Hello", "I cannot stop laughing", "stopping", "YES", "👍"])
def test_other_words_stop_nothing(text):
    answered(number=NUMBER, text=text, now=NOON)

    assert standing() == []


def test_stop_twice_is_one_from_the_first(db):
    answered(number=NUMBER, text="STOP", now=NOON)
    answered(number=NUMBER, text="STOP", now=NOON + minutes(1))

    assert standing() == [("sms", NUMBER, OptOutSource.SMS, NOON)]


@pytest.mark.parametrize("text", ["START", "yes", "Unstop"])
def test_start_takes_it_back(text):
    answered(number=NUMBER, text="STOP", now=NOON)

    answered(number=NUMBER, text=text, now=NOON + minutes(1))
    answered(number=NUMBER, text=text, now=NOON + minutes(2))

    assert standing() == []
    assert OptOut.objects.get().ended_at == NOON + minutes(1)


@pytest.mark.parametrize(
    "number", ["", "12345", "whatsapp:+4930901820", "+49 30 901820", "+", "+0123456789", "+4930901820\n"]
)
def test_who_has_no_number_is_passed_over(number):
    answered(number=number, text="STOP", now=NOON)

    assert standing() == []
