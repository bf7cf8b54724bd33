"""Sending due messages: no message waits for another, is sent twice, or is lost."""

import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.db import DataError, OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.mails.operations import owe
from reminders import notices
from reminders.channels.base import DeliveryError, Unreachable
from reminders.channels.registry import CHANNELS
from reminders.dispatch import attempts, dispatcher, leases, skipping
from reminders.dispatch.dispatcher import dispatch
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message, WebhookEndpoint
from scheduler_project.common import outages
from scheduler_project.common.models import Outage
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    EventMessageFactory,
    MessageFactory,
    ReservationFactory,
    ServiceFactory,
    WebhookEndpointFactory,
    minutes,
)
from tests.reminders.helpers import send
from tests.slow.chaos import unguarded
from tests.slow.races.running import everybody_looks_first, together, wrapped

pytestmark = pytest.mark.django_db

PENDING, SENT, FAILED, CANCELLED = (
    MessageStatus.PENDING,
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.CANCELLED,
)


class Recorder:
    """A channel that records its parcels, and first calls the test's function."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.connected = 0
        self.first = lambda outgoing: None

    @contextmanager
    def connect(self):
        self.connected += 1
        yield self

    def send(self, outgoing) -> str:
        self.first(outgoing)
        self.sent.append(outgoing.address)
        return ""


@pytest.fixture
def line(monkeypatch):
    """Return the mails sent."""
    recorder = Recorder()
    monkeypatch.setattr(CHANNELS["email"], "connect", recorder.connect)
    return recorder


@pytest.fixture
def small_batches(monkeypatch):
    """Let fewer messages make several batches."""
    monkeypatch.setattr(dispatcher, "BATCH", 10)


def owed(name="ada", **fields) -> Message:
    """A message due at NOON, for `name`."""
    client = ClientFactory(email=f"{name}@example.org", phone="+4930123456")
    fields.setdefault("appointment", AppointmentFactory(reservation__client=client))
    return MessageFactory(status=PENDING, **fields)


def three() -> list[Message]:
    return [owed(name) for name in ("ada", "bob", "cyd")]


def states(*messages) -> list[str]:
    return [Message.objects.get(pk=message.pk).status for message in messages]


ADA, BOB, CYD, EVE = (f"{name}@example.org" for name in ("ada", "bob", "cyd", "eve"))


# --- One batch --------------------------------------------------------------------------------------------------------


def test_dispatch_sends_what_is_due_over_one_connection(line):
    messages = three()

    assert send(NOON) == 3

    assert (line.sent, line.connected) == ([ADA, BOB, CYD], 1)
    assert states(*messages) == [SENT] * 3
    assert send(NOON) == 0


def test_dispatch_marks_each_before_it_sends_the_next(line):
    messages = three()
    seen = []
    line.first = lambda outgoing: seen.append(states(*messages).count(SENT))

    send(NOON)

    assert seen == [0, 1, 2]


def looked_up(number) -> int:
    """Return the number of queries that load data while that many reminders of all sorts are sent."""
    for turn in range(number):
        endpoint = WebhookEndpointFactory()
        appointment = AppointmentFactory(
            reservation__provider=endpoint.provider,
            reservation__service=ServiceFactory(),
            reservation__client__email=f"client{turn}@example.org",
        )
        for channel in ("email", "webhook"):
            way = {"endpoint": endpoint, "recipient": Recipient.PROVIDER} if channel == "webhook" else {}
            owed(kind=MessageKind.REMINDER, offset="1 day", channel=channel, appointment=appointment, **way)
        owed(appointment=appointment)
        before = ReservationFactory(client=appointment.client)
        of_a_moved_one = {
            "kind": MessageKind.REMINDER,
            "offset": "1 hour",
            "details": {"others": ["2026-03-05T09:00:00Z"]},
        }
        owed(reservation=before, **of_a_moved_one)
    with CaptureQueriesContext(connection) as queries:
        assert send(NOON) == number * 5
    return sum(query["sql"].startswith(('SELECT "', "SELECT channel")) for query in queries)


def test_dispatch_looks_up_as_much_for_many_as_for_one(line, monkeypatch):
    monkeypatch.setattr(CHANNELS["webhook"], "connect", Recorder().connect)

    assert looked_up(1) == looked_up(6)


def test_dispatch_looks_again_at_what_it_saw_a_while_ago(line, monkeypatch):
    monkeypatch.setattr(dispatcher, "STALE_SECONDS", 0)
    first, second, third = three()
    line.first = lambda outgoing: Message.objects.filter(pk=second.pk).update(status=CANCELLED)

    assert send(NOON) == 2

    assert line.sent == [ADA, CYD]
    assert states(first, second, third) == [SENT, CANCELLED, SENT]


def test_dispatch_does_not_send_what_somebody_else_has_by_now(line, monkeypatch):
    monkeypatch.setattr(dispatcher, "STALE_SECONDS", 0)
    _first, second, _third = three()

    def somebody_claims(outgoing):
        Message.objects.filter(pk=second.pk).update(claim=7)

    line.first = somebody_claims

    assert send(NOON) == 2
    assert line.sent == [ADA, CYD]


def test_dispatch_hands_back_what_it_has_no_time_for(line, monkeypatch, settings):
    settings.SEND_LEASE_SECONDS, settings.SEND_TIMEOUT_SECONDS = 60, 10
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(dispatcher, "time", SimpleNamespace(monotonic=lambda: clock.seconds))

    def takes_50_seconds(outgoing):
        clock.seconds += 50

    line.first = takes_50_seconds
    first, *rest = three()

    assert send(NOON) == 1

    assert states(first, *rest) == [SENT, PENDING, PENDING]
    assert {Message.objects.get(pk=message.pk).next_at for message in rest} == {NOON}


def test_dispatch_ends_with_the_status_of_what_is_not_to_be_sent(line):
    message = owed(useful_until=NOON)

    assert send(NOON) == 0
    assert (line.sent, states(message)) == ([], [MessageStatus.EXPIRED])


# --- When it does not work --------------------------------------------------------------------------------------------


def fails(*addresses, error):
    """Return a channel's behaviour that raises `error` for some addresses."""

    def first(outgoing):
        if outgoing.address in addresses:
            raise error

    return first


