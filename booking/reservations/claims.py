"""Claiming time, the only way to book anything (R8), and releasing it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Client
from booking.availability.enums import FreedBy
from booking.availability.errors import EndsBeforeStart, InThePast
from booking.availability.search import BookingSpan, booking_span
from booking.availability.slots import check_on_grid, release_slots
from booking.availability.versions import next_version_sql
from booking.models import Reservation, Schedule, Service, Slot
from booking.reservations.enums import ON_REQUEST, Override, ReservationStatus, held_sql
from booking.reservations.errors import (
    ClientErased,
    NotBookable,
    OutsideHours,
    ProviderNotPublished,
    SlotTaken,
    TooFar,
    TooManyHolds,
    TooManyHoldsInNetwork,
    TooSoon,
)
from booking.services.errors import ServiceNotOffered
from booking.signals import holds_expired
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.time.intervals import DAY

FURTHEST = relativedelta(years=2)
"""The furthest ahead that staff may override the horizon: a change of hours computes hours up to the last booking."""


BOOK = "booking.add_appointment"
"""The permission of staff to take time in any schedule and to override rules."""


# `make bench` (reserve).
LOCK_CLIENT = "SELECT id FROM accounts_client WHERE id = %s FOR NO KEY UPDATE"


# The ORM has no advisory locks.
LOCK_CLIENT_AND_NETWORK = "SELECT id, pg_advisory_xact_lock(%s) FROM accounts_client WHERE id = %s FOR NO KEY UPDATE"


# `make bench` (reserve).
FREE_SLOTS = """
SELECT id, starts_at FROM booking_slot
WHERE provider_id = %(provider_id)s AND reservation_id IS NULL
  AND starts_at > %(blocked_from)s - interval '1 hour' AND starts_at < %(blocked_until)s
  AND ends_at > %(blocked_from)s
