"""Claiming time: reserve, release, expire. Nothing here, and nothing built on it, books the same time twice (R8)."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import vetted_sql
from booking.enums import ON_REQUEST, Override, ReservationStatus
from booking.errors import (
    AlreadyConfirmed,
    EndsBeforeStart,
    InThePast,
    NotBookable,
    NotOffered,
    OffGrid,
    OutsideHours,
    ProviderNotPublished,
    SlotTaken,
    TooFar,
    TooManyHolds,
    TooManyHoldsInNetwork,
    TooSoon,
)
from booking.models import Reservation, Schedule, Service
from booking.models.reservations import ReservationQuerySet
from booking.operations.slots import vacate
from booking.queries import DAY, Stretch, alternatives, stretch
from booking.signals import holds_expired, time_held
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.failpoints import Failpoint, reach
from scheduler_project.common.operations import operation
from scheduler_project.common.rows import columns_of, from_row
from scheduler_project.common.security_log import SecurityEvent, log_security_event
from scheduler_project.common.times import ceil_to_step, floor_to_step, rfc3339

FURTHEST = relativedelta(years=2)
"""The furthest ahead that even staff who override the horizon book: changes compute hours up to the last booking."""

BOOK = "booking.add_appointment"
"""The permission by which staff take time in anybody's calendar, and set rules aside."""

SWEEP = 5_000
"""The most holds that the sweeper ends in one transaction."""


# The statements of reserving are written out: putting them together anew for each request took two thirds of its time.
LOCK_SCHEDULE = f"""
SELECT {columns_of(Schedule, "schedule")}, provider.is_active, {vetted_sql("provider")}
FROM booking_schedule schedule JOIN accounts_provider provider ON provider.id = schedule.provider_id
WHERE schedule.provider_id = %s
FOR NO KEY UPDATE OF schedule
"""

LOCK_CLIENT = "SELECT id FROM accounts_client WHERE id = %s FOR NO KEY UPDATE"

LOCK_CLIENT_AND_NETWORK = "SELECT id, pg_advisory_xact_lock(%s) FROM accounts_client WHERE id = %s FOR NO KEY UPDATE"

STRANGER = "SELECT FROM accounts_client WHERE id = %s AND owner_id <> %s"

FREE_SLOTS = """
SELECT id, starts_at FROM booking_slot
WHERE provider_id = %(provider_id)s AND reservation_id IS NULL
  AND starts_at > %(blocked_from)s - interval '1 hour' AND starts_at < %(blocked_until)s
  AND ends_at > %(blocked_from)s
ORDER BY starts_at
"""

TAKE = """
WITH room AS (
    SELECT %(most_holds)s::int IS NULL OR %(most_holds)s::int > (
        SELECT count(*) FROM booking_reservation
        WHERE client_id = %(client_id)s AND status = 'held' AND expires_at > %(created_at)s) AS for_client,
    %(network)s::bigint IS NULL OR %(most_in_network)s::int > (
        SELECT count(*) FROM booking_reservation
        WHERE network = %(network)s::bigint AND status = 'held' AND expires_at > %(created_at)s) AS for_network
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
    WHERE slot.id IN ({slots}) AND slot.reservation_id IS NULL
    RETURNING slot.id
)
SELECT made.id, (SELECT count(*) FROM taken), for_client FROM room LEFT JOIN made ON true
"""


