"""Leases on messages: who may have them, and when they are due again."""

from datetime import timedelta

import pytest
from django.db import connection

from reminders.dispatch.leases import due, expire_waiting, release_leases, take_probe_leases
from reminders.enums import MessageKind, MessageStatus
from scheduler_project.common import outages
from tests.factories import NOON, MessageFactory, WebhookEndpointFactory, minutes
from tests.reminders.dispatch.helpers import INSTANT, LEASE, leased, owed, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_shipped")]


def test_claim_takes_what_is_due_at_this_very_moment():
    message = owed(due_at=NOON)

    assert leased(NOON - INSTANT) == []
    assert leased(NOON) == [message]


def test_lease_lets_nobody_else_have_it_until_the_very_end_of_the_lease():
    message = owed()
    leased(NOON)

    assert leased(NOON) == []
    assert leased(NOON + LEASE - INSTANT) == []
    assert leased(NOON + LEASE) == [message]


def test_claim_is_counted():
    owed()

    [first] = leased(NOON)
    [second] = leased(NOON + LEASE)

    assert (first.claim, second.claim) == (1, 2)


def test_claim_takes_the_longest_due_first_and_no_more_than_asked_for():
    late, later, latest = (owed(due_at=NOON - minutes(number)) for number in (1, 2, 3))

    assert sorted(leased(limit=2), key=lambda message: message.due_at) == [latest, later]
    assert leased(limit=2) == [late]


@pytest.mark.parametrize("refused", [(), ("hashjoin", "mergejoin", "hashagg"), ("nestloop", "hashjoin")])
def test_claim_takes_no_more_than_asked_for_however_the_database_goes_about_it(refused):
    for _ in range(4):
        owed()
    with connection.cursor() as cursor:
        for way in (*refused, "sort", "material", "memoize"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("ANALYZE reminders_message")

    assert len(leased(limit=1)) == 1


def test_claim_takes_one_channel_only():
    mail, text = owed(), owed(channel="sms")

    assert leased(channel="sms") == [text]
    assert leased(channel="webhook") == []
    assert leased(channel="email") == [mail]


@pytest.mark.parametrize("status", [status for status in MessageStatus if status != MessageStatus.PENDING])
def test_claim_leaves_alone_what_is_no_longer_pending(status):
    MessageFactory(status=status)

    assert leased() == []


def test_due_counts_by_channel_what_could_be_claimed():
    owed(due_at=NOON + INSTANT)
    for channel in ("email", "email", "sms"):
        owed(channel=channel)
    assert due(now=NOON) == {"email": 2, "sms": 1}

    leased(channel="email", limit=1)

    assert due(now=NOON) == {"email": 1, "sms": 1}


def test_claim_takes_as_many_queries_for_many_as_for_one(django_assert_num_queries):
    owed()
    with django_assert_num_queries(2):
        leased()
    for _ in range(5):
        owed()
    with django_assert_num_queries(2):
        assert len(leased()) == 5


def test_hand_back_makes_it_due_at_once():
    message = owed()
    release_leases(leased(), now=NOON + minutes(1) / 2)

    assert leased(NOON + minutes(1) / 2) == [message]


def test_hand_back_leaves_alone_what_somebody_else_has_claimed_since():
    message = owed()
    before = leased()
    leased(NOON + LEASE)

    release_leases(before, now=NOON + LEASE)

    assert state(message)[3] == NOON + 2 * LEASE


def test_hand_back_keeps_the_place_in_the_queue():
    earlier, later = owed(due_at=NOON - minutes(2)), owed(due_at=NOON - minutes(1))

    release_leases(leased(limit=1), now=NOON)

    assert leased(limit=1) == [earlier]
    assert leased(limit=1) == [later]


# --- Where nobody answers ---------------------------------------------------------------------------------------------


def down(key="email", *, since=NOON) -> None:
    outages.open_outage(key, error="timed out", now=since)


def probe(now, channel="email"):
    return take_probe_leases(channel=channel, now=now, limit=20)


def test_claim_leaves_what_goes_where_nobody_answers():
    mail, text = owed(), owed(channel="sms")
    down("email")

    assert leased() == []
    assert leased(channel="sms") == [text]
    assert due(now=NOON) == {}

    outages.close_outage(["email"])
    assert leased() == [mail]


def test_claim_leaves_what_goes_to_one_webhook_and_takes_what_goes_to_others():
    dead, alive = WebhookEndpointFactory(), WebhookEndpointFactory()
    for endpoint in (dead, alive):
        owed(kind=MessageKind.EVENT, channel="webhook", endpoint=endpoint)
    down(f"webhook:{dead.pk}")

    assert [message.endpoint for message in leased(channel="webhook")] == [alive]


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
    assert state(over)[2] == "It was too late to be useful. The mail server cannot be reached."
