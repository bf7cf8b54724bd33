"""Holds: permissions, times, duration, and release."""

from datetime import time, timedelta

import pytest

from accounts.actors import Actor, Source
from accounts.models import PUBLISHED, VETTED
from booking.appointments.operations import confirm
from booking.availability.errors import EndsBeforeStart, InThePast, OffGrid
from booking.availability.operations import set_working_hours
from booking.availability.search import SlotQuery, free_times
from booking.models import Slot
from booking.reservations import operations as reservations
from booking.reservations.enums import Override
from booking.reservations.errors import (
    AlreadyConfirmed,
    NotBookable,
    OutsideHours,
    ProviderNotPublished,
    SlotTaken,
    TooFar,
    TooManyHolds,
    TooSoon,
)
from booking.reservations.operations import expire_due, release
from booking.services.errors import ServiceNotOffered
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.groups import MANAGER, staff_of
from tests.looking import broken_promises, dump, free_cells, grid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people"), pytest.mark.provider(horizon_days=7)]

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
NINE = at("2026-03-04 09:00")
NINE_TO_FIVE = (time(9), time(17))


def claimed(reservation):
    return [f"{start:%H:%M}" for start in reservation.slots.order_by("starts_at").values_list("starts_at", flat=True)]


def listed(provider, now):
    return {free.starts_at for free in free_times(SlotQuery(NOON, NOON + 30 * DAY, now, provider.pk))}


# --- A hold ---------------------------------------------------------------------------------------------------------


def test_reserve_holds_the_slot_for_the_hold_time(provider):
    client = ClientFactory()

    held = hold(provider, NINE, client=client)

    assert (held.provider, held.client, held.service) == (provider, client, None)
    assert (held.starts_at, held.ends_at) == (NINE, NINE + minutes(15))
    assert (held.status, held.expires_at, held.created_at) == ("held", NOON + minutes(30), NOON)
    assert (held.created_by, held.face, held.overrides) == (client.user, "api", [])


def test_reserve_claims_the_cells_of_the_service_and_its_buffers(provider):
    service = ServiceFactory(
        duration_minutes=40, buffer_before_minutes=10, buffer_after_minutes=6, providers=[provider]
    )

    held = hold(provider, at("2026-03-04 10:00"), service_id=service.pk)

    assert claimed(held) == ["09:45", "10:00", "10:15", "10:30", "10:45"]
    assert (held.ends_at, held.blocked_from, held.blocked_until) == (
        at("2026-03-04 10:40"),
        at("2026-03-04 09:45"),
        at("2026-03-04 11:00"),
    )


def test_reserve_takes_the_time_out_of_the_free_ones(provider):
    hold(provider, NINE)

    assert NINE not in listed(provider, NOON)


def test_reserve_the_same_time_of_another_provider(provider):
    hold(provider, NINE)

    assert hold(open_provider(horizon_days=3), NINE).status == "held"


@pytest.mark.parametrize("start", ["2026-03-04 09:30", "2026-03-04 10:30"])
def test_reserve_next_to_what_is_taken(provider, start):
    service = ServiceFactory(duration_minutes=30, providers=[provider])
    hold(provider, at("2026-03-04 10:00"), service_id=service.pk)

    assert hold(provider, at(start), service_id=service.pk).status == "held"


@pytest.mark.parametrize("start", ["2026-03-04 09:45", "2026-03-04 10:00", "2026-03-04 10:15"])
def test_reserve_refuses_what_overlaps_by_a_part(provider, start):
    service = ServiceFactory(duration_minutes=30, providers=[provider])
    hold(provider, at("2026-03-04 10:00"), service_id=service.pk)

    with pytest.raises(SlotTaken):
        hold(provider, at(start), service_id=service.pk)


def test_reserve_refuses_what_only_the_buffer_overlaps(provider):
    service = ServiceFactory(duration_minutes=15, buffer_after_minutes=1, providers=[provider])
    hold(provider, at("2026-03-04 09:15"))

    with pytest.raises(SlotTaken):
        hold(provider, NINE, service_id=service.pk)


