"""The servers of the benchmark: its own PostgreSQL and Redis, or a `*_bench` database of yours, and the web server."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psutil
import psycopg
from psycopg import sql

from scheduler_project import embedded
from scheduler_project.machine import ServerError, ending_with_parent
from tests import template
from tests.slow.benchmarks.load import drive, get

DEFAULTS = {
    "SECRET_KEY": "only-for-benchmarks-" + "0" * 50,
    "DEBUG": "off",
    "SECURE": "off",
    "ALLOWED_HOSTS": "localhost",
    "LOG_LEVEL": "ERROR",
    "ACCESS_TOKEN_MINUTES": "1000",
}
MUCH = ",".join(f"{name}=100000000/100000000" for name in ("site", "sender", "recipient", "new_recipient"))
COUNT_BUT_NEVER_REFUSE = {
    "THROTTLE": "on",
    "THROTTLE_READ": "100000000/min",
    "THROTTLE_WRITE": "100000000/min",
    "THROTTLE_CHANGE": "100000000/hour",
    "THROTTLE_CHANGE_NETWORK": "100000000/hour",
    "SEND_LIMITS_EMAIL": MUCH,
    "MAX_OPEN_APPOINTMENTS": "100000000",
    "MAX_OPEN_APPOINTMENTS_UNVERIFIED": "100000000",
    "TRUSTED_PROXIES": "1",
}


@contextlib.contextmanager
def data_servers(*, durable: bool) -> Iterator[psutil.Process | None]:
    """Complete `os.environ` for the settings. Yields PostgreSQL's process, if it is ours to look at."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(COUNT_BUT_NEVER_REFUSE)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.slow.benchmarks.settings"
    with contextlib.ExitStack() as stack:
        if os.environ.get("DATABASE_URL"):
            stack.enter_context(scratch_database(os.environ["DATABASE_URL"]))
        missing = [kind for kind in (embedded.Postgres, embedded.Redis) if not os.environ.get(kind.variable)]
        data_dir = Path(tempfile.mkdtemp(prefix="scheduler-bench-"))
        stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        if embedded.Postgres in missing:
            template.copy_cluster(data_dir)
        running = stack.enter_context(embedded.servers(data_dir, durable=durable, wanted=missing))
        os.environ.update({server.variable: server.url for server in running})
        ours = [server.process.pid for server in running if server.process and isinstance(server, embedded.Postgres)]
        yield psutil.Process(ours[0]) if ours else None


@contextlib.contextmanager
def scratch_database(url: str) -> Iterator[None]:
    """Point DATABASE_URL to a new database on the same server, named after the one it names; drop it at the end.

    In a test it is a copy of the migrated one.
    """
    config = environ.Env.db_url_config(url)
    keys = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    target = {key: config[name] for name, key in keys.items() if config.get(name)}
    scratch = sql.Identifier(f"{target['dbname']}_bench")
    model = sql.Identifier(os.environ.get("TEST_TEMPLATE", "template1"))
    parts = urlsplit(url)
    try:
        connection = psycopg.connect(**target, autocommit=True)
    except psycopg.OperationalError as error:
        raise ServerError(f"DATABASE_URL leads nowhere: {error}") from error
    with connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(scratch))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(scratch, model))
        os.environ["DATABASE_URL"] = parts._replace(path=f"{parts.path}_bench").geturl()
        try:
            yield
        finally:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(scratch))


class Web:
    """The running web server, and what it and PostgreSQL have cost so far."""

    def __init__(self, port: int, process: psutil.Process, postgres: psutil.Process | None) -> None:
        self.port = port
        self.process = process
        self.postgres = postgres

    def seconds(self) -> tuple[float, float]:
        """CPU seconds used so far: by the web server, by PostgreSQL."""
        return cpu_seconds(self.process), cpu_seconds(self.postgres)

    def megabytes(self) -> tuple[float, float]:
        """Memory held now: by the web server, by PostgreSQL (what processes share counted once)."""
        return megabytes(self.process), megabytes(self.postgres)


def family(process: psutil.Process | None) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)] if process else []


def cpu_seconds(process: psutil.Process | None) -> float:
    total = 0.0
    for member in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
    return total


def megabytes(process: psutil.Process | None) -> float:
    total = 0.0
    for member in family(process):
        with contextlib.suppress(psutil.Error):
            memory = member.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    return total / 1e6


@contextlib.contextmanager
def web_server(
    port: int,
    postgres: psutil.Process | None,
    *,
    guarded: bool = True,
    command: Sequence[str] = ("-m", "scheduler_project.serve"),
) -> Iterator[Web]:
    """The app and the floor, served as `make run` serves the site, unless by another command."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=embedded.PROJECT,
        env=os.environ | {"HOST": "127.0.0.1", "PORT": str(port)} | ({} if guarded else {"BENCH_UNGUARDED": "on"}),
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=ending_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"The web server does not answer on port {port}.")
            time.sleep(0.1)
        yield Web(port, psutil.Process(process.pid), postgres)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def answers(port: int) -> bool:
    """Return whether every worker is likely up: a few new connections all get an answer."""

    def client():
        yield get("/readyz")

    try:
        return drive(port, [client() for _ in range(8)]).statuses == {200: 8}
    except OSError:
        return False


def free_port(port: int) -> int:
    """The port, or the next one that nobody listens on."""
    for candidate in range(port, port + 100):
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", candidate)).close()
            return candidate
    raise ServerError(f"No free port from {port} on.")
