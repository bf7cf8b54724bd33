"""All connections of one process: how many there may be, what they may hold, and in which order they are served."""

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

from scheduler_project.common.security_log import SecurityEvent, log_security_event
from scheduler_project.common.throttling import network
from scheduler_project.web import refusals
from scheduler_project.web.answers import Answer, Application, Environ, answer, complete
from scheduler_project.web.connection import Connection, Phase
from scheduler_project.web.slow import is_slow
from scheduler_project.web.threads import Threads
from scheduler_project.web.uploads import may_upload

logger = logging.getLogger(__name__)

MEMORY = 100_000_000
"""How many bytes of bodies and answers connections may hold in memory, all together."""
DISK = 2_000_000_000
"""The same for answers in temporary files."""
PATIENCE_SECONDS = 10
"""How long a request waits for a thread before it is refused: whoever asked has gone, or asks again."""
REPORT_SECONDS = 10
SLOW_SECONDS = 5
"""A request that takes a thread for longer is a line in the log."""
EXPIRED_AT_ONCE = 25
EVICTED = 64
"""One in so many connections goes when there are too many, and one more; and so much of what they hold."""
SITE = 48
"""How many bits of IPv6 are one network, when too many connect or ask. A tunnel with as many is given away, and counted
by 64 bits it would be a crowd of 65,536 networks, in which everybody else has most."""

HEALTH = Answer(
    "200 OK",
    [
        ("Content-Type", "application/json"),
        ("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private"),
        ("X-Content-Type-Options", "nosniff"),
    ],
    json.dumps({"status": "ok"}).encode(),
)
HEALTH.headers.append(("Content-Length", str(len(HEALTH.body))))
HEALTH_HEAD = Answer(HEALTH.status, HEALTH.headers)


class Server:
    """The connections of one process and the threads behind them. All but `_run` happens on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, application: Application, name: tuple[str, str]) -> None:
        self.loop = loop
        self.now = loop.time
        self.application = application
        self.name = name
        self.most = settings.WEB_CONNECTIONS
        self.keep_alive_seconds = settings.WEB_KEEP_ALIVE_SECONDS
        self.connections: dict[str, dict[Connection, None]] = {}
        self.number = 0
        self.held = self.spooled = 0
        self.closing = False
        self.reported_at = loop.time()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.date = ""
        self.threads: Threads[Connection] = Threads(
            settings.WEB_THREADS,
            settings.WEB_WAITING,
            self._run,
            most_slow=min(settings.PASSWORD_HASHES_AT_ONCE, max(1, settings.WEB_THREADS - 1)),
        )
        self.tick()

    # --- Connections ------------------------------------------------------------------------------------------------

    def add(self, connection: Connection) -> None:
        connection.network = network(connection.address, prefix=SITE)
        self.connections.setdefault(connection.network, {})[connection] = None
        self.number += 1

    def remove(self, connection: Connection) -> None:
        self.hold(connection, 0)
        siblings = self.connections[connection.network]
        del siblings[connection]
        self.number -= 1
        if not siblings:
            del self.connections[connection.network]

    def make_room(self) -> None:
        """Before one more connects: when the process is full, whoever has most connections loses the longest silent."""
        if self.number < self.most:
            return
        crowd = max(self.connections.values(), key=len)
        silent = [connection for connection in crowd if connection.phase is not Phase.WORK]
        for connection in heapq.nsmallest(1 + len(silent) // EVICTED, silent, key=lambda each: each.begun_at):
            self.count("connections", connection)
            connection.abort()

    def hold(self, connection: Connection, held: int, spooled: int = 0) -> None:
        """Note how many bytes a connection holds in memory and on disk; when it is too much, end who holds most."""
        more_held, more_spooled = held > connection.held, spooled > connection.spooled
        self._note(connection, held, spooled)
        if more_held and self.held > MEMORY:
            self._free("held", MEMORY)
        if more_spooled and self.spooled > DISK:
            self._free("spooled", DISK)

    def _note(self, connection: Connection, held: int, spooled: int) -> None:
        self.held += held - connection.held
        self.spooled += spooled - connection.spooled
        connection.held, connection.spooled = held, spooled

    def _free(self, kind: str, limit: int) -> None:
        """End the largest of the network that holds most: those that send or read, and those that wait for a thread.

        What a thread is at work on has to be waited for.
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
        """Begin no more; what has begun may finish."""
        self.closing = True
        for connection in self._all():
            if connection.phase is Phase.IDLE:
                connection.transport.close()

    def tick(self) -> bool:
        """Once a second: deadlines, the date, and a word about who was refused. Whether more deadlines have passed.

        Where too few files could be opened, it is tried again with ever more connections.

        Crowds come together, and so do their deadlines: others have a turn in between.
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

    def _all(self) -> list[Connection]:
        return [connection for siblings in self.connections.values() for connection in siblings]

    def count(self, limit: str, connection: Connection) -> None:
        self.counts[limit, connection.network] += 1

    def _report(self) -> None:
        """One line for each limit that was reached since the last report, however many connections reached it."""
        counts, self.counts = self.counts, Counter()
        for limit in sorted({limit for limit, _ in counts}):
            networks = Counter({network: number for (each, network), number in counts.items() if each == limit})
            ((most, _),) = networks.most_common(1)
            count = networks.total()
            log_security_event(
                SecurityEvent.LIMIT_REACHED, face="web", scope=f"web.{limit}", count=count, mostly_from=most
            )

    # --- Requests ---------------------------------------------------------------------------------------------------

    def serve(self, connection: Connection) -> None:
        """Answer a request that is here whole; whether the process is up needs no thread and no database."""
        environ = connection.environ
        if environ["PATH_INFO"] == "/healthz" and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            connection.respond(HEALTH if environ["REQUEST_METHOD"] == "GET" else HEALTH_HEAD)
        else:
            self.enqueue(connection)

    def enqueue(self, connection: Connection) -> None:
        """Have a thread look at it, or refuse whoever has most in the line."""
        connection.queued_at = self.now()
        connection.asker = self._asker(connection)
        refused = self.threads.put(connection.asker, connection, slow=is_slow(connection.environ))
        if refused is not None:
            self.loop.call_soon(refused.refuse, refusals.BUSY)

    def _asker(self, connection: Connection) -> str:
        """The network a request comes from, as far as `TRUSTED_PROXIES` proxies are believed."""
        proxies = settings.TRUSTED_PROXIES
        forwarded = connection.environ.get("HTTP_X_FORWARDED_FOR") if proxies else None
        if not forwarded:
            return connection.network
        addresses = forwarded.split(",")
        return network(addresses[-min(proxies, len(addresses))].strip()[:64], prefix=SITE)

    def _run(self, connection: Connection) -> None:
        """In a thread: give a connection what it waits for. Whoever hung up or waited too long gets no work done."""
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
            said = environ["REQUEST_METHOD"], _route(environ), took, waited
            logger.warning("%s %s took %.1f s, after %.1f s in line", *said)

    def _check(self, connection: Connection) -> bool:
        """Whether so large a body may come; outside a request, which looks after its database connection itself."""
        close_old_connections()
        try:
            return may_upload(connection.environ)
        finally:
            close_old_connections()

    def _then(self, callback: Any, argument: Any) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
            self.loop.call_soon_threadsafe(callback, argument)


def _route(environ: Environ) -> str:
    """Return the pattern of the address that was asked for: the address itself may be a key."""
    try:
        return f"/{resolve(environ['PATH_INFO']).route}"
    except Exception:  # noqa: BLE001  (Besides an address that there is not: URLs that cannot be loaded end no thread.)
        return "an unknown address"