def locked_schedule(provider_id: int) -> Schedule:
    """The provider's schedule, locked until the end of the transaction: who books or rearranges waits here."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SCHEDULE, [provider_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    schedule = from_row(Schedule, row)
    schedule.provider_is_active, schedule.provider_is_vetted = row[-2:]
    return schedule


def lock_client(client_id: int, network: int | None = None) -> None:
    """Lock a client until the end of the transaction, before the schedule: to count holds, and lest they be deleted.

    Whoever else comes from the same network waits too, where one is named (`network_key`): its holds are counted.
    """
    with connection.cursor() as cursor:
        if network is None:
            cursor.execute(LOCK_CLIENT, [client_id])
        else:
            cursor.execute(LOCK_CLIENT_AND_NETWORK, [network, client_id])
        if cursor.fetchone() is None:
            raise NotFound(field="client")


def network_key(network: str, actor: Actor, provider_id: int) -> int | None:
    """Return what the holds from a network are counted by: a keyed hash, from which the network cannot be told.

    None if they are not counted: of providers and staff, who book for many, and where there is no limit.
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

    They are looked up once the transaction is over: a crowd of losers must not keep the winner's schedule locked.
    Holds that are `besides` are not in the way.
    """
    try:
        yield
    except (SlotTaken, OutsideHours, TooSoon, TooFar) as error:
        service = Service.objects.filter(pk=service_id).first() if service_id else None
        own = list(besides.values_list("pk", flat=True)) if besides is not None else []
        error.details["alternatives"] = [
            {"slot": time.slot_id, "start_time": rfc3339(time.starts_at), "end_time": rfc3339(time.ends_at)}
            for time in alternatives(provider_id, service, starts_at, now, besides=own)
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
    """`reserve` for somebody who chooses on a page, and holds one time until they have decided (R9).

    Another pick moves their hold, and the same one finds it as it is. On a refusal they keep what they held.
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
    """`reserve` without the look for alternatives, for those who do more in the same transaction."""
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
    """`pick` without the look for alternatives."""
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
            let_go(old, now)
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
    """Return how long a hold lasts: of a visitor, who has not said who they are, not as long as of others (R9)."""
    if actor.guest is None:
        return schedule.hold
    return min(schedule.hold, timedelta(minutes=settings.UNDECIDED_HOLD_MINUTES))


def offered(schedule: Schedule, service_id: int | None, actor: Actor) -> Service | None:
    """The service, if this provider offers it and takes bookings at all.

    Raises NotOffered; NotBookable, or for those who may not see the provider NotFound.
    """
    if not (schedule.provider_is_active and schedule.provider_is_vetted):
        if not actor.runs(schedule.provider_id, BOOK):
            raise NotFound(field="provider")
        if not schedule.provider_is_active:
            raise NotBookable(field="provider")
    if service_id is None:
        return None
    service = Service.objects.filter(pk=service_id, providers=schedule.provider_id, is_active=True).first()
    if service is None:
        raise NotOffered(field="service")
    return service


def chosen_length(schedule: Schedule, starts_at: datetime, ends_at: datetime | None, actor: Actor) -> timedelta | None:
    """Return the length of a meeting whose end is given; None leaves it to the service. For the provider and staff."""
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

    Every booking, by whatever path, comes through here. The caller holds the schedule's lock, and for a hold the
    client's too, for those are counted; those from a `network` (`network_key`) together. What staff have `taken_over`
    from elsewhere may have passed: then it has no hours any more that it could lie outside of, but overlaps nothing
    either. This is recorded as `Override.PAST`.

    Nobody is booked with a provider who is not vetted, by whomever: ProviderNotPublished.
    """
    if not schedule.provider_is_vetted:
        raise ProviderNotPublished(field="provider")
    past = taken_over and actor.may(BOOK) and starts_at <= now
    _check_policy(schedule, client_id, starts_at, actor, now, overrides, past)
    time = stretch(schedule, service, starts_at, length)
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
        "face": str(actor.face),
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
    """The id of the reservation written, how many of the slots it got, and whether the client may have one more.

    None is written if they may not, or if their network may not.
    """
    numbered = {f"slot{number}": pk for number, pk in enumerate(slots)}  # PostgreSQL keeps no plan for an array.
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
        if _is_a_stranger(client_id, schedule.provider_id):
            raise NotAllowed(_("This client is in another provider's address book."), field="client")
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


def _is_a_stranger(client_id: int, provider_id: int) -> bool:
    """Return True if a client is in another provider's address book."""
    with connection.cursor() as cursor:
        cursor.execute(STRANGER, [client_id, provider_id])
        return cursor.fetchone() is not None


