"""Booking without an account: a visitor holds a time, gives their details, and confirms by the mailed link (R10)."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.actors import Actor, Source
from accounts.clients.fields import GUEST_FIELDS, cleaned
from accounts.models import Client, ClientQuerySet
from accounts.people import check_name
from booking.models import Reservation, Schedule
from booking.reservations.claims import lock_client
from booking.reservations.enums import ReservationStatus
from booking.reservations.errors import AlreadyConfirmed, AskedEnough, HoldExpired, HoldReleased
from booking.reservations.models import ReservationQuerySet
from booking.reservations.operations import offering_alternatives, write_pick
from booking.signals import details_given
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

MOST_ASKED = 2
"""The most mails with the link to confirm one hold: one may go to a mistyped address."""


def hold_as_visitor(
    *,
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    visitor: str,
    timezone: str,
    now: datetime,
    network: str = "",
    source: Source = Source.PAGE,
) -> Reservation:
    """Hold a time for a visitor without details, in place of any undecided hold of theirs.

    `visitor` is the reference of the client created for them, now or at an earlier hold, so that all their holds count
    together. Without a `timezone`, a new client is told times in the provider's. Raises as `pick`; then no client is
    created.
    """
    undecided = Reservation.objects.undecided(now=now).filter(client__in=visitors(visitor))
    with offering_alternatives(
        provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now, besides=undecided
    ):
        return _hold_as_visitor(provider_id, service_id, starts_at, visitor, timezone, now, network, source)


@operation
def _hold_as_visitor(
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    visitor: str,
    timezone: str,
    now: datetime,
    network: str,
    source: Source,
) -> Reservation:
    known = visitors(visitor).first() or _added(visitor, timezone or _zone_of(provider_id), now)
    return write_pick(
        provider_id=provider_id,
        client_id=known.pk,
        service_id=service_id,
        starts_at=starts_at,
        actor=Actor(None, source, guest=known),
        now=now,
        network=network,
    )


def visitors(reference: str) -> ClientQuerySet:
    """Return the client created for a visitor, if they have held a time before."""
    return Client.objects.filter(reference=reference, user=None, owner=None)


def holds_of(visitor: str, reservation_id: int) -> ReservationQuerySet:
    """Return the holds that a visitor may see and release: one of theirs, and those of the client created for them.

    The one is theirs even if its client is another one since, after other details were given.
    """
    unregistered = Reservation.objects.filter(client__user=None, client__owner=None)
    return unregistered.filter(Q(pk=reservation_id) | Q(client__in=visitors(visitor)))


def _zone_of(provider_id: int) -> str:
    return Schedule.objects.filter(provider=provider_id).values_list("timezone", flat=True).first() or "UTC"


def _added(reference: str, timezone: str, now: datetime) -> Client:
    """Return a new client for a visitor.

    Of two concurrent requests, the second waits and finds the client of the first.
    """
    row = Client(reference=reference, name="", timezone=timezone, created_at=now)
    Client.objects.bulk_create([row], ignore_conflicts=True)
    return visitors(reference).first() or Client.objects.create(name="", timezone=timezone, created_at=now)


@operation
def give_details(
    *, reservation_id: int, note: str, by_sms: bool, language: str, now: datetime, **contact: Any
) -> Reservation:
    """Add the details of a visitor (`contact`: what guests are asked for), and mail the link to confirm the hold.

    They may be given again, to correct the address. With other details than at an earlier hold, the visitor becomes
    another client; the earlier hold keeps the old one. Other clients with the same email address, registered or not,
    are not connected: the visitor is unknown until they open the link. The first details extend the hold to the
    schedule's hold time.

    Raises HoldExpired, HoldReleased, AlreadyConfirmed, LinkInName, AskedEnough; NotAllowed for a hold not made by a
    visitor.
    """
    client_id = Reservation.objects.filter(pk=reservation_id).values_list("client", flat=True).first()
    if client_id is None:
        raise NotFound
    lock_client(client_id)
    rows = Reservation.objects.select_related("client", "provider__schedule", "service")
    reservation = rows.select_for_update(of=("self",), no_key=True).get(pk=reservation_id)
    check_may_ask(reservation, now)
    client = reservation.client
    if client.user_id or client.owner_id:
        raise NotAllowed
    check_name(contact["name"])
    details = details_of(contact)
    if client.name and any(getattr(client, field) != value for field, value in details.items()):
        client = Client(timezone=client.timezone, created_at=now)
    for field, value in details.items():
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


def add_guest(*, provider_id: int, timezone: str, contact: dict[str, Any], now: datetime) -> Client:
    """Return a new client for a guest who books at once. Without a `timezone`, they are told times in the provider's.

    Raises LinkInName.
    """
    check_name(contact["name"])
    known = {"timezone": timezone or _zone_of(provider_id), "created_at": now, "is_unproved": True}
    return Client.objects.create(**details_of(contact), **known)


def details_of(contact: dict[str, Any]) -> dict[str, Any]:
    """Return what guests are asked for as it is stored, with defaults for what was not given."""
    return cleaned({field.name: contact.get(field.name, field.empty) for field in GUEST_FIELDS})


def note_answer(client: Client, *, from_mailbox: bool) -> Client:
    """Remember whether a guest who confirms answered a mail. A mailbox that answered before stays proved.

    The caller holds the client's lock.
    """
    confirmed = Reservation.objects.filter(client=client.pk, status=ReservationStatus.CONFIRMED)
    if from_mailbox is client.is_unproved and (from_mailbox or not confirmed.exists()):
        client.is_unproved = not from_mailbox
        client.save(update_fields=["is_unproved"])
    return client


def booked_as_visitor() -> Exists:
    """Return a condition for clients who once held a time as a visitor and gave their details without a login."""
    return Exists(Reservation.objects.by_visitors().filter(client=OuterRef("pk")))


def check_may_ask(reservation: Reservation, now: datetime) -> None:
    """Raise HoldReleased, AlreadyConfirmed, HoldExpired or AskedEnough for a hold that sends no further mail.

    Edges ask before they count the mail: a hold that is over must not use up the limit of a stranger's mailbox.
    """
    check_held(reservation, now)
    if reservation.asked >= MOST_ASKED:
        raise AskedEnough(field="email")


def check_held(reservation: Reservation, now: datetime) -> None:
    """Raise HoldReleased, AlreadyConfirmed or HoldExpired for a hold that is over, even if not yet marked so."""
    match reservation.state(now):
        case ReservationStatus.RELEASED:
            raise HoldReleased
        case ReservationStatus.CONFIRMED:
            raise AlreadyConfirmed
        case ReservationStatus.EXPIRED:
            raise HoldExpired


VISITOR_KEPT = timedelta(days=1)
"""The time for which a visitor without a name is kept, so that their holds are counted together (R19)."""