def test_failure_is_tried_again_and_the_others_are_sent(line):
    messages = three()
    line.first = fails(BOB, error=DeliveryError("450 later"))

    assert send(NOON) == 2
    assert (line.sent, states(*messages)) == ([ADA, CYD], [SENT, PENDING, SENT])

    line.first = lambda outgoing: None
    assert send(NOON + timedelta(seconds=59)) == 0
    assert send(NOON + timedelta(seconds=75)) == 1


def test_message_is_sent_with_the_same_key_at_every_try(monkeypatch, line):
    message = owed()
    keys = []

    def note(outgoing):
        keys.append(outgoing.key)
        raise DeliveryError("450 later")

    line.first = note
    for hours in range(3):
        send(NOON + timedelta(hours=hours))

    assert keys == [message.key] * 3
    assert states(message) == [PENDING]


def test_nothing_more_is_tried_after_two_that_got_no_answer_and_the_others_lose_nothing(line):
    messages = [owed(name) for name in ("ada", "bob", "cyd", "dan")]
    tried = []

    def hangs(outgoing):
        tried.append(outgoing.address)
        raise Unreachable("timed out", handed_over=True)

    line.first = hangs

    assert send(NOON) == 0

    assert tried == [ADA, BOB]
    told = [(message.error, message.failures, message.attempts.count()) for message in Message.objects.order_by("pk")]
    assert told == [("timed out", 0, 1)] * 2 + [("", 0, 0)] * 2
    assert states(*messages) == [PENDING] * 4
    assert Outage.objects.get().error == "timed out"


def test_one_that_got_no_answer_is_an_accident_if_the_next_does(line):
    messages = three()
    line.first = fails(BOB, error=Unreachable("timed out", handed_over=True))

    assert send(NOON) == 2
    assert (states(*messages), Outage.objects.exists()) == ([SENT, PENDING, SENT], False)


@pytest.fixture
def nobody(monkeypatch):
    """No mail server is there; each time one is looked for counts."""
    asked = []

    @contextmanager
    def connect():
        asked.append(1)
        raise Unreachable("connection refused")
        yield

    monkeypatch.setattr(CHANNELS["email"], "connect", connect)
    return asked


def test_nothing_is_tried_where_there_is_no_connection(nobody):
    messages = three()

    assert send(NOON) == 0
    assert (len(nobody), states(*messages)) == (1, [PENDING] * 3)
    assert not DeliveryAttempt.objects.exists()
    assert set(Message.objects.values_list("failures", "error")) == {(0, "")}


def test_nobody_is_asked_again_before_the_probe_and_then_once(nobody):
    three()
    send(NOON)

    send(NOON + timedelta(seconds=14))
    assert len(nobody) == 1
    send(NOON + timedelta(seconds=20))
    assert len(nobody) == 2


