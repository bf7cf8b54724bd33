"""Reads of appointments: those of today, those outside the hours, and attendance."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, TruncDate

from accounts.models import Client
from booking.appointments.enums import Event
from booking.appointments.models import AppointmentQuerySet
from booking.appointments.transitions import CLAIMING, LEAVING, MISSED
from booking.models import (
    Appointment,
    AppointmentEvent,
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
    """Return the appointment that was made of a reservation and has since been moved to another of its client."""
    if reservation.status != ReservationStatus.RELEASED:
        return None
    moved = Appointment.objects.detailed().filter(
        reservation__client=reservation.client_id,
        events__event__in=LEAVING,
        events__details__reservation=reservation.pk,
    )
    return moved.first()


def former_events(client: Client) -> QuerySet[AppointmentEvent]:
    """Return the events of the time in which a client had appointments that were given to another since.

    The event that gave it away is the last of them.
    """
    given = AppointmentEvent.objects.filter(event=Event.REASSIGNED)
    away = given.filter(details__was__client=client.pk).order_by().values("appointment")
    next_given = given.filter(appointment=OuterRef("appointment"), pk__gte=OuterRef("pk")).order_by("pk")
    whose = Subquery(next_given.values(whose=KT("details__was__client"))[:1])
    return AppointmentEvent.objects.filter(appointment__in=away).annotate(whose=whose).filter(whose=str(client.pk))


def own_events(client: Client) -> QuerySet[AppointmentEvent]:
    """Return the events of a client's appointments, without those of clients who had them before."""
    given = AppointmentEvent.objects.filter(
        appointment=OuterRef("appointment"), event=Event.REASSIGNED, pk__gte=OuterRef("pk")
    )
    return AppointmentEvent.objects.filter(appointment__reservation__client=client).exclude(Exists(given))


def with_former_clients(events: QuerySet[AppointmentEvent]) -> QuerySet[AppointmentEvent]:
    """Annotate events with `former_client`, the name of the client from whom each took the appointment, if it did."""
    former = Client.objects.filter(pk=Cast(OuterRef("former"), BigIntegerField())).values("name")
    return events.annotate(former=KT("details__was__client")).annotate(former_client=Subquery(former))
