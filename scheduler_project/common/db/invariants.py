"""Invariants of the database, and checking them.

The operations and constraints maintain them; this check proves that they did, on a live database. Each app adds its own
in `AppConfig.ready`."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

MOST = 1_000
"""Maximum number of rows reported per invariant."""


class Broken(NamedTuple):
    """A row that breaks an invariant, and the details."""

    check: str
    table: str
    pk: int
    problem: str


Look = Callable[[datetime], Iterable[tuple[int, str]]]


invariants: dict[str, tuple[str, Look]] = {}
"""Invariants by name: the table checked, and the function that yields the keys and errors of rows that break it."""


def by_query(rows: QuerySet[Any, Any], problem: Callable[..., str]) -> Look:
    """Return a check by a query for rows that break the invariant.

    It selects the key and the arguments of `problem`.
    """

    def look(now: datetime) -> Iterator[tuple[int, str]]:
        for pk, *values in rows.order_by()[:MOST]:
            yield pk, problem(*values)

    return look


def by_sql(sql: str, problem: Callable[..., str]) -> Look:
    """Return a check by an SQL statement, for conditions that the ORM cannot express."""

    def look(now: datetime) -> Iterator[tuple[int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} LIMIT {MOST}")
            for pk, *values in cursor.fetchall():
                yield pk, problem(*values)

    return look


def inspect(*, now: datetime) -> list[Broken]:
    """Return all rows that break an invariant, from one snapshot of the database. Changes nothing, locks nothing.

    In a transaction of the caller, it sees that transaction's changes.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:  # The ORM has no isolation levels.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return [
            Broken(name, table, pk, problem)
            for name, (table, look) in invariants.items()
            for pk, problem in islice(look(now), MOST)
        ]


def as_dict(broken: Broken) -> dict[str, Any]:
    """Return the result in a JSON-ready form."""
    return broken._asdict()
