"""Checks that must pass for time, claims, appointments and series after any operation (see `common/invariants.py`).

Set-based, each a pass over an index or two, for there may be millions of slots.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from booking.appointments.transitions import ENDS, FREEING, sql_list
from booking.models import Appointment, AppointmentSeries
from booking.series.recurrence import occurrences
from scheduler_project.common.db.invariants import Look, by_sql

OVERLAP = """
SELECT id, 'its claim begins at ' || blocked_from || ', before another of the same provider ends at ' || taken_until
FROM (
    SELECT id, blocked_from, max(blocked_until) OVER (
        PARTITION BY provider_id ORDER BY blocked_from, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS taken_until
    FROM booking_reservation WHERE status IN ('held', 'confirmed')
) claim
WHERE blocked_from < taken_until"""

SLOTS_OVERLAP = """
SELECT id, 'it starts at ' || starts_at || ', before the slot before it ends at ' || before_ends
FROM (
    SELECT id, starts_at, lag(ends_at) OVER (PARTITION BY provider_id ORDER BY starts_at) AS before_ends
    FROM booking_slot
) slot
WHERE starts_at < before_ends"""

CLAIMED_BY_THE_DEAD = """
SELECT slot.id, 'it is claimed by reservation ' || claim.id || ', which is ' || claim.status
FROM booking_slot slot JOIN booking_reservation claim ON claim.id = slot.reservation_id
WHERE claim.status NOT IN ('held', 'confirmed')"""

CLAIMED_FROM_ELSEWHERE = """
SELECT slot.id, 'it is claimed by reservation ' || claim.id || ', of another time or provider'
FROM booking_slot slot JOIN booking_reservation claim ON claim.id = slot.reservation_id
WHERE slot.provider_id <> claim.provider_id
   OR slot.starts_at >= claim.blocked_until OR slot.ends_at <= claim.blocked_from"""

# OFFSET 0 has PostgreSQL look up the few slots of each claim, where it might otherwise join the tables as they are.
FREE_THOUGH_CLAIMED = """
SELECT slot.id, 'it is free, but reservation ' || claim.id || ' claims its time'
FROM booking_reservation claim, LATERAL (
    SELECT id, reservation_id, ends_at FROM booking_slot
    WHERE provider_id = claim.provider_id
      AND starts_at > claim.blocked_from - interval '1 hour' AND starts_at < claim.blocked_until OFFSET 0
) slot
WHERE claim.status IN ('held', 'confirmed') AND slot.reservation_id IS NULL AND slot.ends_at > claim.blocked_from"""

WITHOUT_APPOINTMENT = """
SELECT id, 'it is confirmed, and no appointment is made of it'
FROM booking_reservation claim
WHERE status = 'confirmed' AND NOT EXISTS (SELECT FROM booking_appointment WHERE reservation_id = claim.id)"""

ENDED_WITHOUT_A_MOMENT = """
SELECT id, 'it is ' || status || ' and ' || CASE WHEN closed_at IS NULL THEN 'does not say' ELSE 'says' END
           || ' when it ended'
FROM booking_reservation
WHERE (status IN ('expired', 'released')) <> (closed_at IS NOT NULL)"""

WITHOUT_ITS_TIME = f"""
SELECT made.id, 'it is ' || made.status || ', its reservation ' || claim.id || ' is ' || claim.status
FROM booking_appointment made JOIN booking_reservation claim ON claim.id = made.reservation_id
WHERE claim.status <> CASE WHEN made.status IN {sql_list(FREEING)} THEN 'released' ELSE 'confirmed' END"""  # noqa: S608 names of the table

AFTER = " ".join(f"WHEN '{event}' THEN '{status}'" for event, status in ENDS.items())
"""The status after an event, as branches of a CASE."""

OTHER_THAN_ITS_HISTORY = f"""
SELECT made.id, CASE WHEN told.status IS NULL THEN 'its history has no beginning'
                ELSE 'it is ' || made.status || ', its history says ' || told.status END
FROM booking_appointment made
LEFT JOIN (
    SELECT DISTINCT ON (appointment_id) appointment_id,
           CASE event WHEN 'booked' THEN details ->> 'status' {AFTER} END AS status
    FROM booking_appointmentevent
    WHERE event IN {sql_list(["booked", *ENDS])}
    ORDER BY appointment_id, id DESC
) told ON told.appointment_id = made.id
WHERE made.status IS DISTINCT FROM told.status"""  # noqa: S608 names of the table

ELSEWHERE_THAN_ITS_HISTORY = """
SELECT made.id, 'it begins at ' || claim.starts_at || ', its history says ' || told.starts_at
FROM booking_appointment made
JOIN booking_reservation claim ON claim.id = made.reservation_id
JOIN (
    SELECT DISTINCT ON (appointment_id) appointment_id, (details ->> 'to')::timestamptz AS starts_at
    FROM booking_appointmentevent
    WHERE event = 'rescheduled'
    ORDER BY appointment_id, id DESC
) told ON told.appointment_id = made.id
WHERE claim.starts_at <> told.starts_at"""

OF_SOMEBODY_ELSES_SERIES = """
SELECT made.id, 'it is of series ' || series.id || ', which is of another provider or client'
FROM booking_appointment made
JOIN booking_appointmentseries series ON series.id = made.series_id
JOIN booking_reservation claim ON claim.id = made.reservation_id
WHERE claim.provider_id <> series.provider_id OR claim.client_id <> series.client_id"""


def unbooked(now: datetime) -> Iterator[tuple[int, str]]:
    """Series with coming dates, before `generated_until`, that are neither booked nor left out nor noted as a gap."""
    made: dict[int, set[date]] = defaultdict(set)
    active = AppointmentSeries.objects.active(now=now).order_by("pk")
    booked = Appointment.objects.filter(series__in=active, occurrence__isnull=False).order_by()
    for series_id, day in booked.values_list("series", "occurrence"):
        if day is not None:
            made[series_id].add(day)
    for series in active.iterator():
        settled = made[series.pk].union(series.exdates, (date.fromisoformat(gap["occurrence"]) for gap in series.gaps))
        given = occurrences(series.rule, series.starts_local, series.zone, now, series.generated_until)
        missing = [str(day) for day, starts_at in given if day not in settled and starts_at > now]
        if missing:
            yield (
                series.pk,
                f"not booked, though before {series.generated_until:%Y-%m-%d %H:%M} UTC: {', '.join(missing)}",
            )


INVARIANTS: dict[str, tuple[str, Look]] = {
    "claims_do_not_overlap": ("booking_reservation", by_sql(OVERLAP)),
    "slots_do_not_overlap": ("booking_slot", by_sql(SLOTS_OVERLAP)),
    "slots_are_claimed_by_the_living": ("booking_slot", by_sql(CLAIMED_BY_THE_DEAD)),
    "slots_are_claimed_where_they_are": ("booking_slot", by_sql(CLAIMED_FROM_ELSEWHERE)),
    "claims_have_their_slots": ("booking_slot", by_sql(FREE_THOUGH_CLAIMED)),
    "confirmed_time_has_an_appointment": ("booking_reservation", by_sql(WITHOUT_APPOINTMENT)),
    "ended_reservations_say_when": ("booking_reservation", by_sql(ENDED_WITHOUT_A_MOMENT)),
    "appointments_have_their_time": ("booking_appointment", by_sql(WITHOUT_ITS_TIME)),
    "appointments_are_as_their_history_says": ("booking_appointment", by_sql(OTHER_THAN_ITS_HISTORY)),
    "appointments_are_when_their_history_says": ("booking_appointment", by_sql(ELSEWHERE_THAN_ITS_HISTORY)),
    "series_have_their_own_appointments": ("booking_appointment", by_sql(OF_SOMEBODY_ELSES_SERIES)),
    "series_are_booked_as_far_as_they_say": ("booking_appointmentseries", unbooked),
}
