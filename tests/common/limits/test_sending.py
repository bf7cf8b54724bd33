"""Limits on sending: per sender, per address, per site; and the reserve for requested messages."""

from datetime import timedelta

import pytest
from django.db import connection

from scheduler_project.common.limits.sending import Sending, counts, forget, give_back, hidden, mailbox, take
from scheduler_project.common.models import SendCount
from tests.factories import NOON, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("throttle")]

HOUR = timedelta(hours=1)
WIDE = (1000, 1000)


@pytest.fixture(autouse=True)
def _limits(settings):
    names = ("site", "sender", "recipient", "new_recipient")
    settings.SEND_LIMITS = {channel: dict.fromkeys(names, WIDE) for channel in ("email", "sms", "webhook")}
    settings.SEND_RESERVE_PERCENT = 0


def limit(settings, **limits) -> None:
    settings.SEND_LIMITS["email"] |= limits


def mail(to="ada@example.org", *, sender="provider:1", trusted=True, channel="email", **kind) -> Sending:
    return Sending(channel, sender, to, trusted, **kind)


def sent(*sendings, now=NOON) -> list[bool]:
    """Return for each whether it may be sent now."""
    return [wait is None for wait in take(sendings, now=now)]


@pytest.mark.parametrize(
    ("scope", "other"),
    [
        ("recipient", mail("bob@example.org")),
        ("sender", mail("bob@example.org", sender="provider:2")),
        ("site", mail("bob@example.org", sender="provider:2", channel="sms")),
    ],
)
def test_limit_holds_for_all_that_share_it_and_for_no_others(settings, scope, other):
    limit(settings, **{scope: (2, 1000)})

    assert sent(mail(), mail(), mail()) == [True, True, False]
    assert sent(mail()) == [False]
    assert sent(other) == [True]


@pytest.mark.parametrize(
    ("limits", "until"), [((1, 9), HOUR), ((9, 1), timedelta(hours=12)), ((1, 1), timedelta(hours=12))]
)
def test_what_is_beyond_waits_for_the_end_of_the_hour_or_day(settings, limits, until):
    limit(settings, recipient=limits)
    take([mail()], now=NOON)

    [wait] = take([mail()], now=NOON + minutes(10))

    assert wait.until == NOON + until
    assert sent(mail(), now=wait.until - timedelta(seconds=1)) == [False]
    assert sent(mail(), now=wait.until) == [True]


def test_reason_says_which_limit_it_was(settings):
    limit(settings, sender=(1, 9), recipient=(9, 2))

    reasons = [wait and wait.reason for wait in take([mail(), mail(), mail()], now=NOON)]

    assert reasons == [
        None,
        "This sender can send up to 1 messages an hour.",
        "This sender can send up to 1 messages an hour.",
    ]


def test_what_waits_is_not_counted(settings):
    limit(settings, recipient=(1, 9))
    assert sent(*[mail()] * 5) == [True] + [False] * 4

    assert {row.scope: row.hour_count for row in SendCount.objects.all()} == {"site": 1, "sender": 1, "recipient": 1}


def test_what_was_not_sent_after_all_makes_room(settings):
    limit(settings, recipient=(1, 9))
    take([mail()], now=NOON)

    give_back([mail()], now=NOON)

    assert sent(mail(), mail()) == [True, False]


def test_addresses_are_sent_less_by_senders_who_are_not_known(settings):
    limit(settings, new_recipient=(1, 9))
    known, new = mail(), mail("bob@example.org", sender="provider:2", trusted=False)

    assert sent(known, known, new, new) == [True, True, True, False]


def test_channels_without_a_limit_for_unknown_senders_have_the_usual_one(settings):
    settings.SEND_LIMITS["sms"] = {"site": WIDE, "sender": WIDE, "recipient": (1, 9)}

    assert sent(*[mail("+4930901820", trusted=False, channel="sms")] * 2) == [True, False]


