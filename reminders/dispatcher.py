"""Sends what is due: every channel at the same time, each on lines of its own, so that none waits for another (R16)."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from reminders.channels import email, sms, webhook
from reminders.channels.base import Connect, Connection, DeliveryError, Refused, Unreachable, shortened
from reminders.enums import Channel, MessageStatus
from reminders.letters import shelf_for, written
from reminders.models import Message
from reminders.operations import dispatch as ledger
from reminders.operations import notices, webhooks

logger = logging.getLogger(__name__)

CONNECT: dict[Channel, Connect] = {
    Channel.EMAIL: email.connect,
    Channel.SMS: sms.connect,
    Channel.WEBHOOK: webhook.connect,
}

BATCH = 50
"""How many messages a line claims at a time: many enough that looking them up costs each little."""
ROUND_SECONDS = 50
POLL_SECONDS = 0.2
STALE_SECONDS = 2
"""What was looked at longer ago is looked at again before it is sent."""
STRIKES = 2
"""After so many failures to get through, the rest of a batch that goes the same way fails at once."""

GONE = (OperationalError, InterfaceError)
"""The database is: the line ends, what it had claimed is due again when the lease ends, and the next round goes on."""

Clock = Callable[[], datetime]


def dispatch(*, clock: Clock, linger: float = 0, parallel: bool = True) -> int:
    """Send what is due. Returns how many messages went out.

    Any number of dispatchers may do so at once. A round ends when nothing is due any more, and was not for `linger`
    seconds; or after ROUND_SECONDS. Not `parallel`: in this thread and its transaction, one channel after the other.
    """
    waiting = ledger.due(now=clock())
    if not waiting:
        return 0
    if not parallel:
        round_ = Round(clock, 0, len(CONNECT))
        for number, channel in enumerate(CONNECT):
            round_.work(number, channel, leading=False)
        return round_.sent
    lines = [
        (channel, number == 0)
        for channel in CONNECT
        for number in range(max(1, min(settings.SEND_THREADS[channel], math.ceil(waiting.get(channel, 0) / BATCH))))
    ]
    round_ = Round(clock, linger, len(lines))
    with ThreadPoolExecutor(len(lines), thread_name_prefix="send") as pool:
        done = [
            pool.submit(round_.line, number, channel, leading=leading)
            for number, (channel, leading) in enumerate(lines)
        ]
        for line in done:
            line.result()
    return round_.sent


class Round:
    """What the lines of one round share."""

    def __init__(self, clock: Clock, linger: float, lines: int) -> None:
        self.clock = clock
        self.linger = linger
        self.ends = time.monotonic() + ROUND_SECONDS
        self.sent = 0
        self.busy = set(range(lines))
        """The lines that are sending, or have yet to look whether there is something to send."""
        self.last_busy = time.monotonic()
        self.lock = threading.Lock()

    def line(self, number: int, channel: Channel, *, leading: bool) -> None:
        """`work` in a thread, on a database connection of its own."""
        try:
            self.work(number, channel, leading=leading)
        finally:
            self.rest(number)
            connections.close_all()

    def work(self, number: int, channel: Channel, *, leading: bool) -> None:
        """Claim and send until nothing is due; a leading line looks on for as long as any other is at work.

        After the round's end too: what is due on this channel does not wait for the last batch of a slower one. But
        what is claimed after the end does not prolong the round.
        """
        while time.monotonic() < self.ends or (leading and self.busy):
            claimed_at = time.monotonic()
            messages = ledger.claim(channel=channel, now=self.clock(), limit=BATCH)
            if messages:
                if claimed_at < self.ends:
                    self.busy.add(number)
                sent = Batch(channel, messages, self.clock, claimed_at).deliver()
                with self.lock:
                    self.sent += sent
                self.rest(number)
            else:
                self.rest(number)
                if not (leading and self.goes_on()):
                    return
                time.sleep(POLL_SECONDS)

    def rest(self, number: int) -> None:
        if number in self.busy:
            self.busy.discard(number)
            self.last_busy = time.monotonic()

    def goes_on(self) -> bool:
        return bool(self.busy) or time.monotonic() - self.last_busy < self.linger


class Batch:
    """What one line claimed at once and sends one after the other over one connection."""

    def __init__(self, channel: Channel, messages: Sequence[Message], clock: Clock, claimed_at: float) -> None:
        self.channel = channel
        self.messages = messages
        self.clock = clock
        self.looked_at = claimed_at
        self.leave_off = (
            claimed_at + settings.SEND_LEASE_SECONDS - 2 * settings.SEND_TIMEOUT_SECONDS
        )  # to connect, to send
        self.shelf = shelf_for(messages)
        self.optouts = ledger.silenced(messages)
        self.listeners = notices.listeners(messages)
        self.stack = ExitStack()
        self.connection: Connection | None = None
        self.strikes: Counter[int | None] = Counter()

    def deliver(self) -> int:
        """Send them. Returns how many went out. One that cannot be dealt with does not keep the others waiting."""
        sent = 0
        with self.stack:
            for number, message in enumerate(self.messages):
                if time.monotonic() >= self.leave_off:
                    ledger.hand_back(self.messages[number:], now=self.clock())
                    break
                try:
                    sent += self.send(message)
                except GONE:
                    raise
                except Exception as error:  # Else it would be sent again after every lease, and take its batch along.
                    logger.exception("Message %s cannot be dealt with", message.pk)
                    ledger.close(message, MessageStatus.FAILED, shortened(error))
        return sent

    def send(self, claimed: Message) -> bool:
        message = self.fresh(claimed)
        tried = self.attempt(message) if message else None
        if tried is None:
            return False
        status = self.settle(tried)
        self.note(tried)
        return status == MessageStatus.SENT

    def settle(self, tried: ledger.Try) -> MessageStatus | None:
        message, now = tried.message, self.clock()
        endpoints = self.listeners.get(message.reservation.provider_id)
        if not endpoints:
            return ledger.settle(tried, now=now)
        try:
            with transaction.atomic():
                status = ledger.settle(tried, now=now)
                notices.tell_outcome(message=message, status=status, endpoints=endpoints, now=now)
                return status
        except GONE:
            raise
        except Exception:  # Such as a webhook just removed: what was sent is settled all the same, or it raises again.
            logger.exception("What became of message %s cannot be told", message.pk)
            return ledger.settle(tried, now=now)

    def note(self, tried: ledger.Try) -> None:
        """Remember how a webhook fares."""
        endpoint_id, error = tried.message.endpoint_id, tried.error
        if endpoint_id is None:
            return
        if error is None:
            webhooks.note_success(endpoint_id=endpoint_id, now=self.clock())
        elif isinstance(error, DeliveryError):
            gone = isinstance(error, Refused) and error.gone
            self.strikes[endpoint_id] += STRIKES * gone
            webhooks.note_failure(endpoint_id=endpoint_id, now=self.clock(), gone=gone)

    def fresh(self, message: Message) -> Message | None:
        """The message as it is now, unless that was just looked up; None if somebody else has it by now."""
        if time.monotonic() - self.looked_at < STALE_SECONDS:
            return message
        found = ledger.look([message.pk])
        return found[0] if found and found[0].claim == message.claim else None

    def attempt(self, message: Message) -> ledger.Try | None:
        """Try to send it, unless it is not to be sent after all."""
        way = message.endpoint_id  # None: everything on this channel goes the same way.
        at, started = self.clock(), time.monotonic()
        address, reference = "", ""
        error: Exception | None = None
        try:
            if verdict := ledger.why_not(message, at, self.optouts):
                ledger.close(message, *verdict)
                return None
            parcel = written(message, shelf=self.shelf, now=at)
            address = parcel.address
            reference = self.line(way).send(parcel)
        except DeliveryError as failure:
            self.strikes[way] += isinstance(failure, Unreachable)
            error = failure
        except Exception as failure:  # Whatever words or a gateway's library raise is a try that failed, and counts.
            logger.exception("Message %s cannot be told", message.pk)
            error = failure
        return ledger.Try(message, address, at, round((time.monotonic() - started) * 1000), reference, error)

    def line(self, way: int | None) -> Connection:
        if self.strikes[way] >= STRIKES:
            raise Unreachable("Not tried: nothing got through just before.")
        if self.connection is None:
            try:
                self.connection = self.stack.enter_context(CONNECT[self.channel]())
            except Unreachable:
                self.strikes[None] = STRIKES
                raise
        return self.connection
