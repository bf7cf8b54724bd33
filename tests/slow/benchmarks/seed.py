"""Rows to measure with: calendars of 90 days, Monday to Friday 08:00 to 18:00 in slots of 15 minutes, and clients."""

from datetime import datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import Client, Provider, User
from accounts.sign_in.sign_ins import Origin, sign_in_program
from booking.availability.slots import extend
from booking.models import Appointment, AppointmentEvent, Reservation, Schedule, Slot, WorkingHours

ZONE = "Europe/Berlin"
OPEN = time(8)
CLOSE = time(18)

COPY_SLOTS = """
INSERT INTO booking_slot (provider_id, starts_at, ends_at, withdrawn)
SELECT other, starts_at, ends_at, false FROM unnest(%s::bigint[]) AS other, booking_slot WHERE provider_id = %s
"""


def add_providers(count: int, now: datetime) -> list[Schedule]:
    """Published providers with a calendar and hours, but no slots."""
    providers = Provider.objects.bulk_create(
        Provider(name=f"Provider {number}", slug=f"bench-{now:%s}-{number}")
        for number in range(Provider.objects.count(), Provider.objects.count() + count)
    )
    schedules = Schedule.objects.bulk_create(Schedule(provider=provider, timezone=ZONE) for provider in providers)
    WorkingHours.objects.bulk_create(
        WorkingHours(schedule=schedule, weekday=weekday, start_time=OPEN, end_time=CLOSE)
        for schedule in schedules
        for weekday in range(5)
    )
    return schedules


def remove_providers(schedules: list[Schedule]) -> None:
    providers = [schedule.provider_id for schedule in schedules]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM booking_slot WHERE provider_id = ANY(%s)", [providers])
    Provider.objects.filter(pk__in=providers).delete()
    tidy()


def grow(providers: int, now: datetime) -> list[int]:
    """Make it that many providers with all their slots; the real operation lays out the first, the others are copies.

    Returns the ids of all.
    """
    have = Provider.objects.count()
    added = add_providers(providers - have, now)
    if not have:
        extend(schedule_id=added[0].pk, now=now)
    model = Schedule.objects.exclude(slots_until=None).order_by("pk")[0]
    others = [schedule.provider_id for schedule in added if schedule.pk != model.pk]
    with connection.cursor() as cursor:
        cursor.execute(COPY_SLOTS, [others, model.provider_id])
    Schedule.objects.filter(provider__in=others).update(slots_until=model.slots_until)
    tidy()
    return list(Provider.objects.order_by("pk").values_list("pk", flat=True))


def add_clients(count: int) -> list[tuple[int, str]]:
    """Clients who can log in: (id, access token) of each."""
    users = User.objects.bulk_create(
        User(email=f"bench{number}@example.org", name=f"Client {number}", password="!") for number in range(count)
    )
    clients = Client.objects.bulk_create(Client(user=user, name=user.name, email=user.email) for user in users)
    return [(client.pk, access_token_of(user)) for client, user in zip(clients, users, strict=True)]


def access_token_of(user: User) -> str:
    return sign_in_program(user=user, origin=Origin(), now=timezone.now())["access"]


def monday_ahead(now: datetime) -> datetime:
    """Midnight before a whole working week, well after the notice and well before the horizon."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=14)
    return day - timedelta(days=day.weekday())


BOOKED = """
WITH chosen AS (
    SELECT slot.*, nextval('booking_reservation_id_seq') AS reservation
    FROM (SELECT * FROM booking_slot WHERE reservation_id IS NULL AND (starts_at < %(start)s OR starts_at >= %(until)s)
          ORDER BY hashint8(id) LIMIT %(count)s) slot
), made AS (
    INSERT INTO booking_reservation (id, provider_id, client_id, starts_at, ends_at, blocked_from, blocked_until,
                                     status, overrides, face, created_at)
    SELECT reservation, provider_id, %(client)s, starts_at, ends_at, starts_at, ends_at,
           'confirmed', '{}', 'api', %(now)s
    FROM chosen
)
UPDATE booking_slot slot SET reservation_id = reservation FROM chosen WHERE chosen.id = slot.id
"""


def book_around(start: datetime, until: datetime, client_id: int, now: datetime) -> None:
    """Some bookings outside `[start, until)`, so that PostgreSQL plans for tables that are in use."""
    parameters = {"start": start, "until": until, "count": 5000, "client": client_id, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(BOOKED, parameters)
    tidy()


def free_slot_ids(now: datetime, limit: int) -> list[int]:
    """Bookable slots of all providers, shuffled the same way every time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM booking_slot WHERE reservation_id IS NULL AND starts_at BETWEEN %s AND %s"
            " ORDER BY hashint8(id), id LIMIT %s",
            [now + timedelta(days=2), now + timedelta(days=85), limit],
        )
        return [pk for (pk,) in cursor.fetchall()]


def forget_bookings() -> None:
    Slot.objects.filter(reservation__isnull=False).update(reservation=None)
    with connection.cursor() as cursor:  # Their history is kept from being emptied.
        cursor.execute("ALTER TABLE booking_appointmentevent DISABLE TRIGGER USER")
        AppointmentEvent.objects.all().delete()
        cursor.execute("ALTER TABLE booking_appointmentevent ENABLE TRIGGER USER")
    Appointment.objects.all().delete()
    Reservation.objects.all().delete()
    tidy()


def tidy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE booking_slot, booking_reservation, booking_appointment")