@pytest.mark.parametrize("scope", ["site", "sender", "recipient"])
def test_reserve_is_for_what_was_asked_for(settings, scope):
    limit(settings, **{scope: (5, 1000)})
    settings.SEND_RESERVE_PERCENT = 20

    assert sent(*[mail()] * 6) == [True] * 4 + [False] * 2
    assert sent(mail(asked_for=True), mail(asked_for=True)) == [True, False]


@pytest.mark.parametrize("scope", ["site", "sender", "recipient"])
def test_notices_leave_something_for_reminders(settings, scope):
    limit(settings, **{scope: (5, 1000)})
    settings.SEND_RESERVE_PERCENT = 20

    assert sent(*[mail(notice=True)] * 4) == [True] * 3 + [False]
    assert sent(mail(notice=True), mail()) == [False, True]
    assert sent(mail(), mail(asked_for=True)) == [False, True]


def test_reminders_come_before_notices_in_a_batch(settings):
    limit(settings, recipient=(1, 9))

    assert sent(mail(notice=True), mail()) == [False, True]


def test_what_was_asked_for_comes_first_in_a_batch(settings):
    limit(settings, recipient=(2, 9))

    assert sent(mail(), mail(), mail(asked_for=True)) == [True, False, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "ADA@example.org"),
        ("ada+1@example.org", "ada+2@example.org"),
        ("a.da@gmail.com", "ad.a+1@googlemail.com"),
        ("+4930123456", "+4930123456"),
    ],
)
def test_one_mailbox_is_one_however_it_is_written(settings, one, other):
    limit(settings, recipient=(1, 9))

    assert sent(mail(one), mail(other)) == [True, False]


def test_dots_make_another_mailbox_where_it_is_not_gmails(settings):
    limit(settings, recipient=(1, 9))

    assert sent(mail("a.da@example.org"), mail("ad.a@example.org")) == [True, True]


@pytest.mark.parametrize(
    "address", ["Ada+1@Example.org", "a.d.a+b+c@GMAIL.com", "a.da@googlemail.com", "a.da@gmail.com.example.org"]
)
def test_mailbox_is_what_the_database_says_it_is(address):
    with connection.cursor() as cursor:
        cursor.execute("SELECT scheduler_mailbox(%s)", [address])

        assert cursor.fetchone() == (mailbox(address),)


def test_mailbox_that_is_nothing_but_a_plus_is_itself():
    assert mailbox("+ada@example.org") == "+ada@example.org"


def test_counts_do_not_say_who_was_written_to(settings):
    take([mail()], now=NOON)

    kept = "".join(SendCount.objects.values_list("subject", flat=True))
    assert "ada" not in kept
    assert hidden("ada@example.org") in kept


def test_take_costs_one_statement_for_many_as_for_one(django_assert_num_queries):
    for number in (1, 50):
        with django_assert_num_queries(1):
            take([mail(f"client{each}@example.org") for each in range(number)], now=NOON)


def test_without_limits_nothing_is_counted(settings, django_assert_num_queries):
    settings.THROTTLE = False

    with django_assert_num_queries(0):
        assert sent(*[mail()] * 3) == [True] * 3


def test_limit_that_was_reached_is_logged_once_for_all_that_wait(settings, caplog):
    limit(settings, recipient=(1, 9))

    with caplog.at_level("INFO", logger="security"):
        take([mail()] * 4, now=NOON)

    [line] = [record.getMessage() for record in caplog.records if record.name == "security"]
    assert line.startswith("limit.reached ")
    assert "scope=send_email_recipient" in line


def test_counts_are_told_for_the_site_and_for_who_sent_most(settings):
    for number in range(3):
        take([mail(sender=f"provider:{number}")] * (number + 1), now=NOON)

    told = [(row.channel, row.sender, row.hour, row.day) for row in counts(now=NOON + HOUR, senders=2)]

    assert told == [("email", "", 0, 6), ("email", "provider:2", 0, 3), ("email", "provider:1", 0, 2)]


def test_counts_of_days_gone_by_are_forgotten():
    take([mail()], now=NOON)
    take([mail("bob@example.org", sender="")], now=NOON + timedelta(days=2))

    assert forget(now=NOON + timedelta(days=2)) == 2
    assert SendCount.objects.count() == 2