def test_reserve_refused_offers_the_nearest_free_times(provider):
    taken = hold(provider, at("2026-03-04 10:00"))

    with pytest.raises(SlotTaken) as refusal:
        hold(provider, taken.starts_at)

    near = [at("2026-03-04 09:45"), at("2026-03-04 10:15"), at("2026-03-04 09:30")]
    slots = dict(Slot.objects.filter(provider=provider).values_list("starts_at", "pk"))
    assert refusal.value.field == "start_time"
    assert refusal.value.details["alternatives"] == [
        {
            "slot": slots[start],
            "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_time": f"{start + minutes(15):%Y-%m-%dT%H:%M:%SZ}",
        }
        for start in near
    ]


def test_reserve_refused_writes_nothing(provider):
    hold(provider, NINE)
    client = ClientFactory()
    before = dump()

    with pytest.raises(SlotTaken):
        hold(provider, NINE, client=client)

    assert dump() == before


# --- Hours and grid -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start", ["2026-03-04 08:45", "2026-03-04 16:45", "2026-03-04 17:00", "2026-03-07 10:00", "2026-03-04 00:00"]
)
def test_reserve_outside_the_hours_is_refused(provider, start):
    service = ServiceFactory(duration_minutes=30, providers=[provider])

    with pytest.raises(OutsideHours):
        hold(provider, at(start), service_id=service.pk)


def test_reserve_that_ends_with_the_hours(provider):
    service = ServiceFactory(duration_minutes=30, providers=[provider])

    assert hold(provider, at("2026-03-04 16:30"), service_id=service.pk).ends_at == at("2026-03-04 17:00")


def test_reserve_a_service_longer_than_any_run_is_refused_with_no_alternative(provider):
    service = ServiceFactory(duration_minutes=9 * 60, providers=[provider])

    with pytest.raises(OutsideHours) as refusal:
        hold(provider, NINE, service_id=service.pk)

    assert refusal.value.details == {"alternatives": []}


@pytest.mark.parametrize("late", [SECOND, minutes(1), minutes(14), timedelta(microseconds=1)])
def test_reserve_off_the_grid_gives_the_nearest_times(provider, late):
    with pytest.raises(OffGrid) as refusal:
        hold(provider, NINE + late)

    assert refusal.value.details == {"nearest": ["2026-03-04T09:00:00Z", "2026-03-04T09:15:00Z"]}


def test_reserve_in_kathmandu_is_on_its_own_grid():
    provider = open_provider(horizon_days=7, timezone="Asia/Kathmandu", slot_minutes=60)

    with pytest.raises(OffGrid) as refusal:
        hold(provider, at("2026-03-04 04:00"))

    assert refusal.value.details == {"nearest": ["2026-03-04T03:15:00Z", "2026-03-04T04:15:00Z"]}


# --- Notice and horizon ---------------------------------------------------------------------------------------------


def test_reserve_exactly_at_notice(provider):
    assert hold(provider, NOON + DAY).starts_at == NOON + DAY


def test_reserve_a_second_inside_the_notice_is_refused(provider):
    with pytest.raises(TooSoon):
        hold(provider, NOON + DAY, now=NOON + SECOND)


def test_reserve_a_slot_inside_the_notice_is_refused_with_the_first_there_is(provider):
    with pytest.raises(TooSoon) as refusal:
        hold(provider, NOON + DAY - minutes(15))

    assert refusal.value.details["alternatives"][0]["start_time"] == "2026-03-03T12:00:00Z"


def test_reserve_exactly_at_the_horizon_is_refused(provider):
    with pytest.raises(TooFar):
        hold(provider, NOON + 7 * DAY)


def test_reserve_the_last_slot_before_the_horizon(provider):
    assert hold(provider, NOON + 7 * DAY - minutes(15)).status == "held"


def test_reserve_a_second_before_the_horizon(provider):
    assert hold(provider, NOON + 7 * DAY, now=NOON + SECOND).status == "held"


