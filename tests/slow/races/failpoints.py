"""Pausing or failing a thread at a failpoint.

Nothing here sleeps and hopes: the paused thread continues once each other one is done, or is seen in PostgreSQL to wait
for it. If neither happens within `PATIENCE`, the test fails."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from scheduler_project.common.failpoints import Failpoint, armed
from tests.slow.races.running import PATIENCE, Answers, together

GLANCE = 0.01
"""Seconds between two looks at who waits for whom."""


@contextmanager
def arm(place: Failpoint, happening: Callable[[], None]) -> Iterator[None]:
    """Call a function in any thread that reaches a place."""
    assert place not in armed
    armed[place] = happening
    try:
        yield
    finally:
        del armed[place]


@contextmanager
def all_meet(place: Failpoint, number: int) -> Iterator[None]:
    """Make threads that reach a place wait there, each time, until `number` have arrived."""
    barrier = threading.Barrier(number)
    with arm(place, lambda: barrier.wait(PATIENCE)):
        yield


@contextmanager
def connections_break(place: Failpoint) -> Iterator[None]:
    """End the database connection of any thread that reaches a place, as if it were killed."""

    def hang_up() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with arm(place, hang_up):
        yield


class Stopped(Answers):
    """The answers of the paused thread and of the others, and the ones that had to wait."""

    waited: list[bool]


def stop(place: Failpoint, one: Callable[[], Any], *others: Callable[[], Any], locks: bool = True) -> Stopped:
    """Run `one` until it first reaches a place, then the others; `one` goes on once each is done or waits for it.

    Each has a connection of its own. Without `locks` no SELECT locks the rows it reads.
    """
    reached, over = threading.Event(), threading.Event()
    finished = [threading.Event() for _ in others]
    pids = [0] * len(others)
    waited = [False] * len(others)
    stopping: list[threading.Thread] = []

    def here() -> None:
        if [threading.current_thread()] != stopping or reached.is_set():
            return
        reached.set()
        deadline = time.monotonic() + PATIENCE
        while not all(event.is_set() or waits for event, waits in zip(finished, waited, strict=True)):
            assert time.monotonic() < deadline, "somebody is neither done nor waits"
            time.sleep(GLANCE)
            waiting = those_who_wait_for_us(pids)
            waited[:] = [before or pid in waiting for before, pid in zip(waited, pids, strict=True)]

    def first() -> Any:
        stopping.append(threading.current_thread())
        try:
            return one()
        finally:
            over.set()
            reached.set()

    def later(number: int) -> Callable[[], Any]:
        def run() -> Any:
            pids[number] = connection.connection.info.backend_pid
            assert reached.wait(PATIENCE)
            assert not over.is_set(), f"nobody reached {place}"
            try:
                return others[number]()
            finally:
                finished[number].set()

        return run

    with arm(place, here):
        answers = together(first, *map(later, range(len(others))), locks=locks)
    stopped = Stopped(len(answers))
    stopped[:], stopped.sqlstates, stopped.waited = answers, answers.sqlstates, waited
    return stopped


def those_who_wait_for_us(pids: list[int]) -> set[int]:
    """Return the PostgreSQL processes among these that wait for a lock of this connection, directly or indirectly."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (mine,) = cursor.fetchone()
        cursor.execute("SELECT pid, pg_blocking_pids(pid) FROM unnest(%s::int[]) AS process(pid)", [pids])
        blocked_by = {pid: set(blockers) for pid, blockers in cursor.fetchall()}
    waiting: set[int] = set()
    while more := {pid for pid in blocked_by.keys() - waiting if blocked_by[pid] & (waiting | {mine})}:
        waiting |= more
    return waiting
