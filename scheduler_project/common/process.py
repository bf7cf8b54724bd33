"""Which of the site's processes this one is, and what it may ask of the database.

The limits are told to PostgreSQL when a connection is made, so that they cost no round trip later.
"""

from enum import StrEnum
from typing import NamedTuple

from django.conf import settings


class Process(StrEnum):
    COMMAND = "command"
    """`manage.py`, a shell, the tests: somebody is watching, and may interrupt."""
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"


class Limits(NamedTuple):
    """What one process may ask of the database; None: as much as it likes. Times are in seconds."""

    connections: int | None
    statement: float | None
    lock: float | None
    idle_in_transaction: float | None


process = Process.COMMAND


def is_now(kind: Process) -> None:
    """Say what this process is. Connections it has already keep the limits they were made with."""
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
                1 + sum(settings.SEND_THREADS.values()),  # the task's own, and the lines of a dispatcher
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