def test_reserve_counts_notice_in_elapsed_time_over_a_change_of_the_clock():
    now = at("2026-03-28 10:00")
    provider = open_provider(timezone="Europe/Berlin", horizon_days=3, hours=[(6, *NINE_TO_FIVE)], now=now)

    with pytest.raises(TooSoon):
        hold(provider, at("2026-03-29 09:45"), now=now)
    assert hold(provider, at("2026-03-29 10:00"), now=now).status == "held"


@pytest.mark.parametrize("start", [NOON, NOON - minutes(15)])
def test_reserve_the_present_or_past_is_refused_even_by_staff(provider, start):
    with pytest.raises(InThePast):
        hold(provider, start, actor=SYSTEM, overrides=list(Override))


# --- Who may --------------------------------------------------------------------------------------------------------


def test_reserve_for_another_client_is_refused(provider):
    with pytest.raises(NotAllowed) as refusal:
        hold(provider, NINE, actor=actor_of(ClientFactory()))

    assert refusal.value.field == "client"


def test_reserve_by_nobody_is_refused(provider):
    with pytest.raises(NotAllowed):
        hold(provider, NINE, actor=Actor(None, Source.API))


@pytest.mark.parametrize("who", ["provider", "staff"])
def test_reserve_for_a_client_by_the_provider_or_staff(provider, who):
    user = provider.user if who == "provider" else staff_of(MANAGER)

    held = hold(provider, NINE, actor=actor_of(user))

    assert (held.status, held.created_by) == ("held", user)


def test_reserve_for_a_client_by_another_provider_is_refused(provider):
    with pytest.raises(NotAllowed):
        hold(provider, NINE, actor=actor_of(open_provider(horizon_days=1)))


@pytest.mark.parametrize("fact", PUBLISHED)
def test_reserve_of_an_unpublished_provider_finds_nobody(provider, fact):
    setattr(provider, fact, False)
    provider.save()

    with pytest.raises(NotFound):
        hold(provider, NINE)


@pytest.mark.parametrize("fact", VETTED)
@pytest.mark.parametrize("who", ["provider", "staff"])
def test_reserve_of_a_provider_who_is_not_vetted_is_refused_to_all(request, provider, fact, who):
    actor = actor_of(request.getfixturevalue(who))
    setattr(provider, fact, False)
    provider.save()

    with pytest.raises(ProviderNotPublished):
        hold(provider, NINE, actor=actor)


def test_reserve_by_an_inactive_provider_themself_is_refused(provider):
    provider.is_active = False
    provider.save()

    with pytest.raises(NotBookable):
        hold(provider, NINE, actor=actor_of(provider))


def test_reserve_of_a_provider_without_a_calendar_is_not_found():
    with pytest.raises(NotFound):
        hold(ProviderFactory(), NINE)


@pytest.mark.parametrize("fields", [{"providers": []}, {"is_active": False}])
def test_reserve_a_service_not_offered_is_refused(provider, fields):
    service = ServiceFactory(**{"providers": [provider]} | fields)

    with pytest.raises(ServiceNotOffered):
        hold(provider, NINE, service_id=service.pk)


# --- An end of one's own --------------------------------------------------------------------------------------------


def test_reserve_until_an_end_of_its_own_by_the_provider(provider):
    held = hold(provider, NINE, ends_at=NINE + minutes(50), actor=actor_of(provider))

    assert (held.ends_at, claimed(held)) == (NINE + minutes(50), ["09:00", "09:15", "09:30", "09:45"])


def test_reserve_until_an_end_of_its_own_by_a_client_is_refused(provider):
    with pytest.raises(NotAllowed):
        hold(provider, NINE, ends_at=NINE + minutes(50))


@pytest.mark.parametrize("length", [timedelta(), -minutes(15), DAY + SECOND])
def test_reserve_until_an_impossible_end_is_refused(provider, length):
    with pytest.raises(EndsBeforeStart):
        hold(provider, NINE, ends_at=NINE + length, actor=SYSTEM)


# --- Overrides ------------------------------------------------------------------------------------------------------