def test_probes_come_at_longer_and_longer_intervals_up_to_a_ceiling(nobody):
    owed(useful_until=NOON + timedelta(days=1))
    asked = []
    for seconds in range(0, 3600, 5):
        before = len(nobody)
        send(NOON + timedelta(seconds=seconds))
        asked += [seconds] * (len(nobody) - before)

    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) < 17
    assert pauses[0] <= 25
    assert 290 <= pauses[-1] <= 310


def test_first_answer_to_a_probe_lets_the_others_follow(nobody, line):
    messages = three()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CHANNELS["email"], "connect", refuses)
        send(NOON)

    line.first = fails(ADA, error=DeliveryError("450 later"))
    assert send(NOON + minutes(1)) == 2

    assert (states(*messages), Outage.objects.exists()) == ([PENDING, SENT, SENT], False)


@contextmanager
def refuses():
    raise Unreachable("connection refused")
    yield


def test_probe_that_found_nothing_to_send_tries_the_next(line):
    *over, useful = [owed(name, useful_until=NOON + minutes(1)) for name in ("ada", "bob")] + [owed("cyd")]
    outages.open_outage("email", error="connection refused", now=NOON)

    assert send(NOON + minutes(2)) == 1

    assert states(*over, useful) == [MessageStatus.EXPIRED] * 2 + [SENT]


def test_one_dead_webhook_is_not_the_others(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(CHANNELS["webhook"], "connect", recorder.connect)
    dead, alive = (WebhookEndpointFactory(url=f"https://{name}.example.org/") for name in ("dead", "alive"))
    for endpoint in (dead, dead, dead, alive, dead, alive):
        EventMessageFactory(endpoint=endpoint, status=PENDING, useful_until=NOON + timedelta(days=3))
    tried = Counter()

    def first(outgoing):
        tried[outgoing.address] += 1
        if outgoing.address == dead.url:
            raise Unreachable("timed out", handed_over=True)

    recorder.first = first

    assert send(NOON) == 2
    assert tried == {dead.url: 2, alive.url: 2}


# --- What must not hold up others -------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [(dispatcher, "compose"), (skipping, "skip_reason")])
def test_message_that_cannot_be_told_fails_and_the_others_are_sent(line, broken):
    first, second, third = three()

    def cannot(message, *args, **named):
        if message.pk == second.pk:
            raise ZeroDivisionError
        return original(message, *args, **named)

    original = getattr(*broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*broken, cannot)
        assert send(NOON) == 2

    assert (line.sent, states(first, second, third)) == ([ADA, CYD], [SENT, PENDING, SENT])
    second.refresh_from_db()
    assert (second.error, second.failures) == ("ZeroDivisionError", 1)


def test_message_that_cannot_be_settled_has_failed_and_does_not_hold_up_the_others(line, monkeypatch, caplog):
    first, second, third = three()
    record_attempt = attempts.record_attempt

    def cannot(tried, *, now):
        if tried.message.pk == second.pk:
            raise DataError("too long")
        return record_attempt(tried, now=now)

    monkeypatch.setattr(attempts, "record_attempt", cannot)

    assert send(NOON) == 2
    assert states(first, second, third) == [SENT, FAILED, SENT]
    assert (Message.objects.get(pk=second.pk).error, "cannot be dealt with" in caplog.text) == ("too long", True)


@pytest.fixture
def listened(line):
    """A reminder whose provider wants to know what became of it."""
    message = owed(kind=MessageKind.REMINDER, offset="1 day")
    WebhookEndpointFactory(provider=message.reservation.provider)
    return message


def told() -> list[str]:
    return [message.details["type"] for message in Message.objects.filter(kind=MessageKind.EVENT)]


def test_outcome_is_told_to_the_webhooks(listened, monkeypatch):
    monkeypatch.setattr(CHANNELS["webhook"], "connect", Recorder().connect)
    assert send(NOON) == 2  # the event too

    assert (states(listened), told()) == ([SENT], ["reminder.sent"])


@pytest.mark.django_db(transaction=True)
def test_outcome_is_settled_though_a_webhook_was_just_removed(listened, line):
    line.first = lambda outgoing: WebhookEndpoint.objects.all().delete()

    assert send(NOON) == 1
    assert (states(listened), told()) == ([SENT], [])


def test_outcome_that_cannot_be_told_does_not_have_it_sent_again(listened, line, monkeypatch):
    def cannot(**named):
        raise ZeroDivisionError

    monkeypatch.setattr(notices, "notify_outcome", cannot)

    assert send(NOON) == 1
    assert (states(listened), line.sent) == ([SENT], [ADA])


def test_outcome_is_told_with_the_mark_or_neither_is_there(listened, line, monkeypatch):
    def database_goes(**named):
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(notices, "notify_outcome", database_goes)
        with pytest.raises(OperationalError):
            send(NOON)
    assert (states(listened), told()) == ([PENDING], [])

    monkeypatch.setattr(CHANNELS["webhook"], "connect", Recorder().connect)
    send(NOON + timedelta(seconds=60))
    assert (states(listened), told(), line.sent) == ([SENT], ["reminder.sent"], [ADA, ADA])


def test_what_a_dispatcher_without_a_database_had_is_due_again_at_the_end_of_its_lease(line, monkeypatch, settings):
    settings.SEND_LEASE_SECONDS = 60
    messages = three()

    def database_goes(tried, *, now):
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "record_attempt", database_goes)
        with pytest.raises(OperationalError):
            send(NOON)
    assert send(NOON + timedelta(seconds=59)) == 0

    assert send(NOON + timedelta(seconds=60)) == 3
    assert line.sent == [ADA, ADA, BOB, CYD]
    assert states(*messages) == [SENT] * 3


