"""Running things at the same time, and taking guards away to see what they were for.

`together` runs each function in a thread with a database connection of its own. Every race has a control: the same
body, once more, with a guard taken away (`locks=False`, `unconstrained`) and the losing order forced by
`failpoints.stop`, or where there is no such place by a `Pause` between the look and the write of one or by
`everybody_looks_first`. What then goes wrong is what the guard prevents.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import pytest
from django.db import DatabaseError, connection

from booking.availability import slots
from booking.reservations import claims
from tests.looking import broken_promises

PATIENCE = 30
"""Seconds after which a thread that has not come back counts as a failure."""

PAUSE = 0.6
"""Seconds that somebody who looked waits for the other to write. While the guard is there, the other cannot."""

ROW_LOCK = re.compile(r"\bFOR (NO KEY )?UPDATE( OF \"?\w+\"?(, \"?\w+\"?)*)?( SKIP LOCKED)?")


class Answers(list[Any]):
    """The results or exceptions of all functions, and the SQLSTATE codes PostgreSQL returned meanwhile."""

    def __init__(self, number: int) -> None:
        super().__init__([None] * number)
        self.sqlstates: list[str] = []

    def kinds(self) -> Counter[str]:
        """Return the number of answers by type."""
        return Counter(type(answer).__name__ for answer in self)


def together(*functions: Callable[[], Any], locks: bool = True) -> Answers:
    """Run all at once, each on its own connection.

    Without `locks` no SELECT locks the rows it reads, and nobody writes versions of slots, which would lock too.
    """
    answers = Answers(len(functions))
    start = threading.Barrier(len(functions))

    def watch(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        try:
            return execute(sql if locks else ROW_LOCK.sub("", sql), *arguments)
        except DatabaseError as error:
            answers.sqlstates.append(getattr(error.__cause__, "sqlstate", ""))
            raise

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(PATIENCE)
            with connection.execute_wrapper(watch):
                answers[number] = functions[number]()
        except Exception as error:  # noqa: BLE001  (handed to the test, which looks at it)
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(functions))]
    with nullcontext() if locks else no_versions():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return answers


@contextmanager
def no_versions() -> Iterator[None]:
    """Slots change, and nobody writes another version."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, source in ((claims, "TAKE", "taken"), (slots, "VACATE", "given_back")):
            never = f"FROM {source} WHERE false GROUP BY 1"
            patch.setattr(module, name, getattr(module, name).replace(f"FROM {source} GROUP BY 1", never))
        patch.setattr(slots, "bump_versions", lambda provider_ids: None)
        yield


class Pause:
    """A place where one stops between its look and its write, for the other to do all of its work meanwhile.

    If the other is kept from it, the one goes on after a while.
    """

    def __init__(self) -> None:
        self.looked, self.written = threading.Event(), threading.Event()

    def here(self) -> None:
        """Stop, the first time."""
        if not self.looked.is_set():
            self.looked.set()
            self.written.wait(PAUSE)

    def meanwhile(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Return a function that runs between the other's look and its write."""

        def run() -> Any:
            assert self.looked.wait(PATIENCE)
            try:
                return function()
            finally:
                self.written.set()

        return run

    @contextmanager
    def after(self, module: Any, name: str) -> Iterator[None]:
        """Stop whoever has called `module.name`."""
        with wrapped(module, name, after=self.here):
            yield

    @contextmanager
    def before(self, module: Any, name: str) -> Iterator[None]:
        """Stop whoever is about to call `module.name`."""
        with wrapped(module, name, before=self.here):
            yield


@contextmanager
def wrapped(
    module: Any, name: str, *, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None
) -> Iterator[None]:
    function = getattr(module, name)

    def call(*arguments: Any, **named: Any) -> Any:
        if before:
            before()
        answer = function(*arguments, **named)
        if after:
            after()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, call)
        yield


def meeting(number: int) -> Callable[[], None]:
    """A place where each thread waits, the first time it comes by, until that many are there."""
    barrier = threading.Barrier(number)
    mine = threading.local()

    def wait() -> None:
        if not hasattr(mine, "waited"):
            mine.waited = True
            with suppress(threading.BrokenBarrierError):
                barrier.wait(PATIENCE)

    return wait


@contextmanager
def everybody_looks_first(module: Any, name: str, number: int) -> Iterator[None]:
    """Make callers of `module.name` wait before the first call until `number` threads have arrived."""
    with wrapped(module, name, before=meeting(number)):
        yield


@contextmanager
def nobody_commits_first(module: Any, name: str, number: int) -> Iterator[None]:
    """Make callers of `module.name` wait after the first call until `number` threads have returned from it."""
    with wrapped(module, name, after=meeting(number)):
        yield


@contextmanager
def unconstrained() -> Iterator[None]:
    """The database accepts reservations that overlap. Afterwards they are gone and it no longer does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'reservation_no_overlap'")
        (definition,) = cursor.fetchone()
        cursor.execute("ALTER TABLE booking_reservation DROP CONSTRAINT reservation_no_overlap")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE booking_reservation CASCADE")
            cursor.execute(f"ALTER TABLE booking_reservation ADD CONSTRAINT reservation_no_overlap {definition}")


@contextmanager
def guards(*, lock: bool, constraint: bool) -> Iterator[dict[str, bool]]:
    """With or without the locks and the exclusion constraint; gives the arguments for `together`."""
    with nullcontext() if constraint else unconstrained():
        yield {"locks": lock}


def overlaps() -> bool:
    """Return whether any time is booked twice."""
    return "two live reservations of one provider overlap" in broken_promises()