def test_reserve_overriding_notice_is_recorded(provider):
    held = hold(provider, NOON + minutes(15), actor=actor_of(provider), overrides=[Override.NOTICE])

    assert held.overrides == ["notice"]


def test_reserve_overriding_the_horizon(provider):
    held = hold(provider, NOON + 8 * DAY, actor=actor_of(provider), overrides=[Override.NOTICE])

    assert (held.overrides, len(claimed(held))) == (["notice"], 1)


def test_reserve_overriding_hours_is_recorded(provider):
    held = hold(provider, at("2026-03-07 10:00"), actor=actor_of(provider), overrides=[Override.HOURS])

    assert (held.overrides, claimed(held)) == (["hours"], [])


def test_reserve_overriding_hours_in_part_claims_the_slots_there_are(provider):
    held = hold(
        provider,
        at("2026-03-04 16:30"),
        ends_at=at("2026-03-04 18:00"),
        actor=actor_of(provider),
        overrides=[Override.HOURS],
    )

    assert claimed(held) == ["16:30", "16:45"]


def test_reserve_overriding_notice_does_not_override_hours(provider):
    with pytest.raises(OutsideHours):
        hold(provider, at("2026-03-07 10:00"), actor=SYSTEM, overrides=[Override.NOTICE])


def test_reserve_overriding_hours_does_not_override_notice(provider):
    with pytest.raises(TooSoon):
        hold(provider, at("2026-03-02 20:00"), actor=SYSTEM, overrides=[Override.HOURS])


@pytest.mark.parametrize("override", list(Override))
def test_reserve_overriding_by_a_client_is_refused(provider, override):
    with pytest.raises(NotAllowed) as refusal:
        hold(provider, NINE, overrides=[override])

    assert refusal.value.field == "override"


@pytest.mark.parametrize("start", ["2026-03-04 10:00", "2026-03-07 10:00"])
def test_reserve_overriding_everything_does_not_override_an_overlap(provider, start):
    everything = {"actor": SYSTEM, "overrides": list(Override)}
    hold(provider, at(start), ends_at=at(start) + minutes(60), **everything)

    for early in (0, 45, -45):
        with pytest.raises(SlotTaken):
            hold(provider, at(start) + minutes(early), ends_at=at(start) + minutes(early + 60), **everything)


# --- How many -------------------------------------------------------------------------------------------------------


def five_holds(provider, client, now=NOON):
    return [hold(provider, NINE + minutes(15 * number), client=client, now=now) for number in range(5)]


def test_reserve_five_holds_and_not_six(provider):
    client = ClientFactory()
    five_holds(provider, client)

    with pytest.raises(TooManyHolds):
        hold(provider, at("2026-03-04 12:00"), client=client)


def test_reserve_counts_the_holds_at_all_providers(provider):
    client = ClientFactory()
    five_holds(provider, client)

    with pytest.raises(TooManyHolds):
        hold(open_provider(horizon_days=3), NINE, client=client)


def test_reserve_counts_each_client_alone(provider):
    five_holds(provider, ClientFactory())

    assert hold(provider, at("2026-03-04 12:00")).status == "held"


def test_reserve_does_not_count_what_was_released(provider):
    client = ClientFactory()
    first, *_ = five_holds(provider, client)
    release(reservation_id=first.pk, actor=actor_of(client), now=NOON)

    assert hold(provider, NINE, client=client).status == "held"


def test_reserve_does_not_count_what_was_confirmed(provider):
    client = ClientFactory()
    first, *_ = five_holds(provider, client)
    confirm(reservation_id=first.pk, actor=actor_of(client), now=NOON)

    assert hold(provider, at("2026-03-04 12:00"), client=client).status == "held"


def test_reserve_does_not_count_holds_from_their_end_on(provider):
    client = ClientFactory()
    five_holds(provider, client)

    assert hold(provider, at("2026-03-04 12:00"), client=client, now=NOON + minutes(30)).status == "held"


def test_reserve_counts_holds_until_the_microsecond_before_their_end(provider):
    client = ClientFactory()
    five_holds(provider, client)

    with pytest.raises(TooManyHolds):
        hold(provider, at("2026-03-04 12:00"), client=client, now=NOON + minutes(30) - timedelta(microseconds=1))


