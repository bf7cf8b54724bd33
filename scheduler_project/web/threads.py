"""The threads that run Django, and the line in front of them: one turn for each network, then the next."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from django.db import connections

Job = TypeVar("Job")

STOP_SECONDS = 2
"""How long all jobs in hand together may take when the process ends."""


class Threads(Generic[Job]):
    """A fixed number of threads, each as old as the process, and at most `most_waiting` jobs that wait for one.

    Whoever asks for much waits behind themselves: networks take turns, however many jobs each has waiting.
    """

    def __init__(self, number: int, most_waiting: int, run: Callable[[Job], None]) -> None:
        self.most_waiting = most_waiting
        self.run = run
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._number = 0  # of jobs that wait or are being done
        self._lock = threading.Lock()
        self._ready: SimpleQueue[bool] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"web-{n}", daemon=True) for n in range(number)]
        for thread in self._threads:
            thread.start()

    def put(self, network: str, job: Job) -> Job | None:
        """Have a job done. When too many wait, return the one that will not be: the last of who has most waiting."""
        with self._lock:
            self._waiting.setdefault(network, deque()).append(job)
            self._number += 1
            if self._number <= self.most_waiting + len(self._threads):
                self._ready.put(True)
                return None
            longest = max(self._waiting, key=lambda network: len(self._waiting[network]))
            self._number -= 1
            dropped = self._waiting[longest].pop()
            if not self._waiting[longest]:
                del self._waiting[longest]
            return dropped

    def _take(self) -> Job:
        with self._lock:
            network, line = next(iter(self._waiting.items()))
            job = line.popleft()
            if line:
                self._waiting.move_to_end(network)
            else:
                del self._waiting[network]
            return job

    def _work(self) -> None:
        try:
            while self._ready.get():
                self.run(self._take())
                with self._lock:
                    self._number -= 1
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Let the jobs in hand finish, for STOP_SECONDS at most, and end."""
        for _ in self._threads:
            self._ready.put(False)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
