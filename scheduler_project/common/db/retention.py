"""Retention of old rows: all are deleted here, in small batches.

Each app adds its own in `AppConfig.ready`. The rows are selected once, and deleted in short transactions that skip rows
locked by others, so that parallel runs do not disturb each other."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from scheduler_project.common.audit.log import allow_deleting
from scheduler_project.common.limits import sending
from scheduler_project.common.models import (
    REPEATABLE,
    Change,
    IdempotentRequest,
    ImportedFile,
    Inspection,
    Remembered,
    Tally,
)
from scheduler_project.common.operations import each_by_itself, operation

BATCH = 1_000


FILES = timedelta(days=1)
"""The time for which an uploaded file waits for its import."""


INSPECTIONS = timedelta(days=400)


retained: dict[str, Callable[[datetime], int]] = {}
"""Functions that delete rows past their retention, by the name of the rows. Each returns the number of rows deleted."""


def forget_old(*, now: datetime) -> dict[str, int]:
    """Delete everything past its retention. Return the number of rows by name."""
    return each_by_itself(lambda name: retained[name](now), retained, what="Forgetting")


def older_than(days: int, now: datetime) -> datetime | None:
    """Return the time before which rows are too old, by a setting in days; None if that is 0 (keep for ever)."""
    return now - timedelta(days=days) if days else None


def delete_rows(rows: QuerySet) -> int:
    """Delete rows with their related rows, in batches. Return how many."""
    return sum(_forget(rows, batch) for batch in batches(rows))


def batches(rows: QuerySet) -> Iterator[list[Any]]:
    """Yield the keys of rows in batches."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


@operation
def _forget(rows: QuerySet, batch: list[Any]) -> int:
    locked = rows.filter(pk__in=batch).order_by("pk").select_for_update(of=("self",), skip_locked=True)
    keys = list(locked.values_list("pk", flat=True))
    rows.model._base_manager.filter(pk__in=keys).delete()  # noqa: SLF001  (documented, whatever its name)
    return len(keys)


@operation
def _forget_trail(batch: list[int], before: datetime) -> int:
    with allow_deleting(before):
        return Change.objects.filter(pk__in=batch).delete()[0]


def _trail(now: datetime) -> int:
    """Delete changes past their retention, which is a month at least: the trigger refuses to delete younger rows."""
    before = older_than(max(settings.RETAIN_TRAIL_DAYS, 31) if settings.RETAIN_TRAIL_DAYS else 0, now)
    if before is None:
        return 0
    return sum(_forget_trail(batch, before) for batch in batches(Change.objects.filter(at__lt=before)))


retained |= {
    "answers to repeated writes": lambda now: delete_rows(
        IdempotentRequest.objects.filter(created_at__lt=now - REPEATABLE)
    ),
    "files to import": lambda now: delete_rows(ImportedFile.objects.filter(created_at__lt=now - FILES)),
    "inspections": lambda now: delete_rows(Inspection.objects.filter(at__lt=now - INSPECTIONS)),
    "ended sessions": lambda now: delete_rows(Session.objects.filter(expire_date__lt=now)),
    "links to confirm emails": lambda now: delete_rows(
        EmailConfirmation.objects.filter(created__lt=now - timedelta(days=30))
    ),
    "ended limits": lambda now: (
        delete_rows(Remembered.objects.filter(expires__lt=now)) + delete_rows(Tally.objects.filter(ends_at__lt=now))
    ),
    "counts of what was sent": lambda now: sending.forget(now=now),
    "trail": _trail,
}
