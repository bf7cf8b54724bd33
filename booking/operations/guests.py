"""Booking without an account: a visitor takes a time, says who they are, and confirms by the link in the mail (R10)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Exists, OuterRef
from django.db.models.functions import Cast

from accounts.actors import Actor, Face
from accounts.models import Client, ClientQuerySet, User
from accounts.operations.people import check_name
from booking.enums import Event, ReservationStatus
from booking.errors import AlreadyConfirmed, AskedEnough, HoldExpired, HoldReleased
from booking.links import VISITOR_KEPT
from booking.models import AppointmentEvent, Reservation
from booking.models.reservations import ReservationQuerySet
from booking.operations.reservations import lock_client, offering_alternatives, write_pick
from booking.signals import details_given
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation
from scheduler_project.common.retention import batches, older_than

MOST_ASKED = 2
"""The most mails with the link to confirm one hold: one to a mistyped address, then one to the right address."""

ENDED = (ReservationStatus.EXPIRED, ReservationStatus.RELEASED)


def hold_as_visitor(
    *,
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    visitor: str,
    timezone: str,
    now: datetime,
    network: str = "",
) -> Reservation:
    """Hold a time for somebody of whom nothing is known but their timezone, in place of any they held undecided.

    `visitor` is the reference of the client made for them, now or at an earlier hold, so that all their holds count
    together. Raises as `pick` does; then no client is left behind.
    """
    undecided = Reservation.objects.undecided(now=now).filter(client__in=visitors(visitor))
    with offering_alternatives(
        provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now, besides=undecided
    ):
        return _hold_as_visitor(provider_id, service_id, starts_at, visitor, timezone, now, network)


@operation
def _hold_as_visitor(
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    visitor: str,
    timezone: str,
    now: datetime,
    network: str,
) -> Reservation:
    known = visitors(visitor).first() or _added(visitor, timezone, now)
    return write_pick(
        provider_id=provider_id,
        client_id=known.pk,
        service_id=service_id,
        starts_at=starts_at,
        actor=Actor(None, Face.PAGE, guest=known),
        now=now,
        network=network,
    )


def visitors(reference: str) -> ClientQuerySet:
    """The client made for a visitor, if they have held a time before."""
    return Client.objects.filter(reference=reference, user=None, owner=None)


def _added(reference: str, timezone: str, now: datetime) -> Client:
    """A client for a visitor. If two of their requests come at once, the second waits and finds that of the first."""
    row = Client(reference=reference, name="", timezone=timezone, created_at=now)
    Client.objects.bulk_create([row], ignore_conflicts=True)
    return visitors(reference).first() or Client.objects.create(name="", timezone=timezone, created_at=now)


@operation
def give_details(
    *, reservation_id: int, name: str, email: str, phone: Any, note: str, by_sms: bool, language: str, now: datetime
) -> Reservation:
    """Say who holds a time; only then is the link to confirm it mailed. Once more for another address, or a lost mail.

    A visitor who has given other details for an earlier hold stays who they were for that one. Whoever has the same
    email address, registered or not, is somebody else: nothing is known of this visitor before they open the link.
    From the first time on the hold lasts as long as the schedule says.

    Raises HoldExpired, HoldReleased, AlreadyConfirmed, LinkInName, AskedEnough; NotAllowed for a time no visitor took.
    """
    client_id = Reservation.objects.filter(pk=reservation_id).values_list("client", flat=True).first()
    if client_id is None:
        raise NotFound
    lock_client(client_id)
    rows = Reservation.objects.select_related("client", "provider__schedule", "service")
    reservation = rows.select_for_update(of=("self",), no_key=True).get(pk=reservation_id)
    check_held(reservation, now)
    client = reservation.client
    if client.user_id or client.owner_id:
        raise NotAllowed
    check_name(name)
    if reservation.asked >= MOST_ASKED:
        raise AskedEnough(field="email")
    said = {"name": name, "email": User.objects.normalize_email(email), "phone": phone}
    if client.name and any(getattr(client, field) != value for field, value in said.items()):
        client = Client(timezone=client.timezone, created_at=now)
    for field, value in said.items():
        setattr(client, field, value)
    client.save()
    reservation.client = client
    reservation.note = note
    if not reservation.asked:
        reservation.expires_at = now + reservation.provider.schedule.hold
    reservation.asked += 1
    reservation.save(update_fields=["client", "note", "asked", "expires_at"])
    details_given.send(Reservation, reservation=reservation, language=language, by_sms=by_sms, now=now)
    return reservation


def booked_as_visitor() -> Exists:
    """Return a condition for clients who once held a time as a visitor, and so gave their details without a login."""
    by_visitors = Reservation.objects.filter(created_by=None, face=Face.PAGE, expires_at__isnull=False)
    return Exists(by_visitors.filter(client=OuterRef("pk")))


def check_held(reservation: Reservation, now: datetime) -> None:
    """Raise HoldReleased, AlreadyConfirmed or HoldExpired for a hold that is over, tidied up or not."""
    if reservation.status == ReservationStatus.RELEASED:
        raise HoldReleased
    if reservation.status == ReservationStatus.CONFIRMED:
        raise AlreadyConfirmed
    if reservation.status != ReservationStatus.HELD or reservation.expires_at is None or reservation.expires_at <= now:
        raise HoldExpired


def forget_holds(*, now: datetime) -> int:
    """Forget holds that came to nothing, after RETAIN_HOLDS_DAYS, and guests who never booked. Returns how many holds.

    Those an appointment was moved from are its history and stay.
    """
    before = older_than(settings.RETAIN_HOLDS_DAYS, now)
    if before is None:
        return 0
    return sum(_forget_holds(batch) for batch in batches(came_to_nothing(before)))


def came_to_nothing(before: datetime) -> ReservationQuerySet:
    moved = AppointmentEvent.objects.filter(event=Event.RESCHEDULED)
    away = moved.annotate(old=Cast("details__reservation", BigIntegerField())).filter(old=OuterRef("pk"))
    ended = Reservation.objects.filter(status__in=ENDED, closed_at__lt=before, appointment=None)
    return ended.exclude(Exists(away))


@operation
def _forget_holds(batch: list[int]) -> int:
    rows = Reservation.objects.filter(pk__in=batch).order_by("pk").select_for_update(of=("self",), skip_locked=True)
    found = list(rows.values_list("pk", flat=True))
    by_guests = Reservation.objects.filter(pk__in=found, created_by=None, face=Face.PAGE)
    guests = set(by_guests.values_list("client", flat=True))
    Reservation.objects.filter(pk__in=found).delete()
    Client.objects.filter(pk__in=guests, user=None, owner=None, series=None, reservations=None).delete()
    return len(found)


@operation
def tidy_visitors(*, now: datetime) -> int:
    """Forget visitors who never said who they are, once their holds have ended, and those holds. Returns how many."""
    nameless = Client.objects.filter(name="", user=None, owner=None, created_at__lt=now - VISITOR_KEPT)
    over = Reservation.objects.filter(client__in=nameless, status__in=ENDED, appointment=None)
    over.delete()
    used = Reservation.objects.filter(client=OuterRef("pk"))
    _, forgotten = nameless.exclude(Exists(used)).delete()
    return forgotten.get("accounts.Client", 0)
