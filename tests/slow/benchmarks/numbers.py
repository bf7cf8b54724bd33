"""The figures of a month: what they cost with a hundred times as many appointments.

All in that month is the hard case: everything has to be read. Spread over a year is what a business of that size has.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from django.db import connection
from django.test import Client as DjangoClient

from accounts.models import Client, Provider, User
from booking.models import Reservation, Service
from tests.slow.benchmarks import seed
from tests.slow.benchmarks.servers import cpu_seconds

A_MONTH = 800
"""Appointments of 15 minutes per provider in a month of 20 days of 10 hours."""

GROWTH_TARGET = 20.0
"""At most this many times the time that a hundredth of the appointments takes."""

TABLES = "reminders_message, booking_appointmentevent, booking_appointment, booking_slot, booking_reservation"

RESERVATIONS = """
INSERT INTO booking_reservation (id, provider_id, client_id, service_id, starts_at, ends_at, blocked_from,
                                 blocked_until, status, overrides, face, created_at, expires_at, closed_at)
SELECT number, provider, %(client)s, (%(services)s::bigint[])[1 + number %% 5],
       starts_at, ends_at, starts_at, ends_at,
       CASE WHEN number %% 10 < 8 THEN 'confirmed' WHEN number %% 10 = 8 THEN 'released' ELSE 'expired' END,
       '{}', 'api',
       created_at, CASE WHEN number %% 2 = 1 THEN created_at + interval '30 min' END,
       CASE WHEN number %% 10 >= 8 THEN created_at + interval '30 min' END
FROM (
    SELECT row_number() OVER (ORDER BY created_at, starts_at, provider) AS number, made.*
    FROM (
        SELECT provider, start AS starts_at, start + interval '15 min' AS ends_at,
               start - make_interval(mins => 30 + abs(hashint8(extract(epoch FROM start)::bigint + provider)) %% 30000)
                   AS created_at
        FROM unnest(%(providers)s::bigint[]) AS provider, unnest(%(days)s::timestamptz[]) AS day,
             generate_series(day + interval '8 h', day + interval '17 h 45 min', interval '15 min') AS start
    ) made
    ORDER BY created_at LIMIT %(count)s
) numbered
"""

APPOINTMENTS = """
INSERT INTO booking_appointment (id, reservation_id, uid, sequence, title, description, timezone, status,
                                 cancellation_reason, created_at, updated_at)
SELECT id, id, gen_random_uuid(), 0, '', '', 'UTC',
       CASE WHEN status = 'released' THEN 'cancelled' WHEN starts_at > %(now)s THEN 'scheduled'
            WHEN id %% 20 = 1 THEN 'missed' ELSE 'completed' END, '', created_at, created_at
FROM booking_reservation WHERE status IN ('confirmed', 'released') ORDER BY id
"""

EVENTS = """
INSERT INTO booking_appointmentevent (appointment_id, event, at, face, details)
SELECT id, event, at, 'api', '{}' FROM (
    SELECT id, 'booked' AS event, created_at AS at FROM booking_appointment
    UNION ALL SELECT id, 'cancelled', created_at + interval '20 min' FROM booking_appointment WHERE status = 'cancelled'
) done ORDER BY at
"""

MESSAGES = """
INSERT INTO reminders_message (key, kind, channel, recipient, reservation_id, appointment_id, "offset", details, due_at,
                               useful_until, next_at, status, failures, claim, error, created_at, sent_at)
SELECT gen_random_uuid(), 'reminder', 'email', 'client', r.id, r.id, '1 day', '{}', r.starts_at - interval '1 day',
       r.starts_at, r.starts_at - interval '1 day',
       CASE WHEN r.status = 'released' THEN 'cancelled' WHEN r.id %% 100 = 0 THEN 'failed' ELSE 'sent' END,
       0, 0, '', r.created_at, r.starts_at - interval '1 day'
FROM booking_reservation r WHERE r.status <> 'expired' ORDER BY r.created_at
"""


def appointments(count: int, months: int) -> tuple[datetime, datetime]:
    """Make about that many, spread over so many months of 28 days. Returns the first and last day of the middle one."""
    first = datetime(2027, 1, 4, tzinfo=UTC)
    working = [first + timedelta(days=number) for number in range(28 * months) if number % 7 < 5]
    providers = add_providers(-(-count * 5 // 4 // (A_MONTH * months)), first)
    client = Client.objects.create(name="Bench", email="numbers@example.org")
    services = [Service.objects.create(name=f"Service {number}", duration_minutes=15).pk for number in range(5)]
    month = first + timedelta(days=28 * (months // 2))
    parameters = {
        "providers": providers,
        "days": working,
        "client": client.pk,
        "services": services,
        "count": count * 5 // 4,
        "now": month + timedelta(days=14),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone()[0] == "on":
            cursor.execute("SET session_replication_role = replica")  # Foreign keys are right by construction.
        for statement in (RESERVATIONS, APPOINTMENTS, EVENTS, MESSAGES):
            cursor.execute(statement, {name: value for name, value in parameters.items() if f"%({name})s" in statement})
        cursor.execute("RESET session_replication_role")
        cursor.execute(f"VACUUM ANALYZE {TABLES}")
    return month, month + timedelta(days=27)


def add_providers(count: int, since: datetime) -> list[int]:
    schedules = seed.add_providers(count, since)
    providers = [schedule.provider_id for schedule in schedules]
    Provider.objects.filter(pk__in=providers).update(created_at=since - timedelta(days=400))
    return providers


def figures(bench: Any) -> list[dict[str, Any]]:
    """The time of `GET /api/analytics` for one month, by staff, of all providers."""
    constraint = next(found for found in Reservation._meta.constraints if found.name == "reservation_no_overlap")
    sizes = [bench.reservations // divisor for divisor in (100, 10, 1)]
    staff = User.objects.create(email="numbers-staff@example.org", name="Staff", is_staff=True, is_superuser=True)
    browser = DjangoClient(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {seed.access_token_of(staff)}")
    rows = []
    forget()
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reservation, constraint)  # Keeping it up takes minutes; no figure is read from it.
    for about, months in (("all in the month", 1), ("over a year", 13)):
        least = None
        for size in sizes:
            print(f"  figures of a month, {size:,} appointments {about}", flush=True)
            first, last = appointments(size, months)
            took, worked = [], []
            for _number in range(max(bench.rounds, 3)):
                started, before = time.perf_counter(), cpu(bench.postgres)
                answer = browser.get(f"/api/analytics?from={first:%Y-%m-%d}&to={last:%Y-%m-%d}&timezone=Europe/Berlin")
                took.append(time.perf_counter() - started)
                worked.append(cpu(bench.postgres) - before)
                assert answer.status_code == 200, answer.content
            seconds, busy = statistics.median(took), statistics.median(worked)
            least = least or (seconds, busy)
            rows.append(
                {
                    "row": f"figures, {size:,} {about}",
                    "counted": sum(answer.json()["appointments_by_status"].values()),
                    "answer_ms": round(seconds * 1000, 1),
                    "times": round(seconds / least[0], 1),
                    "cpu_ms": round(busy * 1000, 1),
                    "cpu_times": round(busy / least[1], 1),
                    "target": GROWTH_TARGET,
                }
            )
            forget()
    with connection.schema_editor() as editor:
        editor.add_constraint(Reservation, constraint)
    return rows


def cpu(postgres: psutil.Process | None) -> float:
    """CPU seconds of this process and of PostgreSQL, those of parallel workers that are gone among them."""
    reaped = postgres.cpu_times() if postgres else None
    return (
        time.process_time() + cpu_seconds(postgres) + (reaped.children_user + reaped.children_system if reaped else 0)
    )


def forget() -> None:
    with connection.cursor() as cursor:  # Their history is kept from being emptied.
        cursor.execute("ALTER TABLE booking_appointmentevent DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        cursor.execute("ALTER TABLE booking_appointmentevent ENABLE TRIGGER USER")
    Service.objects.all().delete()
    Provider.objects.all().delete()
    Client.objects.filter(email="numbers@example.org").delete()
