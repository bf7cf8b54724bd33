"""Django's PostgreSQL backend: its health check asks the socket and not the server, and it says who writes."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus

from scheduler_project.common.trail import tell_who


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(tell_who)

    def is_usable(self) -> bool:
        """Whether a kept connection still stands, without a round trip (Django's own sends SELECT 1 every request).

        The server speaks only when spoken to: if there is something to read on an idle connection, it said goodbye.
        """
        if self.connection is None or self.connection.pgconn.status != ConnStatus.OK:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
