"""What must hold in the database at any moment, and looking whether it does.

The operations and constraints keep it; this is how to prove that they did, on a live database. Each app adds what it
knows in `AppConfig.ready`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, transaction

MOST = 1_000
"""How many rows that break one invariant are named."""


class Broken(NamedTuple):
    """A row that breaks an invariant, and how."""

    check: str
    table: str
    pk: int
    problem: str


Look = Callable[[datetime], Iterable[tuple[int, str]]]

invariants: dict[str, tuple[str, Look]] = {}
"""Name → the table whose rows are looked at, and how to find those that break it: their keys, and what is wrong."""


def by_sql(sql: str) -> Look:
    """Find rows by a statement that answers their keys and what is wrong; `%(now)s` in it is the instant."""

    def look(now: datetime) -> Iterator[tuple[int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} LIMIT {MOST}", {"now": now})
            yield from cursor.fetchall()

    return look


def inspect(*, now: datetime) -> list[Broken]:
    """All rows that break an invariant, as one snapshot of the database shows them. Changes nothing, locks nothing.

    Within a transaction of the caller's, as that sees it.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return [
            Broken(name, table, pk, problem)
            for name, (table, look) in invariants.items()
            for pk, problem in islice(look(now), MOST)
        ]


def told(broken: Broken) -> dict[str, Any]:
    """For programs."""
    return broken._asdict()
