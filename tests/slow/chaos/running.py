"""Dispatchers that are killed, servers that stop under them, and the count of received mails."""

import contextlib
import os
import random
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

import redis
from django.db import Error, connections
from django.utils import timezone

from reminders.channels.base import OutgoingMessage
from reminders.channels.email.channel import EmailChannel, message_id
from reminders.dispatch import dispatcher
from reminders.enums import AttemptOutcome, MessageStatus
from reminders.models import DeliveryAttempt, Message
from scheduler_project import embedded
from scheduler_project.machine import ending_with_parent
from scheduler_project.runner import CELERY
from tests.slow.chaos.sink import Sink
from tests.slow.chaos.unguarded import CONTROLS

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 120
"""Seconds without a received mail or a recorded outcome after which the dispatchers count as stuck."""


# --- Dispatchers ------------------------------------------------------------------------------------------------------


class Crew(ABC):
    """The processes that send, each the head of a process group."""

    def __init__(self, number: int) -> None:
        self.pids = [self.start(place) for place in range(number)]

    @abstractmethod
    def start(self, place: int) -> int: ...

    def look_after(self) -> None:
        """Restart processes that ended."""
        for place, pid in enumerate(self.pids):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                self.pids[place] = self.start(place)

    def kill(self, places: list[int]) -> None:
        """`kill -9` of some groups at once; then they start again."""
        for place in places:
            os.killpg(self.pids[place], signal.SIGKILL)
        for place in places:
            os.waitpid(self.pids[place], 0)
            self.pids[place] = self.start(place)

    def dismiss(self) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


class Workers(Crew):
    """Celery's workers, as `make run` starts them, one dispatcher in each."""

    def __init__(self, number: int, log: IO[bytes], task: str = "worker") -> None:
        self.log = log
        self.task = task
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        super().__init__(number)

    def start(self, place: int) -> int:
        options = ["--concurrency", "1", "--queues", "dispatch", "--without-gossip", "--without-mingle"]
        options += ["--hostname", f"{place}@chaos"]
        self.processes[place] = subprocess.Popen(
            [*CELERY, self.task, *(options if self.task == "worker" else [])],
            cwd=embedded.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=ending_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )
        return self.processes[place].pid


class Forks(Crew):
    """Bare processes that do nothing but dispatch, with no Celery around them: ready at once."""

    def __init__(self, number: int, log: IO[bytes], batch: int, control: str | None = None) -> None:
        self.log = log
        self.batch = batch
        self.control = control
        self.end_with_parent = ending_with_parent(signal.SIGKILL)
        super().__init__(number)

    def start(self, place: int) -> int:
        connections.close_all()
        pid = os.fork()
        if pid:
            with contextlib.suppress(OSError):  # Whoever comes first.
                os.setpgid(pid, pid)
            return pid
        try:
            os.setpgid(0, 0)
            self.end_with_parent()
            os.dup2(self.log.fileno(), 1)
            os.dup2(self.log.fileno(), 2)
            if self.control:
                CONTROLS[self.control]()
            self.work()
        finally:
            os._exit(1)

    def work(self) -> None:
        dispatcher.BATCH = self.batch
        while True:
            try:
                dispatcher.dispatch(clock=timezone.now)
            except Error as error:
                print(f"{type(error).__name__}: {error}", flush=True)
            connections.close_all()
            time.sleep(POLL_SECONDS)


# --- The run ----------------------------------------------------------------------------------------------------------


@dataclass
class Plan:
    """The plan of a run."""

    messages: int
    dispatchers: int
    kills: int
    flushes: int
    restarts: int
    seed: int


@dataclass
class Course:
    """The events and the results of a run."""

    messages: int
    lines: int
    seconds: float = 0.0
    groups_killed: int = 0
    redis_restarts: int = 0
    postgres_restarts: int = 0
    in_flight: int = 0
    """Maximum number of sends that were in flight when something was killed."""
    failed_tries: int = 0
    """Attempts that failed, such as by a timeout: their mails may have been delivered all the same."""
    lost: int = 0
    unsettled: int = 0
    repeats: int = 0
    strange: int = 0
    """Recipients of any mail except the one with the expected key."""
    notes: list[str] = field(default_factory=list)

    @property
    def bound(self) -> int:
        return self.in_flight + self.failed_tries

    @property
    def right(self) -> bool:
        return not (self.lost or self.unsettled or self.strange) and self.repeats <= self.bound


class Stuck(Exception):
    """The dispatchers make no progress."""


def run(plan: Plan, crew: Crew, beats: Crew | None, servers: dict[str, embedded.EmbeddedServer], sink: Sink) -> Course:
    """Kill and restart at random moments during the sending, until nothing is pending; then count."""
    course = Course(plan.messages, EmailChannel.threads)
    chance = random.Random(plan.seed)
    everybody = list(range(plan.dispatchers))

    def kill() -> None:
        victims = chance.sample(everybody, chance.randint(1, plan.dispatchers))
        crew.kill(victims)
        course.groups_killed += len(victims)
        course.in_flight += len(victims) * course.lines

    def flush() -> None:
        with redis.Redis.from_url(servers["redis"].url) as client:
            client.flushall()
        servers["redis"].stop()
        servers["redis"].ensure()
        course.redis_restarts += 1

    def restart() -> None:
        process = servers["postgres"].process
        assert process
        process.send_signal(signal.SIGQUIT)  # What `pg_ctl stop -m immediate` sends.
        process.wait()
        servers["postgres"].ensure()
        connections.close_all()
        course.postgres_restarts += 1
        course.in_flight += plan.dispatchers * course.lines

    deeds = [kill] * plan.kills + [flush] * plan.flushes + [restart] * plan.restarts
    chance.shuffle(deeds)
    moments = sorted(chance.uniform(0.02, 0.95) * plan.messages for _ in deeds)
    started = time.monotonic()
    progress = (0, plan.messages)
    moved = started
    agenda: list[tuple[float, Callable[[], None]]] = list(zip(moments, deeds, strict=True))
    while progress[1] or agenda:
        while agenda and progress[0] >= agenda[0][0]:
            agenda.pop(0)[1]()
            moved = time.monotonic()
        time.sleep(POLL_SECONDS)
        crew.look_after()
        if beats:
            beats.look_after()
        before, progress = progress, (sink.count(), pending() if not agenda else plan.messages)
        if progress != before:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE_SECONDS:
            course.notes.append(f"stuck with {progress[1]} pending")
            break
    course.seconds = round(time.monotonic() - started, 1)
    crew.dismiss()
    reckon(course, sink)
    return course


def pending() -> int:
    return Message.objects.filter(status=MessageStatus.PENDING).count()


def reckon(course: Course, sink: Sink) -> None:
    """Compare the received mails with the expected ones, by recipient: each should get exactly one."""
    owed = {
        email: message_id(OutgoingMessage(key, email))
        for key, email in Message.objects.values_list("key", "reservation__client__email")
    }
    arrived = sink.accepted()
    times = Counter(recipient for recipient, _ in arrived)
    course.lost = sum(email not in times for email in owed)
    course.unsettled = Message.objects.exclude(status=MessageStatus.SENT).count()
    course.repeats = sum(times.values()) - len(times)
    course.strange = sum(owed.get(recipient) != key for recipient, key in arrived)
    course.failed_tries = DeliveryAttempt.objects.exclude(outcome=AttemptOutcome.SENT).count()
