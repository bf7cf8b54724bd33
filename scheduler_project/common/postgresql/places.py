"""The connections of this process: how many there may be, and those that no thread is using now.

A thread has a connection while it works on a request or a task, not for as long as it lives. So their number is
what the configuration says, whatever becomes of the threads.
"""

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
    """Every connection this process may have was at work for longer than anybody waits for one."""


class Idle(NamedTuple):
    connection: Any
    """psycopg's own."""
    close_at: float | None
    """When it has lived long enough, by `time.monotonic()`; None: never."""


class InUse(threading.local):
    """The connections a thread is using. When it ends with any, they are closed."""

    def __init__(self) -> None:
        self.connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self.end = AtEnd(self.connections)


class AtEnd:
    """Goes when its thread does: nothing else refers to it."""

    def __init__(self, connections: weakref.WeakSet[Any]) -> None:
        self.process = os.getpid()
        self.connections = connections

    def __del__(self) -> None:
        if not sys.is_finalizing() and self.process == os.getpid():
            for connection in list(self.connections):
                connection.close()
                places.closed(connection)


class Places:
    """Counts the open connections of this process, and keeps idle ones for the thread that asks next."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew, as a forked process does: its parent's connections are not its own."""
        self.changed = threading.Condition(threading.RLock())  # Finalizers may run in a thread that has the lock.
        self.open = 0
        self.idle: dict[Any, list[Idle]] = {}
        self.closers: weakref.WeakKeyDictionary[Any, weakref.finalize[..., Any]] = weakref.WeakKeyDictionary()
        self.in_use = InUse()

    def take_idle(self, key: Any) -> Idle | None:
        """Return the connection that was in use last, if one is idle."""
        with self.changed:
            kept = self.idle.get(key)
            idle = kept.pop() if kept else None
        if idle:
            self.in_use.connections.add(idle.connection)
        return idle

    def keep(self, key: Any, idle: Idle) -> None:
        """Keep a connection whose thread needs it no longer."""
        self.in_use.connections.discard(idle.connection)
        with self.changed:
            self.idle.setdefault(key, []).append(idle)
            self.changed.notify()

    def close_idle(self) -> None:
        """Close every connection that no thread is using, such as for a test that changes what they were told."""
        with self.changed:
            for kept in self.idle.values():
                while kept:
                    connection = kept.pop().connection
                    connection.close()
                    self.closed(connection)

    def connect(self, key: Any, limit: int | None, connect: Callable[[], Any]) -> Idle | Any:
        """Return a new connection, or an idle one that came back while there was no room for another.

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
        # Whatever ends the connection makes room for another.
        closer = weakref.finalize(connection, self._closed, os.getpid())
        closer.atexit = False
        self.closers[connection] = closer
        self.in_use.connections.add(connection)
        return connection

    def closed(self, connection: Any) -> None:
        """Note that a connection was closed. Once is enough, and twice does no harm."""
        self.in_use.connections.discard(connection)
        if closer := self.closers.get(connection):
            closer()

    def _make_room(self, key: Any, limit: int) -> None:
        """Wait, with the lock held, until there is an idle connection or room for a new one."""
        for other in [other for other, kept in self.idle.items() if other != key and kept]:  # such as another database
            idle = self.idle[other].pop()
            idle.connection.close()
            self.closed(idle.connection)
            return
        gc.collect()  # What was dropped without being closed may lie in a reference cycle.
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
