"""Django's PostgreSQL backend with bounded connections, a cheap health check, and an audit log of writes.

Between two requests (or tasks) a connection belongs to the process and not to the thread that used it: see `places.py`.
"""

import select
import time
from functools import partial
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus

from scheduler_project.common import process
from scheduler_project.common.audit.log import set_audit_context
from scheduler_project.common.db.postgresql.driver import MARGIN_SECONDS, Driver
from scheduler_project.common.db.postgresql.places import Idle, places


class DatabaseWrapper(base.DatabaseWrapper):
    Database = Driver()  # type: ignore[assignment]  # Django asks no more of it than that it looks like psycopg.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(set_audit_context)

    def is_usable(self) -> bool:
        """Return whether a stored connection is alive, without a round trip.

        Django's own sends SELECT 1 every request.
        """
        return self.connection is not None and is_alive(self.connection)

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters of the settings, with the time limits of this kind of process."""
        params = super().get_connection_params()
        params.setdefault("application_name", f"scheduler {process.process}")
        if self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:  # A pooler refuses start-up options it does not know.
            return params
        limits = process.limits()
        seconds = {
            "statement_timeout": limits.statement,
            "lock_timeout": limits.lock,
            "idle_in_transaction_session_timeout": limits.idle_in_transaction,
        }
        own = [f"-c {name}={round(value * 1000)}" for name, value in seconds.items() if value is not None]
        # What DATABASE_URL says comes last, and wins.
        if options := " ".join([*own, params.get("options", "")]).strip():
            params["options"] = options
        return params

    def connect(self) -> None:
        """Reuse an idle connection of this process, or else open one."""
        while (idle := places.take_idle(self._key())) is not None:
            if (idle.close_at is not None and time.monotonic() >= idle.close_at) or not is_alive(idle.connection):
                idle.connection.close()
                places.closed(idle.connection)
                continue
            self._go_on_with(idle)
            return
        super().connect()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        limits = process.limits()
        found = places.connect(self._key(), limits.connections, partial(super().get_new_connection, conn_params))
        if isinstance(found, Idle):
            self.close_at = found.close_at
            return found.connection
        found.patience = None if limits.statement is None else limits.statement + MARGIN_SECONDS
        return found

    def close_if_unusable_or_obsolete(self) -> None:
        """Return the connection to the process at the end of a request or task."""
        super().close_if_unusable_or_obsolete()
        if self.connection is None or self.in_atomic_block or self.allow_thread_sharing or not at_rest(self.connection):
            return
        connection, self.connection = self.connection, None
        places.keep(self._key(), Idle(connection, self.close_at))

    def _go_on_with(self, idle: Idle) -> None:
        """Set up as `connect` does, without sending settings the connection already has."""
        self.in_atomic_block = False
        self.savepoint_ids = []
        self.atomic_blocks = []
        self.needs_rollback = False
        self.health_check_enabled = self.settings_dict["CONN_HEALTH_CHECKS"]
        self.close_at = idle.close_at
        self.closed_in_transaction = False
        self.errors_occurred = False
        self.health_check_done = True
        self.connection = idle.connection
        self.autocommit = True
        self.run_on_commit = []

    def _key(self) -> tuple[Any, ...]:
        """Return the key of connections that can replace this one."""
        place = self.settings_dict
        return self.alias, place["NAME"], place["HOST"], place["PORT"], place["USER"]

    def _close(self) -> None:
        connection = self.connection
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if connection is not None:
                places.closed(connection)


def is_alive(connection: Any) -> bool:
    """Return whether the server has not hung up: data to read on an idle connection mean that it has."""
    if connection.pgconn.status != ConnStatus.OK:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def at_rest(connection: Any) -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE
