"""The floor: the least that can be done in the same server for the same rows and the same durable outcome.

Bare Django views without authentication, validation, rules, limits or refusals; SQL by hand through psycopg on pooled
connections, results in binary, answers by orjson. What the app costs is told as its share of this.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import uuid4

import orjson
from django.db import connection as app_connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

FREE_SLOTS = """
SELECT id, provider_id AS provider, starts_at AS start_time, ends_at AS end_time
FROM booking_slot
WHERE provider_id = %s AND starts_at >= %s AND starts_at < %s AND reservation_id IS NULL
ORDER BY starts_at LIMIT 200
"""

LOCK_SLOT = """
SELECT provider_id, starts_at, ends_at FROM booking_slot WHERE id = %s AND reservation_id IS NULL FOR UPDATE
"""

INSERT_RESERVATION = """
INSERT INTO booking_reservation (provider_id, client_id, starts_at, ends_at, blocked_from, blocked_until, status,
                                 expires_at, overrides, face, created_at)
VALUES (%s, %s, %s, %s, %s, %s, 'held', %s, '{}', 'api', %s) RETURNING id
"""

CLAIM_SLOT = "UPDATE booking_slot SET reservation_id = %s WHERE id = %s"

CONFIRM = """
UPDATE booking_reservation SET status = 'confirmed' WHERE id = %s AND status = 'held' AND expires_at > %s RETURNING id
"""

INSERT_APPOINTMENT = """
INSERT INTO booking_appointment (reservation_id, uid, sequence, title, description, timezone, status,
                                 cancellation_reason, created_at, updated_at)
VALUES (%s, %s, 0, 'Appointment', '', 'UTC', 'scheduled', '', %s, %s) RETURNING id
"""

INSERT_EVENT = """
INSERT INTO booking_appointmentevent (appointment_id, event, at, face, details)
VALUES (%s, 'booked', %s, 'api', '{"status": "scheduled"}')
"""


@cache
def pool() -> ConnectionPool[Connection]:
    parameters = app_connection.get_connection_params()
    server = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters}
    options = {"autocommit": True, "prepare_threshold": 0, "options": "-c timezone=UTC"}
    return ConnectionPool(kwargs=server | options, min_size=4, max_size=8, open=True)


def answer(body: object, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), "application/json", status)


def free_slots(request: HttpRequest) -> HttpResponse:
    asked = request.GET
    start, until = datetime.fromisoformat(asked["start"]), datetime.fromisoformat(asked["end"])
    with pool().connection() as connection, connection.cursor(binary=True, row_factory=dict_row) as cursor:
        cursor.execute(FREE_SLOTS, [int(asked["provider"]), start, until])
        return answer({"results": cursor.fetchall()})


@csrf_exempt
def reserve(request: HttpRequest) -> HttpResponse:
    asked = orjson.loads(request.body)
    now = datetime.now(UTC)
    with pool().connection() as connection, connection.transaction(), connection.cursor(binary=True) as cursor:
        slot = cursor.execute(LOCK_SLOT, [asked["slot"]]).fetchone()
        if slot is None:
            return answer({}, 409)
        provider, start, end = slot
        expires = now + timedelta(minutes=30)
        row = [provider, asked["client"], start, end, start, end, expires, now]
        (reservation,) = cursor.execute(INSERT_RESERVATION, row).fetchone()
        cursor.execute(CLAIM_SLOT, [reservation, asked["slot"]])
    return answer(
        {"id": reservation, "provider": provider, "start_time": start, "end_time": end, "expires_at": expires}, 201
    )


@csrf_exempt
def confirm(request: HttpRequest) -> HttpResponse:
    reservation = orjson.loads(request.body)["reservation"]
    now = datetime.now(UTC)
    with pool().connection() as connection, connection.transaction(), connection.cursor(binary=True) as cursor:
        if cursor.execute(CONFIRM, [reservation, now]).fetchone() is None:
            return answer({}, 410)
        (appointment,) = cursor.execute(INSERT_APPOINTMENT, [reservation, uuid4(), now, now]).fetchone()
        cursor.execute(INSERT_EVENT, [appointment, now])
    return answer({"id": appointment, "reservation": reservation, "status": "scheduled"})
