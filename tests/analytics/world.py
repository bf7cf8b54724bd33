"""Random calendars and what happened in them."""

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.appointments.enums import Event
from booking.appointments.transitions import LEAVING
from booking.models import AppointmentEvent
from tests.factories import (
    AppointmentFactory,
    AvailabilityWindowFactory,
    ClientFactory,
    ClosureFactory,
    DateOverrideFactory,
    MessageFactory,
    ReservationFactory,
    ScheduleFactory,
    ServiceFactory,
    TimeOffFactory,
    WorkingHoursFactory,
    minutes,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=ZoneInfo("UTC"))
OUTCOMES = ("pending", "scheduled", "completed", "missed", "cancelled", "declined")


def happened(seed: int, zone: ZoneInfo, first: datetime, days: int, now: datetime) -> list:
    """Some providers with hours and bookings around `[first, first + days)`. Returns their calendars."""
    dice = random.Random(seed)
    client = ClientFactory()
    schedules = [
        calendar(dice, zone if number else ZoneInfo("Asia/Kathmandu"), first, days)
        for number in range(dice.randint(1, 3))
    ]
    services = [ServiceFactory(), None]
    span = (days + 4) * 24 * 4
    for schedule in schedules:
        quarter = dice.randint(0, 30)
        while quarter < span:
            length, buffer = dice.randint(1, 12), dice.choice([0, 0, 1, 2])
            starts_at = first - timedelta(days=2) + minutes(15 * quarter)
            took_place(dice, schedule.provider, client, dice.choice(services), starts_at, length, buffer, now)
            quarter += length + buffer + dice.choice([1, 2, 20, 60])
    return schedules


def calendar(dice, zone, first, days):
    schedule = ScheduleFactory(
        provider__created_at=LONG_AGO,
        provider__is_active=dice.random() < 0.9,
        timezone=zone.key,
        slot_minutes=dice.choice([15, 30, 60]),
    )
    for weekday in range(7):
        for hour in dice.sample(range(0, 24, 6), dice.randint(0, 3)):
            WorkingHoursFactory(
                schedule=schedule, weekday=weekday, start_time=time(hour, dice.choice([0, 30])), end_time=time(hour + 5)
            )
    for number in dice.sample(range(days), 2):
        day = (first + timedelta(days=number)).date()
        hours = dice.choice([[], [["01:00", "04:00"]], [["22:00", "03:00"]]])
        DateOverrideFactory(schedule=schedule, date=day, hours=hours)
    some = first + timedelta(hours=dice.randint(0, 24 * days))
    AvailabilityWindowFactory(schedule=schedule, starts_at=some, ends_at=some + timedelta(hours=5))
    TimeOffFactory(schedule=schedule, start_date=some.date())
    start = some + timedelta(hours=dice.randint(-48, 48))
    ClosureFactory(start_date=None, end_date=None, starts_at=start, ends_at=start + timedelta(hours=3))
    return schedule


def took_place(dice, provider, client, service, starts_at, length, buffer, now):
    """A hold or an appointment, in whatever state, perhaps moved there from elsewhere; and reminders."""
    state = dice.choice([*OUTCOMES, "held", "stale", "expired", "released"])
    created_at = starts_at - minutes(dice.randint(1, 6 * 24 * 60))
    held = state in ("held", "stale", "expired", "released") or dice.random() < 0.5
    status = {"held": "held", "stale": "held", "expired": "expired"}.get(state, "released")
    if state in ("pending", "scheduled", "completed", "missed"):
        status = "confirmed"
    reservation = ReservationFactory(
        provider=provider,
        client=client,
        service=service,
        starts_at=starts_at,
        ends_at=starts_at + minutes(15 * length),
        blocked_from=starts_at - minutes(15 * min(buffer, 1)),
        blocked_until=starts_at + minutes(15 * (length + max(buffer - 1, 0))),
        status=status,
        expires_at=now + minutes(dice.choice([1, 60]) * (-1 if state == "stale" else 1)) if held else None,
        created_at=created_at,
        overrides=["past"] if dice.random() < 0.1 else [],
    )
    if state not in OUTCOMES:
        return
    row = AppointmentFactory(reservation=reservation, status=state, created_at=created_at)
    if state == "cancelled":
        at = starts_at - minutes(dice.choice([0, 1, 24 * 60 - 1, 24 * 60, dice.randint(-600, 9000)]))
        AppointmentEvent.objects.create(appointment=row, event=Event.CANCELLED, at=at, face="api")
    if dice.random() < 0.2:
        old = ReservationFactory(
            provider=provider,
            client=client,
            service=service,
            starts_at=starts_at + minutes(30),
            status="released",
            expires_at=now,
            created_at=created_at,
        )
        AppointmentEvent.objects.create(
            appointment=row,
            event=dice.choice(LEAVING),
            at=created_at + minutes(5),
            face="api",
            details={"reservation": old.pk},
        )
    for number in range(dice.randint(0, 2)):
        MessageFactory(
            appointment=row,
            kind="reminder",
            offset=f"{number + 1} hours",
            due_at=starts_at - timedelta(hours=number + 1),
            status=dice.choice(["sent", "failed", "pending", "expired", "cancelled"]),
        )
