"""The locks of availability: each schedule's row, and one that separates closures from new schedules."""

from django.db import connection

from accounts.providers.models import vetted_sql
from booking.models import (
    Schedule,
)
from scheduler_project.common.db.rows import columns_of, from_row
from scheduler_project.common.errors import NotFound

CLOSURES = 0x636C6F73
"""The number of the advisory lock that separates closures from new schedules."""


def lock_closures(function: str) -> None:
    """Separate closures (exclusive) from new schedules (shared).

    A schedule created during a closure would stay open. The ORM has no advisory locks.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [CLOSURES])


# The statements of reserving are constants: composing them for each request took two thirds of its time
# (`make bench` (reserve)).
LOCK_SCHEDULE = f"""
SELECT {columns_of(Schedule, "schedule")}, provider.is_active, {vetted_sql("provider")}
FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
WHERE schedule.provider_id = %s
FOR NO KEY UPDATE OF schedule
"""


def locked_schedule(provider_id: int) -> Schedule:
    """Return the provider's schedule, locked until the transaction ends. Bookings and changes of hours wait here.

    Raises NotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SCHEDULE, [provider_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    schedule = from_row(Schedule, row)
    schedule.provider_is_active, schedule.provider_is_vetted = row[-2:]
    return schedule
