"""The connections of this process: their maximum number, and the idle ones.

A thread has a connection while it handles a request or a task, not for its lifetime. So the configuration alone limits
their number, whatever happens to the threads."""

import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.db.utils import OperationalError


class NoConnectionFree(OperationalError):
    """All connections of this process stayed busy for longer than the maximum wait."""


class Idle(NamedTuple):
    connection: Any
    """The idle connection of psycopg."""
    close_at: float | None
    """The time at which it is closed, by `time.monotonic()`; None: never."""


class ThreadConnections(threading.local):
    """The connections used by a thread. If the thread ends, they are closed."""

    def __init__(self) -> None:
        self.connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self.end = AtEnd(self.connections)


class AtEnd:
    """An object that is collected with its thread, because nothing else refers to it."""

    def __init__(self, connections: weakref.WeakSet[Any]) -> None:
        self.process = os.getpid()
        self.connections = connections

    def __del__(self) -> None:
        if not sys.is_finalizing() and self.process == os.getpid():
            for connection in list(self.connections):
                connection.close()
                places.closed(connection)


class Places:
    """The count of the open connections of this process, and the pool of the idle ones."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start empty, as in a forked process: the parent's connections are not its own."""
        self.changed = threading.Condition(threading.RLock())  # Finalizers may run in a thread that has the lock.
        self.open = 0
        self.idle: dict[Any, list[Idle]] = {}
        self.closers: weakref.WeakKeyDictionary[Any, weakref.finalize[..., Any]] = weakref.WeakKeyDictionary()
        self.in_use = ThreadConnections()

    def take_idle(self, key: Any) -> Idle | None:
        """Return the most recently used idle connection, if there is one."""
        with self.changed:
            kept = self.idle.get(key)
            idle = kept.pop() if kept else None
        if idle:
            self.in_use.connections.add(idle.connection)
        return idle

    def keep(self, key: Any, idle: Idle) -> None:
        """Store a connection that its thread no longer needs."""
        self.in_use.connections.discard(idle.connection)
        with self.changed:
            self.idle.setdefault(key, []).append(idle)
            self.changed.notify()

    def close_idle(self) -> None:
        """Close every idle connection, for example for a test that changes their settings."""
        with self.changed:
            for kept in self.idle.values():
                while kept:
                    connection = kept.pop().connection
                    connection.close()
                    self.closed(connection)

    def connect(self, key: Any, limit: int | None, connect: Callable[[], Any]) -> Idle | Any:
        """Return a new connection, or an idle one that became free while waiting.

        Raises NoConnectionFree after `DATABASE_WAIT_SECONDS`.
        """
        with self.changed:
            if limit is not None and self.open >= limit and not self.idle.get(key):
                self._make_room(key, limit)
            if kept := self.idle.get(key):
                idle = kept.pop()
                self.in_use.connections.add(idle.connection)
                return idle
            self.open += 1
        try:
            connection = connect()
        except BaseException:
            self._closed(os.getpid())
            raise
        # Whatever ends the connection frees its place.
        closer = weakref.finalize(connection, self._closed, os.getpid())
        closer.atexit = False
        self.closers[connection] = closer
        self.in_use.connections.add(connection)
        return connection

    def closed(self, connection: Any) -> None:
        """Record that a connection was closed. Repeating it is harmless."""
        self.in_use.connections.discard(connection)
        if closer := self.closers.get(connection):
            closer()

    def _make_room(self, key: Any, limit: int) -> None:
        """Wait, holding the lock, until a connection is idle or a new one is allowed."""
        for other in [other for other, kept in self.idle.items() if other != key and kept]:  # of another database
            idle = self.idle[other].pop()
            idle.connection.close()
            self.closed(idle.connection)
            return
        gc.collect()  # A connection dropped without being closed may be in a reference cycle.
        deadline = time.monotonic() + settings.DATABASE_WAIT_SECONDS
        while self.open >= limit and not self.idle.get(key):
            if not self.changed.wait(deadline - time.monotonic()):
                raise NoConnectionFree(f"All {limit} database connections of this process are at work.")

    def _closed(self, process: int) -> None:
        if process != os.getpid():
            return
        with self.changed:
            self.open -= 1
            self.changed.notify()


places = Places()


os.register_at_fork(after_in_child=places.forget)
