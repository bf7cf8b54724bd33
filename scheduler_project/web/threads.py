"""The threads that run Django, and their queues: one turn for each network, then the next."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connections

Job = TypeVar("Job")

STOP_SECONDS = 2
"""Maximum seconds for all current jobs together when the process ends."""


class JobQueue(Generic[Job]):
    """A queue of jobs. Networks take turns, however many jobs each has, so a busy network delays only itself."""

    def __init__(self, most_waiting: int) -> None:
        self.most_waiting = most_waiting
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def add(self, network: str, job: Job) -> None:
        self._waiting.setdefault(network, deque()).append(job)
        self._number += 1

    def take(self) -> Job:
        network, jobs = next(iter(self._waiting.items()))
        job = jobs.popleft()
        if jobs:
            self._waiting.move_to_end(network)
        else:
            del self._waiting[network]
        self._number -= 1
        return job

    def drop(self) -> Job:
        """Remove the last job of the network with most jobs waiting; of several, of the one that came last."""
        longest = max(reversed(self._waiting), key=lambda network: len(self._waiting[network]))
        job = self._waiting[longest].pop()
        if not self._waiting[longest]:
            del self._waiting[longest]
        self._number -= 1
        return job

    def withdraw(self, network: str, job: Job) -> bool:
        """Remove a job from the queue. Return whether it was still in it."""
        jobs = self._waiting.get(network)
        if jobs is None or job not in jobs:
            return False
        jobs.remove(job)
        if not jobs:
            del self._waiting[network]
        self._number -= 1
        return True


class Threads(Generic[Job]):
    """A fixed number of threads that live as long as the process, and queues of at most `most_waiting` jobs.

    Slow jobs have their own queue, and at most `most_slow` threads at a time: while they wait they hold none, and delay
    no others.
    """

    def __init__(
        self, number: int, most_waiting: int, run: Callable[[Job], None], *, most_slow: int | None = None
    ) -> None:
        self.run = run
        self.quick: JobQueue[Job] = JobQueue(most_waiting)
        self.slow: JobQueue[Job] = JobQueue(most_waiting)
        self._most_slow = number if most_slow is None else most_slow
        self._working = self._working_slowly = 0
        self._was_slow = self._stopped = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._work, name=f"web-{n}", daemon=True) for n in range(number)]
        for thread in self._threads:
            thread.start()

    def put(self, network: str, job: Job, *, slow: bool = False) -> Job | None:
        """Queue a job. If too many wait, return the dropped one: the last of the network with most jobs."""
        line = self.slow if slow else self.quick
        with self._changed:
            line.add(network, job)
            self._changed.notify()
            idle = len(self._threads) - self._working
            return line.drop() if len(line) > line.most_waiting + idle else None

    def withdraw(self, network: str, job: Job) -> bool:
        """Cancel a job. Return whether it had not been started."""
        with self._changed:
            return self.quick.withdraw(network, job) or self.slow.withdraw(network, job)

    def _take(self) -> tuple[Job, bool] | None:
        """Wait for the next job. Return it and whether it is a slow one; None if the queue is empty and closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.quick or self._may_be_slow() or self._stopped)
            slow = self._may_be_slow() and not (self.quick and self._was_slow)
            line = self.slow if slow else self.quick
            if not line:
                return None
            self._was_slow = slow
            self._working += 1
            self._working_slowly += slow
            return line.take(), slow

    def _may_be_slow(self) -> bool:
        return len(self.slow) > 0 and self._working_slowly < self._most_slow

    def _work(self) -> None:
        try:
            while (taken := self._take()) is not None:
                job, slow = taken
                self.run(job)
                with self._changed:
                    self._working -= 1
                    self._working_slowly -= slow
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Let the current jobs finish, for at most STOP_SECONDS, and end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
