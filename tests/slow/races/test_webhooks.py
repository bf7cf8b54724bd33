"""Concurrent changes of webhooks and opt-outs."""

import pytest

from reminders.channels.sms.reports import answered, report
from reminders.enums import AttemptOutcome
from reminders.models import DeliveryAttempt, OptOut, WebhookEndpoint
from reminders.webhooks.operations import MOST, add_endpoint, rotate_secret
from tests.factories import (
    NOON,
    SYSTEM,
    DeliveryAttemptFactory,
    ProviderFactory,
    WebhookEndpointFactory,
)
from tests.slow.races.running import everybody_looks_first, together

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://practice.example.org"


def adding(number):
    """One provider with room for one more webhook, about to add that many."""
    provider = ProviderFactory()
    WebhookEndpointFactory.create_batch(MOST - 1, provider=provider)
    return [
        lambda url=f"{URL}/{n}": add_endpoint(provider_id=provider.pk, fields={"url": url}, actor=SYSTEM, now=NOON)
        for n in range(number)
    ]


def test_a_provider_who_adds_many_at_once_gets_no_more_than_there_is_room_for():
    answers = together(*adding(4))

    assert answers.kinds() == {"WebhookEndpoint": 1, "TooManyEndpoints": 3}


def test_control_without_lock_a_provider_gets_as_many_as_they_add_at_once():
    functions = adding(4)

    with everybody_looks_first(WebhookEndpoint, "save", 4):
        answers = together(*functions, locks=False)

    assert answers.kinds() == {"WebhookEndpoint": 4}


def test_same_address_added_at_once_is_there_once():
    provider = ProviderFactory()
    add = [lambda: add_endpoint(provider_id=provider.pk, fields={"url": URL}, actor=SYSTEM, now=NOON)] * 4

    with everybody_looks_first(WebhookEndpoint, "save", 4):
        answers = together(*add, locks=False)

    assert answers.kinds() == {"WebhookEndpoint": 1, "EndpointExists": 3}


def rotating(endpoint):
    return [lambda: rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)] * 2


def test_of_two_rotations_at_once_the_later_keeps_the_secret_of_the_earlier():
    endpoint = WebhookEndpointFactory()

    answers = together(*rotating(endpoint))

    endpoint.refresh_from_db()
    assert {endpoint.secret, endpoint.previous_secret} == {answer.secret for answer in answers}


def test_control_without_lock_two_rotations_at_once_lose_a_secret():
    endpoint = WebhookEndpointFactory()

    with everybody_looks_first(WebhookEndpoint, "save", 2):
        answers = together(*rotating(endpoint), locks=False)

    endpoint.refresh_from_db()
    assert {endpoint.secret, endpoint.previous_secret} != {answer.secret for answer in answers}


def test_stop_told_many_times_at_once_stands_once():
    answers = together(*[lambda: answered(number="+4930901820", text="STOP", now=NOON)] * 6)

    assert answers.kinds() == {"NoneType": 6}
    assert OptOut.objects.standing().count() == 1


def test_stop_and_start_at_once_end_in_one_or_the_other():
    words = ["STOP", "START"] * 4
    answers = together(*[lambda word=word: answered(number="+4930901820", text=word, now=NOON) for word in words])

    assert (answers.kinds(), answers.sqlstates) == ({"NoneType": 8}, [])
    assert OptOut.objects.standing().count() in (0, 1)


def contradicting():
    DeliveryAttemptFactory(message__channel="sms", reference="SM1")
    return [
        lambda status=status: report(reference="SM1", status=status, error="") for status in ("delivered", "failed")
    ]


def test_of_two_reports_at_once_the_first_stands():
    answers = together(*contradicting())

    assert len(set(answers)) == 1
    assert DeliveryAttempt.objects.get().outcome == answers[0]


def test_control_without_lock_two_reports_at_once_are_both_believed():
    functions = contradicting()

    with everybody_looks_first(DeliveryAttempt, "save", 2):
        answers = together(*functions, locks=False)

    assert set(answers) == {AttemptOutcome.DELIVERED, AttemptOutcome.REFUSED}
