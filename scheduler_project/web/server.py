"""All connections of one process: their number, their memory, and the order in which they are served."""

import asyncio
import contextlib
import heapq
import json
import logging
from collections import Counter
from email.utils import formatdate
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.urls import resolve

from scheduler_project.common.api.versions import documented_route
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.throttling import network
from scheduler_project.web import refusals
from scheduler_project.web.answers import Application, Environ, StoredResponse, answer, complete
from scheduler_project.web.connection import HttpConnection, Phase
from scheduler_project.web.slow import is_slow
from scheduler_project.web.threads import Threads
from scheduler_project.web.uploads import may_upload

logger = logging.getLogger(__name__)

MEMORY = 100_000_000
"""Maximum bytes of bodies and responses in memory, for all connections together."""
DISK = 2_000_000_000
"""Maximum bytes of responses in temporary files."""
PATIENCE_SECONDS = 10
"""Seconds after which a waiting request is refused: the client has left, or will retry."""
REPORT_SECONDS = 10
SLOW_SECONDS = 5
"""The seconds after which a request that occupies a thread is logged."""
EXPIRED_AT_ONCE = 25
EVICTED = 64
"""The share of connections to close if there are too many, one in so many and one more.

The same share of memory is freed.
"""
SITE = 48
"""The number of IPv6 bits that count as one network if too many connect or send.

Tunnels give away networks of this size. If 64 bits were counted, one of them would be a crowd of 65,536 networks with
most of the turns.
"""

HEALTH = StoredResponse(
    "200 OK",
    [
        ("Content-Type", "application/json"),
        ("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private"),
        ("X-Content-Type-Options", "nosniff"),
    ],
    json.dumps({"status": "ok"}).encode(),
)
HEALTH.headers.append(("Content-Length", str(len(HEALTH.body))))
HEALTH_HEAD = StoredResponse(HEALTH.status, HEALTH.headers)


