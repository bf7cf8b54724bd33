"""Reads of appointments: those of today, those outside the hours, and attendance."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from booking.appointments.enums import Event
from booking.appointments.models import AppointmentQuerySet
from booking.appointments.transitions import CLAIMING, MISSED
from booking.models import (
    Appointment,
    Reservation,
    Schedule,
    Slot,
)
from booking.reservations.enums import ReservationStatus
from scheduler_project.common.time.zones import day_interval


def of_today(now: datetime) -> AppointmentQuerySet:
    """Return today's appointments in order. Today is the date in each provider's own timezone."""
    zones: dict[str, list[int]] = {}
    for provider_id, zone in Schedule.objects.order_by().values_list("provider_id", "timezone"):
        zones.setdefault(zone, []).append(provider_id)
    today = Q(pk__in=[])
    for name, providers in zones.items():
        start, until = day_interval(now.astimezone(ZoneInfo(name)).date(), ZoneInfo(name))
        today |= Q(
            reservation__provider__in=providers, reservation__starts_at__gte=start, reservation__starts_at__lt=until
        )
    return Appointment.objects.filter(today).order_by("reservation__starts_at", "pk")


def outside_hours(appointments: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """Return appointments not over that a change of hours left outside, wholly or in part (R6).

    Those booked outside the hours on purpose are not among them.
    """
    lying_there = Slot.objects.filter(
        reservation=OuterRef("reservation"),
        withdrawn=True,
        starts_at__lt=OuterRef("reservation__ends_at"),
        ends_at__gt=OuterRef("reservation__starts_at"),
    )
    return appointments.filter(Exists(lying_there), reservation__ends_at__gt=now)


def attendance(days: Sequence[date], zone: ZoneInfo) -> dict[date, tuple[int, int]]:
    """Count the appointments of each of some consecutive days of `zone`, and the missed ones among them."""
    start, until = day_interval(days[0], zone)[0], day_interval(days[-1], zone)[1]
    stood = Appointment.objects.filter(
        reservation__provider__in=Schedule.objects.order_by().values("provider"),
        reservation__starts_at__gte=start,
        reservation__starts_at__lt=until,
        status__in=CLAIMING,
    )
    counted = (
        stood.order_by()
        .values(day=TruncDate("reservation__starts_at", tzinfo=zone))
        .annotate(number=Count("pk"), missed=Count("pk", filter=Q(status__in=MISSED)))
    )
    found = {row["day"]: (row["number"], row["missed"]) for row in counted}
    return {day: found.get(day, (0, 0)) for day in days}


def moved_from(reservation: Reservation) -> Appointment | None:
    """Return the appointment that was made of a reservation and has since been moved to another."""
    if reservation.status != ReservationStatus.RELEASED:
        return None
    moved = Appointment.objects.detailed().filter(
        reservation__client=reservation.client_id,
        events__event=Event.RESCHEDULED,
        events__details__reservation=reservation.pk,
    )
    return moved.first()