ORDER BY starts_at
"""


# Four statements in one: it counts, writes, takes and versions, within the lock: `make bench` (reserve).
TAKE = f"""
WITH room AS (
    SELECT %(most_holds)s::int IS NULL OR %(most_holds)s::int > (
        SELECT count(*) FROM booking_reservation held
        WHERE client_id = %(client_id)s AND {held_sql("held", "%(created_at)s")}) AS for_client,
    %(network)s::bigint IS NULL OR %(most_in_network)s::int > (
        SELECT count(*) FROM booking_reservation held
        WHERE network = %(network)s::bigint AND {held_sql("held", "%(created_at)s")}) AS for_network
), made AS (
    INSERT INTO booking_reservation (
        provider_id, client_id, service_id, starts_at, ends_at, blocked_from, blocked_until,
        status, expires_at, overrides, network, created_by_id, face, created_at)
    SELECT %(provider_id)s, %(client_id)s, %(service_id)s::bigint, %(starts_at)s, %(ends_at)s, %(blocked_from)s,
        %(blocked_until)s, %(status)s, %(expires_at)s::timestamptz, %(overrides)s::varchar[], %(network)s::bigint,
        %(created_by_id)s::bigint, %(face)s, %(created_at)s
    FROM room WHERE for_client AND for_network
    RETURNING id
), taken AS (
    UPDATE booking_slot slot SET reservation_id = made.id FROM made
    WHERE slot.id IN ({{slots}}) AND slot.reservation_id IS NULL
    RETURNING slot.id
), versioned AS ({next_version_sql("%(provider_id)s::bigint", "taken")})
SELECT made.id, (SELECT count(*) FROM taken), for_client FROM room LEFT JOIN made ON true
"""


def lock_client(client_id: int, network: int | None = None) -> None:
    """Lock a client until the transaction ends, before the schedule, to count holds and prevent deletion.

    With a `network` (`network_key`), others who book from it wait too, since its holds are counted. Raises NotFound.
    """
    with connection.cursor() as cursor:
        if network is None:
            cursor.execute(LOCK_CLIENT, [client_id])
        else:
            cursor.execute(LOCK_CLIENT_AND_NETWORK, [network, client_id])
        if cursor.fetchone() is None:
            raise NotFound(field="client")


def offered(schedule: Schedule, service_id: int | None, actor: Actor) -> Service | None:
    """Return the service, if any, after checking that this provider offers it and can be booked.

    Raises NotOffered; NotBookable, or NotFound for actors who may not see the provider.
    """
    if not actor.reaches(schedule.provider_id):
        raise NotFound(field="provider")
    if not (schedule.provider_is_active and schedule.provider_is_vetted):
        if not actor.runs(schedule.provider_id, BOOK):
            raise NotFound(field="provider")
        if not schedule.provider_is_active:
            raise NotBookable(field="provider")
    if service_id is None:
        return None
    service = Service.objects.filter(pk=service_id, providers=schedule.provider_id, is_active=True).first()
    if service is None:
        raise ServiceNotOffered(field="service")
    return service


def chosen_length(schedule: Schedule, starts_at: datetime, ends_at: datetime | None, actor: Actor) -> timedelta | None:
    """Return the length of a meeting with a given end, for the provider and staff; None leaves it to the service.

    Raises NotAllowed, EndsBeforeStart.
    """
    if ends_at is None:
        return None
    if not actor.runs(schedule.provider_id, BOOK):
        raise NotAllowed(_("Choose a service instead of an end time."), field="end_time")
    if not starts_at < ends_at <= starts_at + DAY:
        raise EndsBeforeStart(_("The end must come after the start, by a day at most."), field="end_time")
    return ends_at - starts_at


def claim(
    *,
    schedule: Schedule,
    service: Service | None,
    client_id: int,
    starts_at: datetime,
    length: timedelta | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
    taken_over: bool = False,
    network: int | None = None,
) -> Reservation:
    """Write a reservation and take its slots: held until `expires_at`, or confirmed at once if that is None.

    Every booking uses this function. The caller holds the schedule's lock, and for a hold the client's lock, since a
    client's holds are counted; holds from one `network` (`network_key`) are counted together. A booking that staff have
    `taken_over` from another system may be past: it then needs no hours, but must not overlap. It is recorded as
    `Override.PAST`.

    Raises ProviderNotPublished if the provider is not vetted, whoever the actor is.
    """
    if not schedule.provider_is_vetted:
        raise ProviderNotPublished(field="provider")
    past = taken_over and actor.may(BOOK) and starts_at <= now
    _check_policy(schedule, client_id, starts_at, actor, now, overrides, past)
    time = booking_span(schedule, service, starts_at, length)
    free = _free_slots(schedule, time)
    if not _fills(free, schedule, time):
        _clear_the_way(schedule, time, now)
        free = _free_slots(schedule, time)
        if not _fills(free, schedule, time) and Override.HOURS not in overrides and not past:
            raise OutsideHours(field="start_time")
    columns = {
        "provider_id": schedule.provider_id,
        "client_id": client_id,
        "service_id": service.pk if service else None,
        **time._asdict(),
        "status": str(ReservationStatus.HELD if expires_at else ReservationStatus.CONFIRMED),
        "expires_at": expires_at,
        "overrides": [Override.PAST] if past else sorted({*overrides} & {*ON_REQUEST}),
        "network": network,
        "created_by_id": actor.user.pk if actor.user else None,
        "face": str(actor.source),
        "created_at": now,
    }
    slots = [pk for pk, _ in free]
    most_holds = settings.MAX_LIVE_HOLDS if expires_at else None
    reach(Failpoint.TIME_FOUND)
    made, taken, had_room = _take(columns, slots, most_holds)
    if made is None:
        scope = "holds_in_network" if had_room else "holds"
        log_security_event(SecurityEvent.LIMIT_REACHED, login=columns["created_by_id"], scope=scope)
        raise TooManyHoldsInNetwork if had_room else TooManyHolds
    if taken != len(slots):
        raise SlotTaken(field="start_time")
    return Reservation(id=made, **columns)


def _take(columns: dict[str, Any], slots: list[int], most_holds: int | None) -> tuple[int | None, int, bool]:
    """Return the id of the reservation written, the number of slots it got, and True if the client may have one more.

    Nothing is written, and the id is None, if the client or their network may have no more holds.
    """
    numbered = {f"slot{number}": pk for number, pk in enumerate(slots)}  # PostgreSQL caches no plan for an array.
    take = TAKE.format(slots=", ".join(f"%({name})s" for name in numbered) or "NULL")
    with connection.cursor() as cursor:
        limits = {"most_holds": most_holds, "most_in_network": settings.MAX_LIVE_HOLDS_PER_NETWORK}
        cursor.execute(take, {**columns, **numbered, **limits})
        return cursor.fetchone()


def _check_policy(
    schedule: Schedule,
    client_id: int,
    starts_at: datetime,
    actor: Actor,
    now: datetime,
    overrides: Collection[Override],
    past: bool,
) -> None:
    runs = actor.runs(schedule.provider_id, BOOK)
    if runs:
        check_bookable(client_id, schedule.provider_id)
    else:
        if client_id != actor.client_id:
            raise NotAllowed(_("You can book for yourself only."), field="client")
        if overrides:
            raise NotAllowed(_("Only the provider and staff may override these rules."), field="override")
    if starts_at <= now and not past:
        raise InThePast(field="start_time")
    if starts_at >= now + FURTHEST:
        raise TooFar(field="start_time")
    if Override.NOTICE not in overrides and not past:
        if starts_at < now + schedule.notice:
            raise TooSoon(field="start_time")
        if starts_at >= now + schedule.horizon:
            raise TooFar(field="start_time")
    check_on_grid(schedule, starts_at, field="start_time")


def check_bookable(client_id: int, provider_id: int) -> None:
    """Raise an error if nobody books this client with this provider: the actor runs the provider's schedule.

    Raises NotAllowed for a client in another provider's address book, ClientErased.
    """
    client = Client.objects.only("owner", "reference").get(pk=client_id)
    if client.owner_id not in (None, provider_id):
        raise NotAllowed(_("This client is in another provider's address book."), field="client")
    if client.is_erased:
        raise ClientErased(field="client")


def _free_slots(schedule: Schedule, time: BookingSpan) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(FREE_SLOTS, {"provider_id": schedule.provider_id, **time._asdict()})
        return cursor.fetchall()


def _fills(free: list[tuple[int, datetime]], schedule: Schedule, time: BookingSpan) -> bool:
    count = (time.blocked_until - time.blocked_from) // schedule.slot
    return [start for _, start in free] == [time.blocked_from + number * schedule.slot for number in range(count)]


def _clear_the_way(schedule: Schedule, time: BookingSpan, now: datetime) -> None:
    """Expire overdue holds that claim this time. Raises SlotTaken if another reservation still claims it."""
    claiming = Reservation.objects.filter(provider=schedule.provider_id).claiming(time.blocked_from, time.blocked_until)
    dead = list(claiming.stale(now=now).select_for_update(no_key=True).values_list("pk", flat=True))
    if dead:
        expire(dead, now)
    if claiming.exists():
        raise SlotTaken(field="start_time")


def pass_on_claim(reservation: Reservation, client: Client, actor: Actor, now: datetime) -> Reservation:
    """Give the time of a confirmed reservation to another client. Nothing becomes free, so nobody is told that it did.

    The caller holds the locks of the client, of the schedule and of the reservation. Return the client's reservation.
    """
    _close(reservation, now)
    passed_on = Reservation.objects.create(
        provider=reservation.provider,
        client=client,
        service=reservation.service,
        starts_at=reservation.starts_at,
        ends_at=reservation.ends_at,
        blocked_from=reservation.blocked_from,
        blocked_until=reservation.blocked_until,
        status=ReservationStatus.CONFIRMED,
        overrides=reservation.overrides,
        created_by=actor.user,
        face=actor.source,
        created_at=now,
    )
    Slot.objects.filter(reservation=reservation).update(reservation=passed_on)
    return passed_on


def release_claim(reservation: Reservation, cause: FreedBy, now: datetime) -> None:
    """Release a live reservation and free its time. The caller holds the schedule's and the reservation's locks."""
    _close(reservation, now)
    release_slots(reservations=[reservation.pk], cause=cause, now=now)


def _close(reservation: Reservation, now: datetime) -> None:
    reservation.status = ReservationStatus.RELEASED
    reservation.network = None
    reservation.closed_at = max(now, reservation.created_at)
    reservation.save(update_fields=["status", "network", "closed_at"])


def expire(reservations: Collection[int], now: datetime) -> None:
    reach(Failpoint.HOLDS_FOUND_DEAD)
    Reservation.objects.filter(pk__in=reservations).update(
        status=ReservationStatus.EXPIRED, network=None, closed_at=now
    )
    release_slots(reservations=reservations, cause=FreedBy.EXPIRED, now=now)
    holds_expired.send(Reservation, reservations=reservations, now=now)