class Server:
    """The connections of one process and the threads behind them. Everything except `_run` runs on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, application: Application, name: tuple[str, str]) -> None:
        self.loop = loop
        self.now = loop.time
        self.application = application
        self.name = name
        self.most = settings.WEB_CONNECTIONS
        self.keep_alive_seconds = settings.WEB_KEEP_ALIVE_SECONDS
        self.connections: dict[str, dict[HttpConnection, None]] = {}
        self.number = 0
        self.held = self.spooled = 0
        self.closing = False
        self.reported_at = loop.time()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.date = ""
        self.threads: Threads[HttpConnection] = Threads(
            settings.WEB_THREADS,
            settings.WEB_WAITING,
            self._run,
            most_slow=min(settings.PASSWORD_HASHES_AT_ONCE, max(1, settings.WEB_THREADS - 1)),
        )
        self.tick()

    # --- Connections ------------------------------------------------------------------------------------------------

    def add(self, connection: HttpConnection) -> None:
        connection.network = network(connection.address, prefix=SITE)
        self.connections.setdefault(connection.network, {})[connection] = None
        self.number += 1

    def remove(self, connection: HttpConnection) -> None:
        self.hold(connection, 0)
        siblings = self.connections[connection.network]
        del siblings[connection]
        self.number -= 1
        if not siblings:
            del self.connections[connection.network]

    def make_room(self) -> None:
        """Make room for a new connection: in a full process, the client with most connections loses the longest idle
        ones."""
        if self.number < self.most:
            return
        crowd = max(self.connections.values(), key=len)
        silent = [connection for connection in crowd if connection.phase is not Phase.WORK]
        for connection in heapq.nsmallest(1 + len(silent) // EVICTED, silent, key=lambda each: each.begun_at):
            self.count("connections", connection)
            connection.abort()

    def hold(self, connection: HttpConnection, held: int, spooled: int = 0) -> None:
        """Record how many bytes a connection holds in memory and on disk; beyond the limit, close the largest
        holder."""
        more_held, more_spooled = held > connection.held, spooled > connection.spooled
        self._note(connection, held, spooled)
        if more_held and self.held > MEMORY:
            self._free("held", MEMORY)
        if more_spooled and self.spooled > DISK:
            self._free("spooled", DISK)

    def _note(self, connection: HttpConnection, held: int, spooled: int) -> None:
        self.held += held - connection.held
        self.spooled += spooled - connection.spooled
        connection.held, connection.spooled = held, spooled

    def _free(self, kind: str, limit: int) -> None:
        """Close the largest connections of the network that holds most: those sending, reading or waiting for a thread.

        A request being handled by a thread must be waited for.
        """
        of = attrgetter(kind)
        crowd = max(self.connections.values(), key=lambda crowd: sum(map(of, crowd)))
        for largest in sorted(crowd, key=of, reverse=True):
            if getattr(self, kind) <= limit - limit // EVICTED or not of(largest):
                break
            if largest.phase is not Phase.WORK or self.threads.withdraw(largest.asker, largest):
                self.count("memory" if kind == "held" else "disk", largest)
                largest.abort()
                self._note(largest, 0, 0)

    def close(self) -> None:
        """Accept no new requests; current ones may finish."""
        self.closing = True
        for connection in self._all():
            if connection.phase is Phase.IDLE:
                connection.transport.close()

    def tick(self) -> bool:
        """Handle deadlines, the date and the log, once a second. Return whether more deadlines have passed.

        After a shortage of open files, the number of connections is raised again step by step.

        Many connections have the same deadline, so others have a turn in between.
        """
        now = self.now()
        self.most = min(settings.WEB_CONNECTIONS, self.most + 1 + settings.WEB_CONNECTIONS // EVICTED)
        self.date = f"Date: {formatdate(usegmt=True)}"
        overdue = [connection for connection in self._all() if connection.deadline <= now]
        for connection in overdue[:EXPIRED_AT_ONCE]:
            connection.expire(now)
        if self.counts and now - self.reported_at >= REPORT_SECONDS:
            self.reported_at = now
            self._report()
        return len(overdue) > EXPIRED_AT_ONCE

    def _all(self) -> list[HttpConnection]:
        return [connection for siblings in self.connections.values() for connection in siblings]

    def count(self, limit: str, connection: HttpConnection) -> None:
        self.counts[limit, connection.network] += 1

    def _report(self) -> None:
        """Log one line for each limit reached since the last report, however many connections reached it."""
        counts, self.counts = self.counts, Counter()
        for limit in sorted({limit for limit, _ in counts}):
            networks = Counter({network: number for (each, network), number in counts.items() if each == limit})
            ((most, _),) = networks.most_common(1)
            count = networks.total()
            log_security_event(
                SecurityEvent.LIMIT_REACHED, face="web", scope=f"web.{limit}", count=count, mostly_from=most
            )

    # --- Requests ---------------------------------------------------------------------------------------------------

    def serve(self, connection: HttpConnection) -> None:
        """Handle a complete request; `/healthz` needs no thread and no database."""
        environ = connection.environ
        if environ["PATH_INFO"] == "/healthz" and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            connection.respond(HEALTH if environ["REQUEST_METHOD"] == "GET" else HEALTH_HEAD)
        else:
            self.enqueue(connection)

    def enqueue(self, connection: HttpConnection) -> None:
        """Queue a connection for a thread, or refuse the request of the client with most in the queue."""
        connection.queued_at = self.now()
        connection.asker = self._asker(connection)
        refused = self.threads.put(connection.asker, connection, slow=is_slow(connection.environ))
        if refused is not None:
            self.loop.call_soon(refused.refuse, refusals.BUSY)

    def _asker(self, connection: HttpConnection) -> str:
        """Return the network of a request's client, trusting `TRUSTED_PROXIES` proxies."""
        proxies = settings.TRUSTED_PROXIES
        forwarded = connection.environ.get("HTTP_X_FORWARDED_FOR") if proxies else None
        if not forwarded:
            return connection.network
        addresses = forwarded.split(",")
        return network(addresses[-min(proxies, len(addresses))].strip()[:64], prefix=SITE)

    def _run(self, connection: HttpConnection) -> None:
        """Handle a connection in a thread, unless its client hung up or waited too long."""
        phase, environ = connection.phase, connection.environ
        if phase not in (Phase.WORK, Phase.CHECK):
            return
        begun = self.now()
        waited = begun - connection.queued_at
        if waited > PATIENCE_SECONDS:
            self._then(connection.refuse, refusals.BUSY)
            return
        try:
            if phase is Phase.CHECK:
                self._then(connection.checked, self._check(connection))
            else:
                self._then(connection.respond, answer(self.application, complete(environ, connection.body)))
        except BaseException:
            logger.exception("The application failed to answer %s %s", environ["REQUEST_METHOD"], _route(environ))
            self._then(connection.refuse, refusals.FAILED)
        if (took := self.now() - begun) > SLOW_SECONDS:
            facts = environ["REQUEST_METHOD"], _route(environ), took, waited
            logger.warning("%s %s took %.1f s, after %.1f s in line", *facts)

    def _check(self, connection: HttpConnection) -> bool:
        """Return whether a large body is allowed; outside of a request, it manages its database connection itself."""
        close_old_connections()
        try:
            return may_upload(connection.environ)
        finally:
            close_old_connections()

    def _then(self, callback: Any, argument: Any) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
            self.loop.call_soon_threadsafe(callback, argument)


def _route(environ: Environ) -> str:
    """Return the pattern of the requested URL: the URL itself may contain a secret."""
    try:
        return f"/{documented_route(resolve(environ['PATH_INFO']).route)}"
    except Exception:  # noqa: BLE001  (Besides an address that there is not: URLs that cannot be loaded end no thread.)
        return "an unknown address"
