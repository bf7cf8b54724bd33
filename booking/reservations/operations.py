"""Operations on reservations: reserve, release, expire. None of them books the same time twice (R8)."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.actors import Actor
from booking.availability.enums import FreedBy
from booking.availability.locks import locked_schedule
from booking.availability.search import alternatives
from booking.models import Reservation, Schedule, Service
from booking.reservations.claims import BOOK, chosen_length, claim, expire, lock_client, offered, release_claim
from booking.reservations.enums import Override, ReservationStatus, stale_sql
from booking.reservations.errors import AlreadyConfirmed, TimeUnavailable
from booking.reservations.models import ReservationQuerySet
from booking.reservations.permissions import CHANGE
from booking.signals import time_held
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

SWEEP = 5_000
"""The most holds that the sweeper expires in one transaction."""


def network_key(network: str, actor: Actor, provider_id: int) -> int | None:
    """Return the key by which holds from a network are counted: a keyed hash, which does not reveal the network.

    None if they are not counted: those of providers and staff, who book for many, or without a limit.
    """
    if not network or not settings.MAX_LIVE_HOLDS_PER_NETWORK or actor.runs(provider_id, BOOK):
        return None
    digest = salted_hmac("booking.operations.reservations.network", network, algorithm="sha256").digest()
    return int.from_bytes(digest[:8], signed=True)


@contextmanager
def offering_alternatives(
    *,
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    now: datetime,
    besides: ReservationQuerySet | None = None,
) -> Iterator[None]:
    """Add the nearest free times to the error if the requested time cannot be booked.

    They are looked up after the transaction: a crowd of losers must not keep the winner's schedule locked. The time of
    the holds `besides` counts as free.
    """
    try:
        yield
    except TimeUnavailable as error:
        service = Service.objects.filter(pk=service_id).first() if service_id else None
        own = list(besides.values_list("pk", flat=True)) if besides is not None else []
        error.details["alternatives"] = [
            time.as_dict() for time in alternatives(provider_id, service, starts_at, now, besides=own)
        ]
        raise


def reserve(
    *,
    provider_id: int,
    client_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    service_id: int | None = None,
    ends_at: datetime | None = None,
    overrides: Collection[Override] = (),
    network: str = "",
) -> Reservation:
    """Hold a provider's time for a client, for as long as the schedule's hold time.

    The meeting starts at `starts_at` (on the slot grid) and lasts as long as the service, or until `ends_at` (for the
    provider and staff only), or one slot. Holds that come from one `network` are counted. Raises SlotTaken,
    OutsideHours, TooSoon or TooFar with the nearest free times; TooManyHolds, NotBookable, NotOffered, OffGrid,
    NotAllowed.
    """
    with offering_alternatives(provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now):
        return write_hold(
            provider_id=provider_id,
            client_id=client_id,
            service_id=service_id,
            starts_at=starts_at,
            ends_at=ends_at,
            actor=actor,
            now=now,
            overrides=overrides,
            network=network,
        )


def pick(
    *,
    provider_id: int,
    client_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    service_id: int | None = None,
    network: str = "",
) -> Reservation:
    """Reserve for a person who chooses on a page and has one undecided hold at a time (R9).

    Another pick replaces the hold; the same pick returns it. On an error the earlier hold stays. Arguments and errors
    are those of `reserve`.
    """
    undecided = Reservation.objects.undecided(now=now).filter(client=client_id)
    with offering_alternatives(
        provider_id=provider_id, service_id=service_id, starts_at=starts_at, now=now, besides=undecided
    ):
        return write_pick(
            provider_id=provider_id,
            client_id=client_id,
            service_id=service_id,
            starts_at=starts_at,
            actor=actor,
            now=now,
            network=network,
        )


@operation
def write_hold(
    *,
    provider_id: int,
    client_id: int,
    service_id: int | None,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    ends_at: datetime | None = None,
    overrides: Collection[Override] = (),
    network: str = "",
) -> Reservation:
    """Reserve without adding alternatives to an error, for callers that do more in the same transaction."""
    key = network_key(network, actor, provider_id)
    lock_client(client_id, key)
    schedule = locked_schedule(provider_id)
    reservation = claim(
        schedule=schedule,
        service=offered(schedule, service_id, actor),
        client_id=client_id,
        starts_at=starts_at,
        length=chosen_length(schedule, starts_at, ends_at, actor),
        expires_at=now + hold_time(schedule, actor),
        actor=actor,
        now=now,
        overrides=overrides,
        network=key,
    )
    time_held.send(Reservation, reservation=reservation, actor=actor, now=now)
    return reservation


@operation
def write_pick(
    *,
    provider_id: int,
    client_id: int,
    service_id: int | None,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    network: str = "",
) -> Reservation:
    """Pick without adding alternatives to an error."""
    lock_client(client_id, network_key(network, actor, provider_id))
    held = list(Reservation.objects.held(now=now).filter(client=client_id))
    for one in held:
        if (one.provider_id, one.service_id, one.starts_at) == (provider_id, service_id, starts_at):
            return one
    moving = [one for one in held if one.is_undecided]
    if moving:
        providers = {provider_id, *(one.provider_id for one in moving)}
        for pk in Schedule.objects.filter(provider__in=providers).order_by("pk").values_list("provider", flat=True):
            locked_schedule(pk)
        still = Reservation.objects.undecided(now=now).filter(pk__in=[one.pk for one in moving])
        for old in still.order_by("pk").select_for_update(no_key=True):
            release_claim(old, FreedBy.RELEASED, now)
    return write_hold(
        provider_id=provider_id,
        client_id=client_id,
        service_id=service_id,
        starts_at=starts_at,
        actor=actor,
        now=now,
        network=network,
    )


def hold_time(schedule: Schedule, actor: Actor) -> timedelta:
    """Return how long a hold lasts: shorter for a visitor who has not given their details (R9)."""
    if actor.guest is None:
        return schedule.hold
    return min(schedule.hold, timedelta(minutes=settings.UNDECIDED_HOLD_MINUTES))


@operation
def release(*, reservation_id: int, actor: Actor, now: datetime) -> Reservation:
    """Release a hold: its time is free at once. Repeating it, or releasing an expired hold, changes nothing.

    Raises AlreadyConfirmed; NotAllowed, NotFound.
    """
    provider_id = Reservation.objects.filter(pk=reservation_id).values_list("provider", flat=True).first()
    if provider_id is None:
        raise NotFound
    locked_schedule(provider_id)
    reservation = Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
    if not actor.runs(provider_id, CHANGE) and reservation.client_id != actor.client_id:
        raise NotAllowed
    state = reservation.state(now)
    if state == ReservationStatus.CONFIRMED:
        raise AlreadyConfirmed
    if state == ReservationStatus.HELD:
        release_claim(reservation, FreedBy.RELEASED, now)
    elif state != reservation.status:
        expire([reservation.pk], now)
        reservation.refresh_from_db()
    return reservation


def expire_due(*, now: datetime) -> int:
    """Mark every overdue hold as expired and free its slots. Return how many.

    Set-based, in batches with a transaction each; two may run at once. The time has been free since the hold ended, so
    rows that are locked wait for the next round.
    """
    total = 0
    while expired := _expire_batch(now):
        total += expired
    return total


@operation
def _expire_batch(now: datetime) -> int:
    # The schedules are locked too: the ORM has no word for locking what is joined and not read. `make bench` (expire).
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT dead.id
            FROM booking_reservation dead JOIN booking_schedule schedule USING (provider_id)
            WHERE {stale_sql("dead")}
            ORDER BY dead.expires_at LIMIT %(most)s
            FOR NO KEY UPDATE SKIP LOCKED
            """,
            {"now": now, "most": SWEEP},
        )
        dead = [pk for (pk,) in cursor.fetchall()]
    if dead:
        expire(dead, now)
    return len(dead)