def test_mail_about_an_account_goes_before_whatever_was_due_earlier(line):
    for number in range(dispatcher.BATCH + 10):
        owed(f"client{number}")
    owe(to=EVE, subject="Tea", text="Is ready.", now=NOON + minutes(5))

    send(NOON + minutes(5))

    assert line.sent[0] == EVE


def test_claim_of_either_queue_leaves_the_other_alone():
    owed("ada")
    owe(to=EVE, subject="Tea", text="Is ready.", now=NOON)

    urgent = leases.take_leases(channel="email", now=NOON, limit=50, urgent=True)
    others = leases.take_leases(channel="email", now=NOON, limit=50)

    assert [[message.kind for message in leased] for leased in (urgent, others)] == [["account"], ["booked"]]


# --- At the same time -------------------------------------------------------------------------------------------------

at_once = pytest.mark.django_db(transaction=True)


def both_dispatch(line) -> Counter[str]:
    """Two dispatchers at once, neither settling anything before both have leased: how often each address got mail."""
    for number in range(dispatcher.BATCH * 2):
        owed(f"client{number}")
    one = lambda: send(NOON)  # noqa: E731

    with everybody_looks_first(attempts, "record_attempt", 2):
        answers = together(one, one)

    assert answers.kinds() == {"int": 2}, answers
    return Counter(line.sent)


@at_once
@pytest.mark.usefixtures("small_batches")
def test_two_dispatchers_send_each_message_once(line):
    assert set(both_dispatch(line).values()) == {1}


@at_once
@pytest.mark.usefixtures("small_batches")
def test_control_without_the_claim_they_send_it_twice(line, monkeypatch):
    monkeypatch.setattr(leases, "TAKE_LEASES", leases.TAKE_LEASES)
    monkeypatch.setattr(attempts, "RECORD_ATTEMPT", attempts.RECORD_ATTEMPT)
    unguarded.without_lease()

    assert max(both_dispatch(line).values()) == 2


def hung(line) -> tuple[threading.Event, threading.Event]:
    """Let the line hang until told to go on."""
    hanging, go_on = threading.Event(), threading.Event()

    def hang(outgoing):
        hanging.set()
        go_on.wait(20)

    line.first = hang
    return hanging, go_on


@contextmanager
def dispatching(**how):
    """A real dispatcher with all its threads, in the background."""
    answers = []

    def run():
        with suppress(OperationalError):
            answers.append(dispatch(clock=timezone.now, **how))
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(40)
    assert not thread.is_alive()


