"""A mail server that is away for minutes or hours: all that was due meanwhile goes out, once, and nothing is lost."""

import logging
from collections import Counter
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db.models import Count

from reminders.channels.base import DeliveryError, Unreachable
from reminders.channels.registry import CHANNELS
from reminders.dispatch import attempts, dispatcher
from reminders.dispatch.dispatcher import dispatch
from reminders.enums import AttemptOutcome, MessageKind, MessageStatus
from reminders.models import DeliveryAttempt, Message
from scheduler_project.common import outages
from scheduler_project.common.models import Outage
from scheduler_project.common.outages import open_outage
from tests.factories import NOON, AppointmentFactory, ClientFactory, MessageFactory, ReservationFactory, minutes

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


class MailServer:
    """Refuses connections for as long as `away` says. What it took is in `taken`, what it was asked in `asked`."""

    def __init__(self, away: timedelta) -> None:
        self.now = NOON
        self.back_at = NOON + away
        self.asked: list[datetime] = []
        self.taken: list[str] = []

    @contextmanager
    def connect(self):
        self.asked.append(self.now)
        if self.now < self.back_at:
            raise Unreachable("The mail server cannot be reached: connection refused")
        yield self

    def send(self, outgoing) -> str:
        self.taken.append(outgoing.address)
        return ""


def reminders_due(span: timedelta, count: int) -> list[Message]:
    """Reminders of appointments a day away, due one after the other within `span`."""
    owed = []
    for number in range(count):
        due = NOON + span * number / count
        held = ReservationFactory(
            client=ClientFactory(email=f"client{number}@example.org"), starts_at=due + timedelta(days=1)
        )
        owed.append(
            MessageFactory(
                appointment=AppointmentFactory(reservation=held),
                kind=MessageKind.REMINDER,
                offset="1 day",
                due_at=due,
                status=MessageStatus.PENDING,
            )
        )
    return owed


def run(server: MailServer, until: timedelta, monkeypatch, step: int = 5) -> None:
    """Let two dispatchers look every few seconds, as beat has them, on a clock of the test's."""
    monkeypatch.setattr(CHANNELS["email"], "connect", server.connect)
    for seconds in range(0, round(until.total_seconds()), step):
        server.now = NOON + timedelta(seconds=seconds)
        for _dispatcher in range(2):
            dispatch(clock=lambda: server.now, parallel=False)


@pytest.mark.parametrize(
    ("away", "step"),
    [(minutes(4), 10), pytest.param(6 * HOUR, 120, marks=pytest.mark.slow)],
    ids=["4 minutes", "6 hours"],
)
def test_outage_loses_nothing_and_sends_nothing_twice(monkeypatch, away, step):
    owed = reminders_due(away, 20)
    server = MailServer(away)

    run(server, away + minutes(6), monkeypatch, step)

    assert Counter(server.taken) == {message.reservation.client.email: 1 for message in owed}
    assert set(Message.objects.values_list("status", "failures")) == {(MessageStatus.SENT, 0)}
    assert set(Message.objects.annotate(tries=Count("attempts")).values_list("tries", flat=True)) == {1}
    assert set(DeliveryAttempt.objects.values_list("outcome", flat=True)) == {AttemptOutcome.SENT}
    assert not Outage.objects.exists()


def test_outage_is_over_for_all_within_the_ceiling_of_the_probes(monkeypatch, settings):
    settings.SEND_PROBE_MAX_SECONDS = 60
    reminders_due(minutes(30), 20)
    server = MailServer(minutes(30))

    run(server, minutes(31.2), monkeypatch, step=10)

    assert len(server.taken) == 20


def test_outage_is_looked_at_by_one_at_a_time_however_many_dispatch_and_wait(monkeypatch):
    reminders_due(minutes(10), 20)
    server = MailServer(HOUR)

    run(server, minutes(30), monkeypatch, step=10)

    asked = Counter(server.asked)
    assert len(asked) <= 11, "15, 30, 60, 120, 240 and then 300 seconds apart"
    assert asked.pop(NOON) == 1
    assert set(asked.values()) == {1}


def test_control_without_the_circuit_and_with_three_tries_the_outage_loses_them(monkeypatch):
    """The former behaviour: each message's attempt counted although nobody answered."""

    def counted(batch, message, error):
        """A try like any other."""

    attempt = dispatcher.Batch.attempt

    def old_attempt(batch, message):
        try:
            return attempt(batch, message)
        except dispatcher.RouteClosed:
            error = DeliveryError("Not tried: nothing got through just before.")
            return attempts.AttemptResult(message, "", batch.clock(), 0, "", error)

    monkeypatch.setattr(dispatcher.Batch, "note_lost", counted)
    monkeypatch.setattr(dispatcher.Batch, "attempt", old_attempt)
    monkeypatch.setattr(attempts, "_is_final", lambda error, failures, *, useful: failures >= 3)
    reminders_due(minutes(4), 20)
    server = MailServer(minutes(4))

    run(server, minutes(10), monkeypatch, step=10)

    lost = Message.objects.filter(status=MessageStatus.FAILED).count()
    assert lost > 0
    assert len(server.taken) == 20 - lost


def test_what_is_of_no_use_any_more_at_the_end_of_the_outage_says_why(monkeypatch):
    [soon] = reminders_due(minutes(1), 1)
    Message.objects.update(useful_until=NOON + minutes(30))

    run(MailServer(HOUR), minutes(40), monkeypatch, step=30)

    soon.refresh_from_db()
    assert soon.status == MessageStatus.EXPIRED
    assert soon.error == ("It was too late to be useful. The mail server cannot be reached: connection refused")


def test_message_that_kills_its_connection_keeps_no_other_waiting_for_good(monkeypatch):
    """It is the longest due, so that it is the first of each probe."""
    poison, *_others = reminders_due(minutes(1), 5)
    server = MailServer(timedelta())
    send = server.send

    def dies_of_one(outgoing):
        if outgoing.address == poison.reservation.client.email:
            raise Unreachable("hung up", handed_over=True)
        return send(outgoing)

    server.send = dies_of_one
    outages.open_outage("email", error="hung up", now=NOON)

    run(server, minutes(5), monkeypatch, step=10)

    assert len(server.taken) == 4
    assert set(Message.objects.exclude(pk=poison.pk).values_list("status", flat=True)) == {MessageStatus.SENT}


def test_outage_is_said_once_when_it_begins_and_once_when_it_ends(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "scheduler_project.common.outages")
    reminders_due(minutes(4), 20)
    server = MailServer(minutes(4))

    run(server, minutes(10), monkeypatch)

    lines = [record.getMessage() for record in caplog.records if record.name == "scheduler_project.common.outages"]
    assert [line.partition(",")[0] for line in lines] == [
        "What goes by email waits",
        "What goes by email no longer waits.",
    ]


def test_outage_is_an_error_where_the_site_can_mend_it_and_not_where_a_provider_can(caplog):
    caplog.set_level(logging.INFO, "scheduler_project.common.outages")

    for key in ("email", "sms", "webhook:7"):
        open_outage(key, error="connection refused", now=NOON)

    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "INFO"]