def test_reserve_allows_as_many_as_the_setting_says(provider, settings):
    settings.MAX_LIVE_HOLDS = 1
    client = ClientFactory()
    hold(provider, NINE, client=client)

    with pytest.raises(TooManyHolds):
        hold(provider, NINE + minutes(15), client=client)


# --- The end of a hold ----------------------------------------------------------------------------------------------


def test_reserve_the_time_of_a_hold_at_the_very_moment_it_ends(provider):
    dead = hold(provider, NINE)

    held = hold(provider, NINE, now=NOON + minutes(30))

    dead.refresh_from_db()
    assert (dead.status, dead.closed_at, claimed(held)) == ("expired", NOON + minutes(30), ["09:00"])


def test_reserve_the_time_of_a_hold_a_microsecond_before_it_ends_is_refused(provider):
    hold(provider, NINE)

    with pytest.raises(SlotTaken):
        hold(provider, NINE, now=NOON + minutes(30) - timedelta(microseconds=1))


def test_reserve_expires_only_the_dead_holds_in_the_way(provider):
    hold(provider, NINE)
    elsewhere = hold(provider, NINE + minutes(60))

    hold(provider, NINE, now=NOON + minutes(30))

    elsewhere.refresh_from_db()
    assert elsewhere.status == "held"


def test_reserve_over_several_dead_holds_and_free_slots(provider):
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    for number in (0, 2, 3):
        hold(provider, NINE + minutes(15 * number))

    held = hold(provider, NINE, service_id=service.pk, now=NOON + minutes(30))

    assert claimed(held) == ["09:00", "09:15", "09:30", "09:45"]
    assert broken_promises() == {}


def test_reserve_refused_by_a_live_hold_leaves_the_dead_one_beside_it(provider):
    service = ServiceFactory(duration_minutes=30, providers=[provider])
    dead = hold(provider, NINE)
    hold(provider, NINE + minutes(15), now=NOON + minutes(29))

    with pytest.raises(SlotTaken):
        hold(provider, NINE, service_id=service.pk, now=NOON + minutes(30))

    dead.refresh_from_db()
    assert dead.status == "held"


def test_a_dead_hold_is_listed_as_free_and_can_be_booked_with_no_sweeper(provider):
    hold(provider, NINE)
    now = NOON + minutes(30)

    listed_then = NINE in listed(provider, now)

    assert (listed_then, appoint(provider, NINE, now=now).status) == (True, "scheduled")


def test_the_time_of_a_dead_hold_is_free_where_its_slots_were_withdrawn_and_hours_came_back(provider):
    hold(provider, NINE)
    for hours in ([], [(2, *NINE_TO_FIVE)]):
        set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=NOON)

    assert NINE in listed(provider, NOON + minutes(30))


def test_expire_due_ends_holds_from_their_end_on(provider):
    dead, live = hold(provider, NINE), hold(provider, NINE + minutes(15), now=NOON + SECOND)
    now = NOON + minutes(30)

    count = expire_due(now=now)

    dead.refresh_from_db()
    live.refresh_from_db()
    assert (count, dead.status, dead.closed_at, live.status) == (1, "expired", now, "held")
    assert (claimed(dead), claimed(live)) == ([], ["09:15"])


def test_expire_due_twice_does_nothing_more(provider):
    hold(provider, NINE)
    expire_due(now=NOON + minutes(30))
    before = dump()

    assert (expire_due(now=NOON + minutes(31)), dump() == before) == (0, True)


def test_expire_due_goes_on_until_all_are_done(provider, monkeypatch):
    monkeypatch.setattr(reservations, "SWEEP", 2)
    for number in range(5):
        hold(provider, NINE + minutes(15 * number))

    assert expire_due(now=NOON + minutes(30)) == 5


