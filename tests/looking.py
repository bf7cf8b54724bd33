"""Inspection of the database after an action."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.apps import apps
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Provider
from booking.models import Slot

TABLES = ("accounts", "booking", "reminders")


def dump() -> dict[str, list[tuple]]:
    """Every row of every table of ours."""
    return {
        model._meta.db_table: sorted(model._base_manager.values_list(), key=str)
        for label in TABLES
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }


def grid(provider: Provider) -> list[tuple[datetime, datetime, int | None, bool]]:
    """Return all slots of a provider: start, end, reservation, withdrawn or not."""
    slots = Slot.objects.filter(provider=provider).order_by("starts_at")
    return list(slots.values_list("starts_at", "ends_at", "reservation", "withdrawn"))


def free_cells(provider: Provider) -> list[tuple[datetime, datetime]]:
    """Return the stored slots that are not claimed."""
    return [(start, end) for start, end, reservation, _ in grid(provider) if reservation is None]


def slots_within(provider: Provider, start: datetime, until: datetime) -> QuerySet[Slot]:
    """The slots of a provider that start in `[start, until)`."""
    return Slot.objects.filter(provider=provider, starts_at__gte=start, starts_at__lt=until)


PROMISES = {
    "two live reservations of one provider overlap": """
        SELECT a.id, b.id FROM booking_reservation a JOIN booking_reservation b USING (provider_id)
        WHERE a.id < b.id AND a.status IN ('held', 'confirmed') AND b.status IN ('held', 'confirmed')
          AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until""",
    "two slots of one provider overlap": """
        SELECT id FROM (
            SELECT id, starts_at, lag(ends_at) OVER (PARTITION BY provider_id ORDER BY starts_at) AS before_ends
            FROM booking_slot
        ) slot
        WHERE starts_at < before_ends""",
    "a slot is claimed by a reservation that has ended": """
        SELECT slot.id FROM booking_slot slot JOIN booking_reservation ON booking_reservation.id = reservation_id
        WHERE status NOT IN ('held', 'confirmed')""",
    "a slot is claimed by a reservation of another time or provider": """
        SELECT slot.id FROM booking_slot slot JOIN booking_reservation claim ON claim.id = reservation_id
        WHERE slot.provider_id <> claim.provider_id
           OR slot.starts_at >= claim.blocked_until OR slot.ends_at <= claim.blocked_from""",
    "a slot is free though a live reservation claims its time": """
        SELECT slot.id FROM booking_slot slot JOIN booking_reservation claim USING (provider_id)
        WHERE slot.reservation_id IS NULL AND claim.status IN ('held', 'confirmed')
          AND slot.starts_at < claim.blocked_until AND slot.ends_at > claim.blocked_from""",
    "a confirmed reservation has no appointment": """
        SELECT id FROM booking_reservation claim
        WHERE status = 'confirmed'
          AND NOT EXISTS (SELECT FROM booking_appointment WHERE reservation_id = claim.id)""",
    "an appointment and its reservation disagree": """
        SELECT made.id
        FROM booking_appointment made JOIN booking_reservation claim ON claim.id = made.reservation_id
        WHERE (made.status IN ('cancelled', 'declined')) <> (claim.status = 'released')
           OR claim.status IN ('held', 'expired')""",
    "an appointment has no beginning in its history": """
        SELECT made.id FROM booking_appointment made
        WHERE NOT EXISTS (SELECT FROM booking_appointmentevent WHERE appointment_id = made.id AND event = 'booked')""",
    "an ended reservation does not say when": """
        SELECT id FROM booking_reservation
        WHERE (status IN ('expired', 'released')) <> (closed_at IS NOT NULL)""",
}
"""Invariants: queries for rows that would make the sentence true."""


def broken_promises() -> dict[str, list[tuple]]:
    """The promises the database breaks, with the rows that break them. Empty if all is well."""
    found = {}
    with connection.cursor() as cursor:
        for sentence, sql in PROMISES.items():
            cursor.execute(sql)
            if rows := cursor.fetchall():
                found[sentence] = rows
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Roll back the block, so that the examples of one property do not see each other's rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rows_of_migrations() -> dict[str, bytes]:
    """Return the rows that a new database has, by table, as `COPY` writes them."""
    kept = {}
    with connection.cursor() as cursor:
        for table in _tables():
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                if rows := b"".join(copy):
                    kept[table] = rows
    return kept


def put_back(kept: dict[str, bytes]) -> None:
    """Empty all tables but for the rows of migrations.

    TRUNCATE makes new files for each table, which takes 15 times longer. This too waits for open transactions.
    """
    tables = _tables()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
        used = [table for (table,) in cursor.fetchall()]
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in used))
        for table, rows in kept.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)


def _tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)
