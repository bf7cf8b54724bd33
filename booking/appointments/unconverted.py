"""Purging of holds that never became an appointment, and of visitors who never gave their details."""

from datetime import datetime

from django.conf import settings
from django.db.models import BigIntegerField, Exists, OuterRef
from django.db.models.functions import Cast

from accounts.models import Client
from booking.appointments.transitions import LEAVING
from booking.models import AppointmentEvent, Reservation
from booking.reservations.enums import ReservationStatus
from booking.reservations.guests import VISITOR_KEPT
from booking.reservations.models import ReservationQuerySet
from scheduler_project.common.db.retention import batches, older_than
from scheduler_project.common.operations import operation

ENDED = (ReservationStatus.EXPIRED, ReservationStatus.RELEASED)


def purge_holds(*, now: datetime) -> int:
    """Delete unconverted holds older than RETAIN_HOLDS_DAYS, and guests who never booked. Return the number of holds.

    Reservations that an appointment had before are its history and stay.
    """
    before = older_than(settings.RETAIN_HOLDS_DAYS, now)
    if before is None:
        return 0
    return sum(_purge_holds(batch) for batch in batches(unconverted_holds(before)))


def unconverted_holds(before: datetime) -> ReservationQuerySet:
    moved = AppointmentEvent.objects.filter(event__in=LEAVING)
    away = moved.annotate(old=Cast("details__reservation", BigIntegerField())).filter(old=OuterRef("pk"))
    ended = Reservation.objects.filter(status__in=ENDED, closed_at__lt=before, appointment=None)
    return ended.exclude(Exists(away))


@operation
def _purge_holds(batch: list[int]) -> int:
    rows = Reservation.objects.filter(pk__in=batch).order_by("pk").select_for_update(of=("self",), skip_locked=True)
    found = list(rows.values_list("pk", flat=True))
    by_guests = Reservation.objects.by_visitors().filter(pk__in=found)
    guests = set(by_guests.values_list("client", flat=True))
    Reservation.objects.filter(pk__in=found).delete()
    Client.objects.filter(pk__in=guests, user=None, owner=None, series=None, reservations=None).delete()
    return len(found)


@operation
def purge_visitors(*, now: datetime) -> int:
    """Delete visitors who never gave their details, once their holds have ended, and those holds. Return how many."""
    nameless = Client.objects.filter(name="", user=None, owner=None, created_at__lt=now - VISITOR_KEPT)
    over = Reservation.objects.filter(client__in=nameless, status__in=ENDED, appointment=None)
    over.delete()
    used = Reservation.objects.filter(client=OuterRef("pk"))
    _, forgotten = nameless.exclude(Exists(used)).delete()
    return forgotten.get("accounts.Client", 0)