def test_expire_due_leaves_confirmed_and_released_alone(provider):
    confirmed, released = hold(provider, NINE), hold(provider, NINE + minutes(15))
    confirm(reservation_id=confirmed.pk, actor=SYSTEM, now=NOON)
    release(reservation_id=released.pk, actor=SYSTEM, now=NOON)

    assert expire_due(now=NOON + minutes(30)) == 0


def test_expire_due_leaves_nothing_where_a_slot_was_withdrawn(provider):
    hold(provider, NINE)
    set_working_hours(provider_id=provider.pk, hours=[(3, *NINE_TO_FIVE)], actor=SYSTEM, now=NOON)

    expire_due(now=NOON + minutes(30))

    assert [cell for cell in grid(provider) if cell[0].date() == NINE.date()] == []


@pytest.mark.parametrize("many", [1, 6])
def test_expire_due_takes_the_same_number_of_queries_for_many(provider, many, django_assert_num_queries):
    for number in range(many):
        hold(provider, NINE + minutes(15 * number))

    with django_assert_num_queries(10):
        expire_due(now=NOON + minutes(30))


# --- Giving back ----------------------------------------------------------------------------------------------------


def test_release_frees_the_time_at_once(provider):
    held = hold(provider, NINE)
    later = NOON + minutes(5)

    released = release(reservation_id=held.pk, actor=actor_of(held.client), now=later)

    assert (released.status, released.closed_at, claimed(held)) == ("released", later, [])
    assert NINE in listed(provider, later)


def test_release_again_changes_nothing(provider):
    held = hold(provider, NINE)
    release(reservation_id=held.pk, actor=actor_of(held.client), now=NOON)
    before = dump()

    again = release(reservation_id=held.pk, actor=actor_of(held.client), now=NOON + minutes(5))

    assert (again.status, dump() == before) == ("released", True)


def test_release_again_does_not_free_what_somebody_else_has_taken_since(provider):
    held = hold(provider, NINE)
    release(reservation_id=held.pk, actor=actor_of(held.client), now=NOON)
    taken = hold(provider, NINE)

    release(reservation_id=held.pk, actor=actor_of(held.client), now=NOON)

    assert claimed(taken) == ["09:00"]


def test_release_of_an_expired_hold_changes_nothing(provider):
    held = hold(provider, NINE)
    expire_due(now=NOON + minutes(30))

    assert release(reservation_id=held.pk, actor=actor_of(held.client), now=NOON + minutes(31)).status == "expired"


def test_release_of_a_confirmed_reservation_is_refused(provider):
    held = hold(provider, NINE)
    confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)

    with pytest.raises(AlreadyConfirmed):
        release(reservation_id=held.pk, actor=SYSTEM, now=NOON)


@pytest.mark.parametrize("who", ["provider", "staff"])
def test_release_by_the_provider_or_staff(provider, who):
    held = hold(provider, NINE)
    user = provider.user if who == "provider" else staff_of(MANAGER)

    assert release(reservation_id=held.pk, actor=actor_of(user), now=NOON).status == "released"


def test_release_by_somebody_else_is_refused(provider):
    held = hold(provider, NINE)

    with pytest.raises(NotAllowed):
        release(reservation_id=held.pk, actor=actor_of(ClientFactory()), now=NOON)


def test_release_of_nothing_is_not_found(db):
    with pytest.raises(NotFound):
        release(reservation_id=0, actor=SYSTEM, now=NOON)


def test_release_restores_exactly_the_slots_there_were(provider):
    before = free_cells(provider)
    service = ServiceFactory(duration_minutes=50, buffer_before_minutes=20, providers=[provider])

    held = hold(provider, at("2026-03-04 10:00"), service_id=service.pk)
    release(reservation_id=held.pk, actor=SYSTEM, now=NOON)

    assert free_cells(provider) == before


# --- What stands behind ---------------------------------------------------------------------------------------------


def test_reserve_over_a_claim_the_slots_do_not_show_is_refused_by_the_constraint(provider):
    held = hold(provider, NINE)
    Slot.objects.filter(reservation=held).update(reservation=None)

    with pytest.raises(SlotTaken):
        hold(provider, NINE)
