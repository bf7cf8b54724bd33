"""psycopg with a time limit for servers that accept a connection but do not respond.

PostgreSQL's own limits stop long statements, and TCP notices a vanished host. Neither notices a frozen server (a
machine that swaps, a disk that hangs), because its kernel still acknowledges packets."""

from typing import Any

import psycopg
from psycopg.errors import OperationalError, _WaitTimeout

MARGIN_SECONDS = 5
"""Seconds added to the server's own limit, so that the server can report first."""


class PostgresConnection(psycopg.Connection[Any]):
    patience: float | None = None
    """Maximum seconds to wait for a response; None: no limit."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for a response. Raises OperationalError after `patience`, and closes the connection."""
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"The database said nothing for {self.patience:g} seconds.") from None


class Driver:
    """Replacement for the psycopg module in Django."""

    connect = staticmethod(PostgresConnection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
