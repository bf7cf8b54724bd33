"""Sends due messages: all lanes in parallel, each with its own threads, so that none waits for another (R16)."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from reminders import notices
from reminders.channels.base import ChannelConnection, DeliveryError, RefusedForGood, Unreachable, shortened
from reminders.channels.email.channel import EmailChannel
from reminders.channels.registry import CHANNELS
from reminders.dispatch import attempts, leases, limits, skipping
from reminders.enums import MessageStatus
from reminders.models import Message
from reminders.templates.composer import compose, templates_for
from reminders.webhooks import operations as webhooks
from scheduler_project.common import outages
from scheduler_project.common.limits import sending

logger = logging.getLogger(__name__)


BATCH = 50
"""Number of messages a thread leases at a time: large enough to spread the cost of the look-up."""


ROUND_SECONDS = 50


POLL_SECONDS = 0.2


STALE_SECONDS = 2
"""Age in seconds from which a message is reloaded before it is sent."""


STRIKES = 2
"""Number of messages without an answer in a row after which a route is closed until a probe is answered."""


GONE = (OperationalError, InterfaceError)
"""Errors of a lost database: the thread ends, its leased messages are due again after the lease, in the next round."""


Clock = Callable[[], datetime]


class Lane(NamedTuple):
    """Messages that wait for each other: those of one channel, with mails about accounts (`urgent`) apart.

    So a mail to set a password waits for no reminder, whether many are due or the mail server is slow.
    """

    channel: str
    urgent: bool = False

    def threads(self, waiting: int) -> int:
        channel = CHANNELS[self.channel]
        most = channel.urgent_threads if self.urgent else channel.threads
        return max(1, min(most, math.ceil(waiting / BATCH)))


URGENT = Lane(EmailChannel.name, urgent=True)


def lanes() -> list[Lane]:
    return [URGENT, *map(Lane, CHANNELS)]


def dispatch(*, clock: Clock, linger: float = 0, parallel: bool = True) -> int:
    """Send the due messages. Returns how many were sent.

    Any number of dispatchers may run at once. A round ends when nothing has been due for `linger` seconds, or after
    ROUND_SECONDS. Without `parallel` it runs in the current thread and transaction, one channel after the other.
    """
    waiting = leases.due(now=clock())
    if not waiting:
        return 0
    if not parallel:
        round_ = DispatchRound(clock, 0, len(lanes()))
        for number, lane in enumerate(lanes()):
            round_.work(number, lane, leading=False)
        return round_.sent
    lines = [(lane, number == 0) for lane in lanes() for number in range(lane.threads(waiting.get(lane.channel, 0)))]
    round_ = DispatchRound(clock, linger, len(lines))
    with ThreadPoolExecutor(len(lines), thread_name_prefix="send") as pool:
        done = [pool.submit(round_.line, number, lane, leading=leading) for number, (lane, leading) in enumerate(lines)]
        for line in done:
            line.result()
    return round_.sent


class DispatchRound:
    """State shared by the threads of one round."""

    def __init__(self, clock: Clock, linger: float, lines: int) -> None:
        self.clock = clock
        self.linger = linger
        self.ends = time.monotonic() + ROUND_SECONDS
        self.sent = 0
        self.busy = set(range(lines))
        """The threads that are sending, or have not yet looked for something to send."""
        self.last_busy = time.monotonic()
        self.lock = threading.Lock()

    def line(self, number: int, lane: Lane, *, leading: bool) -> None:
        """Run `work` in a thread, on its own database connection."""
        try:
            self.work(number, lane, leading=leading)
        finally:
            self.rest(number)
            connections.close_all()

    def work(self, number: int, lane: Lane, *, leading: bool) -> None:
        """Lease and send until nothing is due; a leading thread keeps looking while any other is at work.

        It continues after the round's end: due messages do not wait for the last batch of a slower channel. But
        messages leased after the end do not prolong the round.
        """
        probing = True
        while time.monotonic() < self.ends or (leading and self.busy):
            leased_at = time.monotonic()
            batch = self.probe(lane, leased_at) if probing else None
            batch = batch or self.take_leases(lane, leased_at)
            probing = batch is None or batch.probe is not None
            if batch:
                if leased_at < self.ends:
                    self.busy.add(number)
                sent = batch.deliver()
                with self.lock:
                    self.sent += sent
                self.rest(number)
            else:
                self.rest(number)
                if not (leading and self.goes_on()):
                    return
                time.sleep(POLL_SECONDS)

    def take_leases(self, lane: Lane, leased_at: float) -> "Batch | None":
        messages = leases.take_leases(channel=lane.channel, now=self.clock(), limit=BATCH, urgent=lane.urgent)
        return Batch(lane.channel, messages, self.clock, leased_at) if messages else None

    def probe(self, lane: Lane, leased_at: float) -> "Batch | None":
        """Return messages to probe a route where nobody answered. Called first, and whenever nothing else is due.

        They are of any kind, so the urgent lane leaves it to the other one of its channel.
        """
        if lane.urgent:
            return None
        way, messages = leases.take_probe_leases(channel=lane.channel, now=self.clock(), limit=BATCH)
        return Batch(lane.channel, messages, self.clock, leased_at, probe=way) if messages else None

    def rest(self, number: int) -> None:
        if number in self.busy:
            self.busy.discard(number)
            self.last_busy = time.monotonic()

    def goes_on(self) -> bool:
        return bool(self.busy) or time.monotonic() - self.last_busy < self.linger


class Batch:
    """Messages leased together and sent one after the other over one connection.

    `probe` is their route if nobody answered there before: the first answer reopens it.
    """

    def __init__(
        self,
        channel: str,
        messages: Sequence[Message],
        clock: Clock,
        leased_at: float,
        probe: str | None = None,
    ) -> None:
        self.channel = channel
        self.messages = messages
        self.clock = clock
        self.looked_at = leased_at
        self.probe = probe
        self.leave_off = (
            leased_at + settings.SEND_LEASE_SECONDS - 2 * settings.SEND_TIMEOUT_SECONDS
        )  # to connect, to send
        self.custom_texts = templates_for(messages)
        self.optouts = skipping.silenced(messages)
        self.listeners = notices.listeners(messages)
        self.stack = ExitStack()
        self.connection: ChannelConnection | None = None
        self.strikes: Counter[str] = Counter()
        self.down: set[str] = set()
        self.probed = False
        self.put_off: set[int] = set()
        self.counted: set[int] = set()

    def deliver(self) -> int:
        """Send the messages. Returns how many were sent. A message with an error does not stop the others."""
        sent = 0
        waiting: list[Message] = []
        self.apply_limits()
        with self.stack:
            for number, message in enumerate(self.messages):
                if time.monotonic() >= self.leave_off:
                    waiting += self.messages[number:]
                    break
                try:
                    sent += self.send(message)
                except RouteClosed:
                    waiting.append(message)
                except GONE:
                    raise
                except Exception as error:  # Else it would be sent again after every lease, and take its batch along.
                    logger.exception("Message %s cannot be dealt with", message.pk)
                    attempts.close(message, MessageStatus.FAILED, shortened(error))
        self.release_leases(waiting)
        if self.probe and not self.probed:
            outages.return_probe(self.probe, now=self.clock())
        return sent

    def apply_limits(self) -> None:
        """Count the messages about to be sent for the first time, and postpone those beyond a limit."""
        now = self.clock()
        first = [message for message in self.messages if not message.failures and self.goes_out(message, now)]
        waits = sending.take([limits.sending_of(message) for message in first], now=now)
        beyond = [(message, wait) for message, wait in zip(first, waits, strict=True) if wait]
        limits.put_off(beyond)
        self.put_off = {message.pk for message, _wait in beyond}
        self.counted = {message.pk for message in first} - self.put_off

    def goes_out(self, message: Message, now: datetime) -> bool:
        try:
            return skipping.skip_reason(message, now, self.optouts) is None
        except GONE:
            raise
        except Exception:  # noqa: BLE001  It is met again, and written down, when its turn comes.
            return False

    def release_leases(self, waiting: Collection[Message]) -> None:
        """Release the messages that were not tried, and their share of the limits."""
        waiting = [message for message in waiting if message.pk not in self.put_off]
        leases.release_leases(waiting, now=self.clock())
        counted = [limits.sending_of(message) for message in waiting if message.pk in self.counted]
        sending.give_back(counted, now=self.clock())

    def send(self, leased: Message) -> bool:
        if leased.pk in self.put_off:
            return False
        if route_of(leased) in self.down:
            raise RouteClosed
        message = self.fresh(leased)
        tried = self.attempt(message) if message else None
        if tried is None:
            return False
        status = self.record_attempt(tried)
        self.note(tried)
        return status == MessageStatus.SENT

    def record_attempt(self, tried: attempts.AttemptResult) -> MessageStatus | None:
        message, now = tried.message, self.clock()
        endpoints = self.listeners.get(message.reservation.provider_id) if message.reservation else None
        if not endpoints:
            return attempts.record_attempt(tried, now=now)
        try:
            with transaction.atomic():
                status = attempts.record_attempt(tried, now=now)
                notices.notify_outcome(message=message, status=status, endpoints=endpoints, now=now)
                return status
        except GONE:
            raise
        except Exception:  # Such as a webhook just removed: what was sent is settled all the same, or it raises again.
            logger.exception("What became of message %s cannot be told", message.pk)
            return attempts.record_attempt(tried, now=now)

    def note(self, tried: attempts.AttemptResult) -> None:
        """Record the success or failure of a webhook."""
        endpoint_id, error = tried.message.endpoint_id, tried.error
        if endpoint_id is None:
            return
        if error is None:
            webhooks.note_success(endpoint_id=endpoint_id, now=self.clock())
        elif isinstance(error, DeliveryError) and not isinstance(error, Unreachable):
            gone = isinstance(error, RefusedForGood) and error.gone
            webhooks.note_failure(endpoint_id=endpoint_id, now=self.clock(), gone=gone)
            if gone:
                self.down.add(route_of(tried.message))

    def note_lost(self, message: Message, error: Unreachable) -> None:
        """Record that nobody answered. Unless it was an accident, only probes are sent on this route from now on."""
        way, now, text = route_of(message), self.clock(), shortened(error)
        self.strikes[way] += 1 if error.handed_over else STRIKES
        if way == self.probe and not self.probed:
            self.probed = True
            self.down.add(way)
            outages.open_outage(way, error=text, now=now, probe=True)
        elif self.strikes[way] >= STRIKES:
            self.down.add(way)
            outages.open_outage(way, error=text, now=now)
        if message.endpoint_id is not None:
            webhooks.note_failure(endpoint_id=message.endpoint_id, now=now, gone=False)

    def note_answer(self, message: Message) -> None:
        """Record that somebody answered, whatever the answer."""
        way = route_of(message)
        self.strikes[way] = 0
        if way == self.probe and not self.probed:
            self.probed = True
            outages.close_outage([way])

    def fresh(self, message: Message) -> Message | None:
        """Return the message, reloaded unless it was just read; None if another worker has leased it since."""
        if time.monotonic() - self.looked_at < STALE_SECONDS:
            return message
        found = leases.reload([message.pk])
        return found[0] if found and found[0].claim == message.claim else None

    def attempt(self, message: Message) -> attempts.AttemptResult | None:
        """Try to send the message, unless there is a reason to skip it. Raises Waits if it was not even tried."""
        at, started = self.clock(), time.monotonic()
        address, reference = "", ""
        error: Exception | None = None
        try:
            if verdict := skipping.skip_reason(message, at, self.optouts):
                attempts.close(message, *verdict)
                return None
            outgoing = compose(message, custom_texts=self.custom_texts, now=at)
            address = outgoing.address
            reference = self.line().send(outgoing)
        except Unreachable as failure:
            self.note_lost(message, failure)
            if not failure.handed_over:
                raise RouteClosed from failure
            error = failure
        except DeliveryError as failure:
            self.note_answer(message)
            error = failure
        except GONE:
            raise
        except Exception as failure:  # Whatever words or a gateway's library raise is a try that failed, and counts.
            logger.exception("Message %s cannot be told", message.pk)
            error = failure
        else:
            self.note_answer(message)
        return attempts.AttemptResult(
            message, address, at, round((time.monotonic() - started) * 1000), reference, error
        )

    def line(self) -> ChannelConnection:
        if self.connection is None:
            self.connection = self.stack.enter_context(CHANNELS[self.channel].connect())
        return self.connection


class RouteClosed(Exception):
    """A message was not tried because nobody answers on its route."""


def route_of(message: Message) -> str:
    """Return the key of a message's route: the mail server, the gateway or one webhook."""
    return outages.key_of(message.channel, message.endpoint_id)
