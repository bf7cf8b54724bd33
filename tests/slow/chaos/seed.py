"""Upcoming appointments, and an outbox full of due reminders."""

from datetime import datetime, timedelta

from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.actors import Source
from accounts.models import Client, Provider
from booking.appointments.enums import AppointmentStatus
from booking.models import Appointment, Reservation, Schedule, Service
from booking.reservations.enums import ReservationStatus
from reminders.enums import MessageKind, MessageStatus, Recipient
from reminders.models import DeliveryAttempt, Message

HALF_HOUR = timedelta(minutes=30)
BATCH = 1000  # Parameters bound by the server are at most 65,535 in a statement.


def appointments(count: int, now: datetime) -> list[Appointment]:
    """Return that many upcoming appointments, existing or new ones."""
    found = list(Appointment.objects.coming(now=now).select_related("reservation").order_by("pk")[:count])
    return found if len(found) == count else add_appointments(count, now)


def add_appointments(count: int, now: datetime) -> list[Appointment]:
    """That many appointments from tomorrow on, each with a client of its own; a hundred providers share them."""
    service = Service.objects.get_or_create(name="Check-up", duration_minutes=30)[0]
    providers = Provider.objects.bulk_create(
        Provider(name=f"Dr. {number}", slug=f"dr-{now:%s}-{number}") for number in range(100)
    )
    Schedule.objects.bulk_create(Schedule(provider=provider, timezone="Europe/Berlin") for provider in providers)
    clients = Client.objects.bulk_create(
        [
            Client(name=f"Client {number}", email=f"client{number}@example.org", timezone="Europe/Berlin")
            for number in range(count)
        ],
        BATCH,
    )
    tomorrow = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    reservations = []
    for number, client in enumerate(clients):
        turn, which = divmod(number, len(providers))
        start = tomorrow + turn * HALF_HOUR
        reservations.append(
            Reservation(
                provider=providers[which],
                client=client,
                service=service,
                starts_at=start,
                ends_at=start + HALF_HOUR,
                blocked_from=start,
                blocked_until=start + HALF_HOUR,
                status=ReservationStatus.CONFIRMED,
                face=Source.API,
                created_at=now,
            )
        )
    Reservation.objects.bulk_create(reservations, BATCH)
    appointments = Appointment.objects.bulk_create(
        [
            Appointment(
                reservation=reservation,
                title="Check-up",
                timezone="Europe/Berlin",
                status=AppointmentStatus.SCHEDULED,
                created_at=now,
                updated_at=now,
            )
            for reservation in reservations
        ],
        BATCH,
    )
    tidy()
    return appointments


def owe(appointments: list[Appointment], due_at: datetime) -> None:
    """Fill the outbox with one due reminder by email for each of them, and nothing else."""
    forget()
    Message.objects.bulk_create(
        [
            Message(
                kind=MessageKind.REMINDER,
                channel="email",
                recipient=Recipient.CLIENT,
                reservation=appointment.reservation,
                appointment=appointment,
                offset="1 day",
                due_at=due_at,
                next_at=due_at,
                useful_until=appointment.reservation.starts_at,
                status=MessageStatus.PENDING,
                created_at=due_at,
            )
            for appointment in appointments
        ],
        BATCH,
    )
    tidy()


def ring_every_second() -> None:
    """Start the dispatcher every second; beat keeps changed entries in its table."""
    every_second = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)[0]
    PeriodicTask.objects.update_or_create(
        name="dispatch-reminders",
        defaults={"task": "reminders.tasks.dispatch_reminders", "interval": every_second, "expire_seconds": 5},
    )


def forget() -> None:
    """Empty the outbox."""
    with connection.cursor() as cursor:
        tables = ", ".join(model._meta.db_table for model in (Message, DeliveryAttempt))
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


def tidy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