def check_on_grid(schedule: Schedule, instant: datetime, *, field: str) -> None:
    """Raise OffGrid, with the nearest times that are, for an instant that is not on the schedule's grid."""
    offset = instant.astimezone(schedule.zone).utcoffset() or timedelta()
    below = floor_to_step(instant, schedule.slot, offset)
    if below != instant:
        nearest = [rfc3339(below), rfc3339(ceil_to_step(instant, schedule.slot, offset))]
        raise OffGrid(
            _("This time is not on the provider's %(minutes)d-minute grid. The nearest are %(below)s and %(above)s.")
            % {"minutes": schedule.slot_minutes, "below": nearest[0], "above": nearest[1]},
            field=field,
            details={"nearest": nearest},
        )


def _free_slots(schedule: Schedule, time: Stretch) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(FREE_SLOTS, {"provider_id": schedule.provider_id, **time._asdict()})
        return cursor.fetchall()


def _fills(free: list[tuple[int, datetime]], schedule: Schedule, time: Stretch) -> bool:
    count = (time.blocked_until - time.blocked_from) // schedule.slot
    return [start for _, start in free] == [time.blocked_from + number * schedule.slot for number in range(count)]


def _clear_the_way(schedule: Schedule, time: Stretch, now: datetime) -> None:
    """Expire the holds past their end that claim this time; raise SlotTaken if anything still does."""
    claiming = Reservation.objects.filter(provider=schedule.provider_id).claiming(time.blocked_from, time.blocked_until)
    dead = list(claiming.stale(now=now).select_for_update(no_key=True).values_list("pk", flat=True))
    if dead:
        _expire(dead, now)
    if claiming.exists():
        raise SlotTaken(field="start_time")


@operation
def release(*, reservation_id: int, actor: Actor, now: datetime) -> Reservation:
    """Give a hold up: its time is free at once. Repeating it, or releasing an expired hold, changes nothing.

    Raises AlreadyConfirmed; NotFound.
    """
    provider_id = Reservation.objects.filter(pk=reservation_id).values_list("provider", flat=True).first()
    if provider_id is None:
        raise NotFound
    locked_schedule(provider_id)
    reservation = Reservation.objects.select_for_update(no_key=True).get(pk=reservation_id)
    if not actor.runs(provider_id, "booking.change_reservation") and reservation.client_id != actor.client_id:
        raise NotAllowed
    if reservation.status == ReservationStatus.CONFIRMED:
        raise AlreadyConfirmed
    if reservation.status == ReservationStatus.HELD and reservation.expires_at is not None:
        if reservation.expires_at > now:
            let_go(reservation, now)
        else:
            _expire([reservation.pk], now)
            reservation.refresh_from_db()
    return reservation


def let_go(reservation: Reservation, now: datetime) -> None:
    """End a live reservation and free its time. The caller holds the schedule's and the reservation's locks."""
    reservation.status = ReservationStatus.RELEASED
    reservation.network = None
    reservation.closed_at = max(now, reservation.created_at)
    reservation.save(update_fields=["status", "network", "closed_at"])
    vacate(reservations=[reservation.pk])


def _expire(reservations: Collection[int], now: datetime) -> None:
    reach(Failpoint.HOLDS_FOUND_DEAD)
    Reservation.objects.filter(pk__in=reservations).update(
        status=ReservationStatus.EXPIRED, network=None, closed_at=now
    )
    vacate(reservations=reservations)
    holds_expired.send(Reservation, reservations=reservations, now=now)


def expire_due(*, now: datetime) -> int:
    """Mark every hold past its end as expired and free its slots. Returns how many.

    Set-based, in batches of their own transactions; safe to run twice at once. The time itself has been free since the
    hold ended, so what somebody else is busy with is simply left for the next round.
    """
    total = 0
    while expired := _expire_batch(now):
        total += expired
    return total


@operation
def _expire_batch(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT dead.id
            FROM booking_reservation dead JOIN booking_schedule schedule USING (provider_id)
            WHERE dead.status = 'held' AND dead.expires_at <= %s
            ORDER BY dead.expires_at LIMIT %s
            FOR NO KEY UPDATE SKIP LOCKED
            """,
            [now, SWEEP],
        )
        dead = [pk for (pk,) in cursor.fetchall()]
    if dead:
        _expire(dead, now)
    return len(dead)
