"""The kind of this process, and its database limits.

PostgreSQL gets the limits when a connection is opened, so they cost no round trip later.
"""

from enum import StrEnum
from typing import NamedTuple

from django.conf import settings

from scheduler_project.common import sending_capacity


class Process(StrEnum):
    COMMAND = "command"
    """`manage.py`, a shell, the tests: a person watches, and can interrupt."""
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"


class Limits(NamedTuple):
    """Database limits of a process; None: unlimited. Times are in seconds."""

    connections: int | None
    statement: float | None
    lock: float | None
    idle_in_transaction: float | None


process = Process.COMMAND


def is_now(kind: Process) -> None:
    """Set the kind of this process. Existing connections keep their limits."""
    global process  # noqa: PLW0603
    process = kind


def limits() -> Limits:
    match process:
        case Process.WEB:
            return Limits(
                settings.WEB_THREADS,
                settings.WEB_STATEMENT_SECONDS,
                settings.WEB_LOCK_SECONDS,
                settings.DATABASE_IDLE_TRANSACTION_SECONDS,
            )
        case Process.WORKER:
            return Limits(
                1 + sending_capacity.lines(),  # the task's own, and the lines of a dispatcher
                settings.JOB_STATEMENT_SECONDS,
                settings.JOB_LOCK_SECONDS,
                settings.DATABASE_IDLE_TRANSACTION_SECONDS,
            )
        case Process.BEAT:
            return Limits(
                1, settings.JOB_STATEMENT_SECONDS, settings.JOB_LOCK_SECONDS, settings.DATABASE_IDLE_TRANSACTION_SECONDS
            )
        case _:
            return Limits(None, None, None, None)
