"""psycopg, but that it does not wait for ever for a server that is there and says nothing.

PostgreSQL's own limits end what takes too long, and TCP ends what vanished. Neither ends what a frozen server owes (a
machine that swaps, a disk that hangs): its kernel goes on answering for it.
"""

from typing import Any

import psycopg
from psycopg.errors import OperationalError, _WaitTimeout

MARGIN_SECONDS = 5
"""How much later than at the server's own limit it may say so."""


class Connection(psycopg.Connection[Any]):
    patience: float | None = None
    """Seconds that an answer is waited for; None: as long as it takes."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer. Raises OperationalError after `patience`, and the connection is no more."""
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"The database said nothing for {self.patience:g} seconds.") from None


class Driver:
    """What Django takes for psycopg."""

    connect = staticmethod(Connection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