def soon(condition, seconds=10) -> float:
    """Wait until it is so. Returns for how many seconds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "not in time"
        time.sleep(0.02)
    return time.monotonic() - started


def now_owed(name, **fields) -> Message:
    now = timezone.now()
    return owed(name, **{"due_at": now, "useful_until": now + timedelta(days=1), **fields})


@at_once
@pytest.mark.usefixtures("small_batches")
def test_dispatcher_sends_with_all_its_lines_and_each_message_once(line, settings):
    for number in range(dispatcher.BATCH * 5):
        now_owed(f"client{number}")

    assert dispatch(clock=timezone.now) == dispatcher.BATCH * 5

    assert set(Counter(line.sent).values()) == {1}
    assert line.connected > 1


@at_once
@pytest.mark.usefixtures("small_batches")
def test_line_that_loses_its_database_does_not_stop_the_others(line):
    for number in range(dispatcher.BATCH * 4):
        now_owed(f"client{number}")
    broken = []

    def once(*args, **named):
        if not broken:
            broken.append(1)
            connections["default"].connection.pgconn.finish()

    with wrapped(attempts, "record_attempt", before=once), pytest.raises(OperationalError):
        dispatch(clock=timezone.now)

    left = Message.objects.filter(status=PENDING).count()
    assert 0 < left <= dispatcher.BATCH
    assert dispatch(clock=lambda: timezone.now() + timedelta(seconds=60)) == left
    assert sorted(Counter(line.sent).values())[-2:] == [1, 2]


@at_once
def test_hung_channel_holds_up_no_other_not_even_what_falls_due_meanwhile(line, monkeypatch):
    texts = Recorder()
    monkeypatch.setattr(CHANNELS["sms"], "connect", texts.connect)
    hanging, go_on = hung(line)
    mail = now_owed("ada")
    text = now_owed("bob", channel="sms")

    with dispatching():
        assert hanging.wait(10)
        soon(lambda: states(text) == [SENT])
        later = now_owed("cyd", channel="sms")
        soon(lambda: states(later) == [SENT])
        assert states(mail) == [PENDING]
        go_on.set()

    assert states(mail) == [SENT]


@at_once
def test_hung_channel_holds_up_no_other_past_the_end_of_the_round(line, monkeypatch):
    monkeypatch.setattr(dispatcher, "ROUND_SECONDS", 0.5)
    monkeypatch.setattr(CHANNELS["sms"], "connect", Recorder().connect)
    hanging, go_on = hung(line)
    now_owed("ada")

    with dispatching():
        assert hanging.wait(10)
        time.sleep(1)
        text = now_owed("bob", channel="sms")
        soon(lambda: states(text) == [SENT])
        go_on.set()


@at_once
@pytest.mark.usefixtures("small_batches")
def test_mail_about_an_account_waits_for_no_reminder_that_hangs(line):
    """All lines for mail are busy; a mail to set a password goes at once."""
    hanging, go_on = threading.Event(), threading.Event()

    def hang(outgoing):
        if outgoing.address != EVE:
            hanging.set()
            go_on.wait(20)

    line.first = hang
    for number in range(dispatcher.BATCH * 5):
        now_owed(f"client{number}")

    with dispatching():
        assert hanging.wait(10)
        owe(to=EVE, subject="Tea", text="Is ready.", now=timezone.now())
        soon(lambda: EVE in line.sent)
        assert line.sent == [EVE]
        go_on.set()


@at_once
def test_round_ends_however_much_is_due(line, monkeypatch):
    monkeypatch.setattr(dispatcher, "ROUND_SECONDS", 0.5)
    line.first = lambda outgoing: now_owed(f"after-{outgoing.address.partition('@')[0][-20:]}-{time.monotonic_ns()}")
    now_owed("ada")

    with dispatching() as thread:
        thread.join(10)
        assert not thread.is_alive()

    assert Message.objects.filter(status=PENDING).exists()


@at_once
@pytest.mark.slow
def test_hung_mail_server_holds_up_neither_webhooks_nor_sms(settings, silent_port, http_server, tmp_path):
    """Due at the same time; the mail server takes the connection and never says a word."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", silent_port
    settings.SMS_GATEWAY, settings.SMS_FILE = "file", str(tmp_path / "sms.txt")
    settings.WEBHOOK_ALLOW_PRIVATE = settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_PORTS = []
    settings.SEND_TIMEOUT_SECONDS = 2
    endpoint = WebhookEndpointFactory(url=http_server.url)
    now = timezone.now()
    mails = [now_owed(f"mail{number}") for number in range(100)]
    others = [now_owed(f"text{number}", channel="sms") for number in range(10)]
    others += [
        EventMessageFactory(endpoint=endpoint, status=PENDING, due_at=now, useful_until=now + timedelta(days=3))
        for _ in range(10)
    ]

    with dispatching():
        assert soon(lambda: states(*others) == [SENT] * 20) < 10
        assert states(*mails) == [PENDING] * 100

    assert len(http_server.got) == 10
    assert (tmp_path / "sms.txt").read_text().count("To: +4930123456") == 10
    assert set(Message.objects.filter(channel="email").values_list("status", "failures")) == {(PENDING, 0)}
