"""The grid: generated from the hours, claimed, freed, extended; with the same result in any order."""

from contextlib import suppress
from datetime import date, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking.appointments.enums import Action
from booking.appointments.operations import confirm, take_action
from booking.availability.hours import open_hours
from booking.availability.locks import locked_schedule
from booking.availability.operations import (
    clear_date_override,
    close_window,
    end_time_off,
    open_window,
    set_date_override,
    set_policy,
    set_working_hours,
    take_time_off,
)
from booking.availability.search import SlotQuery, free_times
from booking.availability.slots import extend, extend_all, horizon_end, regenerate_slots
from booking.models import Reservation, Schedule, Slot
from booking.reservations.enums import Override
from booking.reservations.errors import OutsideHours, SlotTaken
from booking.reservations.operations import expire_due, release
from scheduler_project.common.time.intervals import covers, merged
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    WEEKDAYS,
    ClientFactory,
    ScheduleFactory,
    SlotFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import broken_promises, free_cells, grid, undone

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "Asia/Beirut",
]
CHANGES = {
    "Europe/Berlin": ("2026-03-29 01:00", "2026-10-25 01:00"),
    "Australia/Lord_Howe": ("2026-04-04 15:00", "2026-10-03 15:30"),
    "Africa/Casablanca": ("2026-02-15 02:00", "2026-03-22 02:00"),
    "America/Santiago": ("2026-04-05 03:00", "2026-09-06 04:00"),
    "Asia/Beirut": ("2026-03-28 22:00", "2026-10-24 21:00"),
}


def starts(provider):
    return [f"{start:%d %H:%M}" for start, _ in free_cells(provider)]


def laid(schedule, start, until):
    """Generate the slots of a calendar in `[start, until)` and return them."""
    regenerate_slots(schedule=schedule, start=start, until=until, now=NOON)
    return free_cells(schedule.provider)


def set_hours(provider, hours):
    return set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=NOON)


# --- Laying out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "slot", "day", "count"),
    [
        ("UTC", 15, "2026-03-29", 96),
        ("Europe/Berlin", 15, "2026-03-29", 92),
        ("Europe/Berlin", 15, "2026-10-25", 100),
        ("Europe/Berlin", 60, "2026-10-25", 25),
        ("Australia/Lord_Howe", 30, "2026-04-05", 49),
        ("Australia/Lord_Howe", 30, "2026-10-04", 47),
        ("Australia/Lord_Howe", 60, "2026-04-05", 24),
        ("Australia/Lord_Howe", 60, "2026-10-04", 23),
        ("Asia/Kathmandu", 60, "2026-03-29", 24),
        ("America/Santiago", 60, "2026-09-06", 23),
        ("America/Santiago", 60, "2026-04-04", 25),
        ("Asia/Beirut", 15, "2026-03-29", 92),
        ("Africa/Casablanca", 20, "2026-02-15", 75),
    ],
)
def test_lay_out_gives_a_day_as_many_slots_as_it_has_room_for(zone, slot, day, count):
    schedule = ScheduleFactory(timezone=zone, slot_minutes=slot)
    midday = at(f"{day} 12:00")
    set_date_override(
        provider_id=schedule.provider_id,
        day=date.fromisoformat(day),
        hours=[(time(0), time(0))],
        actor=SYSTEM,
        now=midday - 7 * DAY,
    )

    slots = laid(schedule, midday - 3 * DAY, midday + 3 * DAY)

    assert len(slots) == count


def test_lay_out_of_a_night_over_the_spring_gap():
    schedule = ScheduleFactory(timezone="Europe/Berlin", slot_minutes=60)
    schedule.working_hours.create(weekday=5, start_time=time(23), end_time=time(5))

    slots = laid(schedule, at("2026-03-28"), at("2026-03-30"))

    assert [f"{start:%H:%M}" for start, _ in slots] == ["22:00", "23:00", "00:00", "01:00", "02:00"]


def test_lay_out_of_hours_until_midnight_where_midnight_does_not_exist():
    schedule = ScheduleFactory(timezone="America/Santiago", slot_minutes=60)
    schedule.working_hours.create(weekday=5, start_time=time(22), end_time=time(0))

    slots = laid(schedule, at("2026-09-05"), at("2026-09-07"))

    assert [f"{start:%d %H:%M}" for start, _ in slots] == ["06 02:00", "06 03:00"]


def test_lay_out_of_hours_from_a_midnight_that_does_not_exist():
    schedule = ScheduleFactory(timezone="America/Santiago", slot_minutes=60)
    schedule.working_hours.create(weekday=6, start_time=time(0), end_time=time(2))

    slots = laid(schedule, at("2026-09-05"), at("2026-09-07"))

    assert [f"{start:%d %H:%M}" for start, _ in slots] == ["06 04:00"]


def test_lay_out_of_the_hour_that_comes_twice_has_it_twice():
    schedule = ScheduleFactory(timezone="Europe/Berlin", slot_minutes=30)
    schedule.working_hours.create(weekday=6, start_time=time(2), end_time=time(3))

    slots = laid(schedule, at("2026-10-24"), at("2026-10-26"))

    assert [f"{start:%H:%M}" for start, _ in slots] == ["00:00", "00:30", "01:00", "01:30"]


def test_lay_out_of_the_hour_that_never_comes_has_nothing():
    schedule = ScheduleFactory(timezone="Europe/Berlin")
    schedule.working_hours.create(weekday=6, start_time=time(2), end_time=time(3))

    assert laid(schedule, at("2026-03-28"), at("2026-03-30")) == []


def test_lay_out_in_kathmandu_stands_on_its_own_full_hours():
    schedule = ScheduleFactory(timezone="Asia/Kathmandu", slot_minutes=60)
    schedule.working_hours.create(weekday=1, start_time=time(9), end_time=time(11))

    slots = laid(schedule, at("2026-03-03"), at("2026-03-04"))

    assert slots == [
        (at("2026-03-03 03:15"), at("2026-03-03 04:15")),
        (at("2026-03-03 04:15"), at("2026-03-03 05:15")),
    ]


def test_lay_out_skips_the_half_hour_lord_howe_loses():
    schedule = ScheduleFactory(timezone="Australia/Lord_Howe", slot_minutes=60)
    schedule.working_hours.create(weekday=6, start_time=time(0), end_time=time(5))

    slots = laid(schedule, at("2026-10-03"), at("2026-10-05"))

    local = [start.astimezone(ZoneInfo("Australia/Lord_Howe")) for start, _ in slots]
    assert [f"{clock:%H:%M}" for clock in local] == ["00:00", "01:00", "03:00", "04:00"]


def test_lay_out_touches_only_slots_that_start_in_the_stretch():
    schedule = ScheduleFactory(weekdays=True)
    before = SlotFactory(provider=schedule.provider, starts_at=at("2026-03-03 03:00"))
    after = SlotFactory(provider=schedule.provider, starts_at=at("2026-03-03 05:00"))
    SlotFactory(provider=schedule.provider, starts_at=at("2026-03-03 04:00"))

    regenerate_slots(schedule=schedule, start=at("2026-03-03 04:00"), until=at("2026-03-03 05:00"), now=NOON)

    assert set(Slot.objects.values_list("pk", flat=True)) == {before.pk, after.pk}


def test_lay_out_leaves_other_providers_alone():
    schedule, other = ScheduleFactory(weekdays=True), SlotFactory(starts_at=at("2026-03-03 03:00"))

    regenerate_slots(schedule=schedule, start=at("2026-03-03"), until=at("2026-03-04"), now=NOON)

    assert Slot.objects.filter(pk=other.pk).exists()


def test_lay_out_counts_what_it_added_and_removed():
    provider = open_provider()
    set_hours(provider, [(1, time(10), time(18))])
    schedule = Schedule.objects.get(provider=provider)
    schedule.working_hours.update(start_time=time(12), end_time=time(19))

    assert regenerate_slots(schedule=schedule, start=at("2026-03-03"), until=at("2026-03-04"), now=NOON) == (4, 8)


times_of_day = st.integers(4 * 4, 23 * 4 - 1).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
daytimes = (
    st.tuples(st.integers(0, 6), times_of_day, times_of_day)
    .map(lambda rule: (rule[0], *sorted(rule[1:])))
    .filter(lambda rule: rule[1] < rule[2])
)


def wall_clock_cells(hours, zone, slot, start, until):
    """Return the cells of a local clock: every step whose quarters all lie in some rule."""
    zone = ZoneInfo(zone)
    open_quarters = set()
    quarter = start
    while quarter < until + DAY:
        local = quarter.astimezone(zone)
        if any(day == local.weekday() and a <= local.time() < b for day, a, b in hours):
            open_quarters.add(quarter)
        quarter += minutes(15)
    return [
        (cell, cell + minutes(slot))
        for cell in sorted(open_quarters)
        if cell < until
        and cell.astimezone(zone).minute % slot == 0
        and all(cell + minutes(number) in open_quarters for number in range(0, slot, 15))
    ]


@given(
    zone=st.sampled_from(sorted(CHANGES)),
    change=st.integers(0, 1),
    slot=st.sampled_from([15, 30, 60]),
    hours=st.lists(daytimes, max_size=6, unique_by=lambda rule: rule[:2]),
)
def test_lay_out_is_what_a_clock_on_the_wall_says(zone, change, slot, hours):
    moment = at(CHANGES[zone][change])
    start, until = moment - 4 * DAY, moment + 4 * DAY
    with undone():
        schedule = ScheduleFactory(timezone=zone, slot_minutes=slot)
        for day, a, b in hours:
            schedule.working_hours.create(weekday=day, start_time=a, end_time=b)

        assert laid(schedule, start, until) == wall_clock_cells(hours, zone, slot, start, until)


any_time = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
any_hours = st.lists(st.tuples(st.integers(0, 6), any_time, any_time), max_size=6, unique_by=lambda rule: rule[:2])


@given(
    zone=st.sampled_from(sorted(CHANGES)),
    change=st.integers(0, 1),
    slot=st.sampled_from([5, 15, 20, 30, 60]),
    hours=any_hours,
)
@example("Australia/Lord_Howe", 0, 60, list(ALWAYS))
@example("Australia/Lord_Howe", 1, 60, list(ALWAYS))
@example("America/Santiago", 1, 15, [(5, time(22), time(0, 15)), (6, time(0, 15), time(0, 30))])
def test_lay_out_never_overlaps_and_stays_within_the_hours_on_the_local_grid(zone, change, slot, hours):
    moment = at(CHANGES[zone][change])
    with undone():
        schedule = ScheduleFactory(timezone=zone, slot_minutes=slot)
        for day, a, b in hours:
            schedule.working_hours.create(weekday=day, start_time=a, end_time=b)
        opened = merged(open_hours(schedule, moment - 4 * DAY, moment + 4 * DAY))

        slots = laid(schedule, moment - 3 * DAY, moment + 3 * DAY)

        assert all(before[1] <= after[0] for before, after in pairwise(slots))
        assert all(covers(opened, *cell) for cell in slots)
        assert all(end - start == minutes(slot) for start, end in slots)
        assert all(start.astimezone(ZoneInfo(zone)).minute % slot == 0 for start, _ in slots)


@given(zone=st.sampled_from(ZONES), hours=any_hours)
def test_lay_out_of_quarters_has_the_real_minutes_of_the_hours(zone, hours):
    start, until = at("2026-03-20"), at("2026-04-08")
    with undone():
        schedule = ScheduleFactory(timezone=zone)
        for day, a, b in hours:
            schedule.working_hours.create(weekday=day, start_time=a, end_time=b)

        slots = laid(schedule, start, until)

        assert len(slots) * minutes(15) == sum((b - a for a, b in open_hours(schedule, start, until)), timedelta())


@given(zone=st.sampled_from(ZONES), slot=st.sampled_from([15, 60]), hours=any_hours)
def test_lay_out_twice_changes_nothing(zone, slot, hours):
    with undone():
        schedule = ScheduleFactory(timezone=zone, slot_minutes=slot)
        for day, a, b in hours:
            schedule.working_hours.create(weekday=day, start_time=a, end_time=b)
        stretch = {"start": at("2026-03-26"), "until": at("2026-04-06")}
        regenerate_slots(schedule=schedule, **stretch, now=NOON)
        before = list(Slot.objects.order_by("pk").values_list())

        assert regenerate_slots(schedule=schedule, **stretch, now=NOON) == (0, 0)
        assert list(Slot.objects.order_by("pk").values_list()) == before


@given(
    zone=st.sampled_from(ZONES),
    slot=st.sampled_from([15, 60]),
    hours=any_hours,
    cuts=st.lists(st.integers(0, 11 * 24 * 60), max_size=3),
)
def test_lay_out_piece_by_piece_is_lay_out_at_once(zone, slot, hours, cuts):
    start, until = at("2026-03-26"), at("2026-04-06")
    edges = [start, *(start + minutes(cut) for cut in sorted(cuts)), until]
    with undone():
        once, pieces = (ScheduleFactory(timezone=zone, slot_minutes=slot) for _ in range(2))
        for schedule in (once, pieces):
            for day, a, b in hours:
                schedule.working_hours.create(weekday=day, start_time=a, end_time=b)
        regenerate_slots(schedule=once, start=start, until=until, now=NOON)

        for a, b in pairwise(edges):
            regenerate_slots(schedule=pieces, start=a, until=b, now=NOON)

        assert grid(pieces.provider) == grid(once.provider)


# --- Claimed slots and what becomes of them -------------------------------------------------------------------------


def test_lay_out_withdraws_a_claimed_slot_outside_the_hours():
    provider = open_provider(horizon_days=3)
    booked = appoint(provider, at("2026-03-04 09:00"))

    set_hours(provider, [])

    assert grid(provider) == [(at("2026-03-04 09:00"), at("2026-03-04 09:15"), booked.reservation_id, True)]


def test_lay_out_takes_a_withdrawn_slot_back_when_the_hours_return():
    provider = open_provider(horizon_days=3)
    booked = appoint(provider, at("2026-03-04 09:00"))
    set_hours(provider, [])

    set_hours(provider, [(2, time(9), time(9, 15))])

    assert grid(provider) == [(at("2026-03-04 09:00"), at("2026-03-04 09:15"), booked.reservation_id, False)]


def set_grid(provider, **changes):
    return set_policy(provider_id=provider.pk, changes=changes, actor=SYSTEM, now=NOON)


def test_lay_out_of_another_grid_claims_the_cell_a_booking_lies_in():
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    booked = appoint(provider, at("2026-03-04 10:15"))

    set_grid(provider, slot_minutes=60)

    assert grid(provider) == [
        (at("2026-03-04 09:00"), at("2026-03-04 10:00"), None, False),
        (at("2026-03-04 10:00"), at("2026-03-04 11:00"), booked.reservation_id, False),
        (at("2026-03-04 11:00"), at("2026-03-04 12:00"), None, False),
    ]


def test_lay_out_of_another_grid_counts_the_free_slots_only():
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    appoint(provider, at("2026-03-04 10:15"))

    change = set_grid(provider, slot_minutes=60)

    assert (change.slots_added, change.slots_removed) == (2, 11)


def test_lay_out_of_a_finer_grid_again_claims_no_more_than_the_booking_does():
    provider = open_provider(horizon_days=3, hours=[])
    appoint(provider, at("2026-03-04 10:15"), overrides=[Override.HOURS])
    set_grid(provider, slot_minutes=60)
    set_hours(provider, [(2, time(10), time(11))])

    set_grid(provider, slot_minutes=15)

    assert starts(provider) == ["04 10:00", "04 10:30", "04 10:45"]


def test_lay_out_of_another_grid_lists_the_time_of_a_dead_hold():
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    hold(provider, at("2026-03-04 10:15"))

    set_grid(provider, slot_minutes=60)

    assert [f"{start:%H:%M}" for start, _ in listed(provider, NOON + minutes(30))] == ["09:00", "10:00", "11:00"]


@pytest.mark.parametrize("first", ["hold", "booking"])
def test_lay_out_of_another_grid_lists_no_cell_that_a_dead_hold_shares_with_a_booking(first):
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    deeds = [(hold, at("2026-03-04 10:15")), (appoint, at("2026-03-04 10:30"))]
    for deed, start in deeds if first == "hold" else reversed(deeds):
        deed(provider, start)

    set_grid(provider, slot_minutes=60)

    assert [f"{start:%H:%M}" for start, _ in listed(provider, NOON + minutes(30))] == ["09:00", "11:00"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_lay_out_of_another_grid_lets_holds_that_share_a_cell_be_confirmed_and_given_up(order):
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    holds = [hold(provider, at("2026-03-04 10:15")), hold(provider, at("2026-03-04 10:30"))]
    set_grid(provider, slot_minutes=60)

    one, other = (confirm(reservation_id=holds[number].pk, actor=SYSTEM, now=NOON) for number in order)
    promises = broken_promises()
    take_action(appointment_id=one.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
    half = [f"{start:%H:%M}" for start, _ in listed(provider, NOON)]
    take_action(appointment_id=other.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert (promises, half) == ({}, ["09:00", "11:00"])
    assert [f"{start:%H:%M}" for start, _ in listed(provider, NOON)] == ["09:00", "10:00", "11:00"]
    assert broken_promises() == {}


def test_lay_out_claims_a_last_cell_that_reaches_into_what_is_booked_beyond_it():
    provider = open_provider(horizon_days=1, hours=ALWAYS)
    end = Schedule.objects.get(provider=provider).slots_until
    booked = appoint(provider, end, overrides=[Override.HOURS, Override.NOTICE])

    set_grid(provider, timezone="Asia/Kathmandu", slot_minutes=60)

    assert grid(provider)[-1] == (end - minutes(45), end + minutes(15), booked.reservation_id, False)


def test_lay_out_claims_new_slots_for_what_was_booked_outside_the_hours():
    provider = open_provider(horizon_days=3, hours=[])
    booked = appoint(provider, at("2026-03-04 10:00"), overrides=[Override.HOURS])

    set_hours(provider, [(2, time(10), time(10, 30))])

    assert grid(provider) == [
        (at("2026-03-04 10:00"), at("2026-03-04 10:15"), booked.reservation_id, False),
        (at("2026-03-04 10:15"), at("2026-03-04 10:30"), None, False),
    ]


def test_lay_out_of_a_coarser_grid_claims_the_whole_cell_a_booking_touches():
    provider = open_provider(horizon_days=3, hours=[])
    booked = appoint(provider, at("2026-03-04 10:15"), overrides=[Override.HOURS])
    set_policy(provider_id=provider.pk, changes={"slot_minutes": 60}, actor=SYSTEM, now=NOON)

    set_hours(provider, [(2, time(10), time(11))])

    assert grid(provider) == [(at("2026-03-04 10:00"), at("2026-03-04 11:00"), booked.reservation_id, False)]


def test_vacate_deletes_a_withdrawn_slot():
    provider = open_provider(horizon_days=3)
    booked = appoint(provider, at("2026-03-04 09:00"))
    set_hours(provider, [])

    take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert grid(provider) == []


def test_vacate_frees_the_cell_of_another_grid():
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    booked = appoint(provider, at("2026-03-04 10:15"))
    set_policy(provider_id=provider.pk, changes={"slot_minutes": 60}, actor=SYSTEM, now=NOON)

    take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert starts(provider) == ["04 09:00", "04 10:00", "04 11:00"]


def test_vacate_passes_a_slot_on_to_other_live_time_it_overlaps():
    provider = open_provider(horizon_days=3, hours=[])
    first = appoint(provider, at("2026-03-04 10:15"), overrides=[Override.HOURS])
    second = appoint(provider, at("2026-03-04 10:30"), overrides=[Override.HOURS])
    set_policy(provider_id=provider.pk, changes={"slot_minutes": 60}, actor=SYSTEM, now=NOON)
    set_hours(provider, [(2, time(10), time(11))])
    owner, other = sorted((first, second), key=lambda made: made.reservation_id != grid(provider)[0][2])

    take_action(appointment_id=owner.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert grid(provider) == [(at("2026-03-04 10:00"), at("2026-03-04 11:00"), other.reservation_id, False)]


def test_a_withdrawn_slot_across_where_changed_hours_begin_makes_way():
    provider = open_provider(hours=ALWAYS, horizon_days=3, slot_minutes=60, timezone="Asia/Kathmandu")
    booked = appoint(provider, at("2026-03-04 09:15"))
    who = {"provider_id": provider.pk, "actor": SYSTEM, "now": NOON}
    set_working_hours(**who, hours=[])
    set_policy(**who, changes={"timezone": "UTC"})

    open_window(**who, starts_at=at("2026-03-04 10:00"), ends_at=at("2026-03-04 11:00"))

    assert grid(provider) == [(at("2026-03-04 10:00"), at("2026-03-04 11:00"), booked.reservation_id, False)]
    assert broken_promises() == {}


# --- Paths ----------------------------------------------------------------------------------------------------------

RULES = [
    [],
    list(WEEKDAYS),
    list(ALWAYS),
    [(1, time(10), time(16)), (2, time(10), time(14)), (3, time(22), time(4))],
    [(1, time(8), time(9)), (1, time(11), time(12)), (2, time(0), time(0))],
]
DAYS = [date(2026, 3, 3), date(2026, 3, 4)]
FIRST = at("2026-03-03 08:00")

quarters = st.integers(0, 4 * 40).map(lambda number: FIRST + minutes(15 * number))
changes_of_hours = st.one_of(
    st.tuples(st.just("hours"), st.sampled_from(RULES)),
    st.tuples(st.just("override"), st.sampled_from(DAYS), st.sampled_from([[], [(time(9), time(12))]])),
    st.tuples(st.just("no override"), st.sampled_from(DAYS)),
    st.tuples(st.just("window"), quarters, st.integers(1, 12)),
    st.tuples(st.just("no windows")),
    st.tuples(st.just("time off"), quarters, st.integers(1, 300)),
    st.tuples(st.just("no time off")),
)
changes_of_grid = st.one_of(
    st.tuples(st.just("policy"), st.just("slot_minutes"), st.sampled_from([15, 30, 60])),
    st.tuples(st.just("policy"), st.just("timezone"), st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Berlin"])),
)
bookings = st.one_of(
    st.tuples(st.just("book"), quarters, st.integers(1, 8)),
    st.tuples(st.just("hold"), quarters, st.integers(1, 8)),
    st.tuples(st.just("end one"), st.integers(0, 9)),
    st.tuples(st.just("sweep")),
)


def perform(provider, client, change):  # noqa: C901, PLR0912  (a table of changes)
    """Do one change to a provider's calendar, as generated by the strategies above, and return its slots."""
    who = {"provider_id": provider.pk, "actor": SYSTEM, "now": NOON}
    anyway = {"overrides": [Override.HOURS, Override.NOTICE], "client": client, "actor": SYSTEM}
    schedule = Schedule.objects.get(provider=provider)
    match change:
        case "hours", hours:
            return set_working_hours(**who, hours=hours)
        case "override", day, hours:
            return set_date_override(**who, day=day, hours=hours)
        case "no override", day:
            for override in schedule.date_overrides.filter(date=day):
                clear_date_override(override=override, actor=SYSTEM, now=NOON)
        case "window", start, length:
            start = on_grid(schedule, start)
            return open_window(**who, starts_at=start, ends_at=start + length * HOUR)
        case ("no windows",):
            for window in schedule.windows.all():
                close_window(window=window, actor=SYSTEM, now=NOON)
        case "time off", start, length:
            return take_time_off(**who, fields={"starts_at": start, "ends_at": start + minutes(length)})
        case ("no time off",):
            for time_off in schedule.time_off.all():
                end_time_off(time_off=time_off, actor=SYSTEM, now=NOON)
        case "policy", name, value:
            return set_policy(**who, changes={name: value})
        case ("book" | "hold") as kind, start, length:
            start = on_grid(schedule, start)
            with suppress(SlotTaken):
                (appoint if kind == "book" else hold)(provider, start, ends_at=start + minutes(15 * length), **anyway)
        case "end one", number:
            live = Reservation.objects.filter(provider=provider, status__in=["held", "confirmed"]).order_by("pk")
            end(list(live)[number : number + 1])
        case ("sweep",):
            expire_due(now=NOON + HOUR)
    return None


def on_grid(schedule, instant):
    """Return the start of the hour in the calendar's timezone, which is on every grid."""
    local = instant.astimezone(schedule.zone)
    return instant - minutes(local.minute)


def end(reservations):
    for reservation in reservations:
        if hasattr(reservation, "appointment"):
            take_action(appointment_id=reservation.appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
        else:
            release(reservation_id=reservation.pk, actor=SYSTEM, now=NOON)


def afresh(provider):
    """Return the slots generated from nothing by the provider's current hours, with nothing booked."""
    schedule = Schedule.objects.get(provider=provider)
    other = ScheduleFactory(timezone=schedule.timezone, slot_minutes=schedule.slot_minutes)
    for rows in (schedule.working_hours, schedule.date_overrides, schedule.windows, schedule.time_off):
        for row in rows.all():
            row.pk, row.schedule = None, other
            row.save()
    regenerate_slots(schedule=other, start=NOON, until=schedule.slots_until, now=NOON)
    return free_cells(other.provider)


def listed(provider, now):
    """Return the free cells as callers see them, including those of expired holds."""
    schedule = Schedule.objects.get(provider=provider)
    search = SlotQuery(now, schedule.slots_until, now, schedule.provider_id, any_notice=True)
    return [(time.starts_at, time.ends_at) for time in free_times(search)]


def clear_of(cells, reservations):
    return [
        (start, until)
        for start, until in cells
        if not any(start < claim.blocked_until and until > claim.blocked_from for claim in reservations)
    ]


@given(st.lists(changes_of_hours | changes_of_grid | bookings, max_size=10))
def test_any_changes_and_bookings_leave_the_free_slots_the_hours_say(changes):
    with undone():
        provider, client = open_provider(horizon_days=3, hold_minutes=1), ClientFactory()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.conf.settings.MAX_LIVE_HOLDS", 100)
            for change in changes:
                perform(provider, client, change)
                assert broken_promises() == {}

        cells = afresh(provider)
        live = Reservation.objects.filter(provider=provider, status__in=["held", "confirmed"])
        assert free_cells(provider) == clear_of(cells, live)
        later = [cell for cell in cells if cell[0] >= NOON + HOUR]
        assert listed(provider, NOON + HOUR) == clear_of(later, live.filter(status="confirmed"))


@given(st.lists(changes_of_hours | changes_of_grid | bookings, max_size=10))
def test_any_changes_leave_what_the_hours_say_once_every_booking_has_ended(changes):
    with undone():
        provider, client = open_provider(horizon_days=3, hold_minutes=1), ClientFactory()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.conf.settings.MAX_LIVE_HOLDS", 100)
            for change in changes:
                perform(provider, client, change)
                assert broken_promises() == {}

        end(Reservation.objects.filter(provider=provider, status__in=["held", "confirmed"]))

        assert grid(provider) == [(start, until, None, False) for start, until in afresh(provider)]


@given(
    booked=st.lists(st.tuples(st.just("book"), quarters, st.integers(1, 8)), min_size=1, max_size=4),
    changes=st.lists(changes_of_hours, max_size=6),
)
def test_any_changes_of_hours_keep_every_claimed_slot_and_reservation(booked, changes):
    with undone():
        provider, client = open_provider(horizon_days=3), ClientFactory()
        for booking in booked:
            perform(provider, client, booking)
        reservations = list(Reservation.objects.order_by("pk").values_list())
        claimed = set(Slot.objects.filter(reservation__isnull=False).values_list("pk", "starts_at", "reservation"))

        for change in changes:
            perform(provider, client, change)

        assert list(Reservation.objects.order_by("pk").values_list()) == reservations
        assert claimed <= set(
            Slot.objects.filter(reservation__isnull=False).values_list("pk", "starts_at", "reservation")
        )


@given(
    booked=st.lists(st.tuples(st.just("book"), quarters, st.integers(1, 8)), min_size=1, max_size=4),
    changes=st.lists(changes_of_hours | changes_of_grid, max_size=6),
)
def test_any_changes_keep_every_reservation(booked, changes):
    with undone():
        provider, client = open_provider(horizon_days=3), ClientFactory()
        for booking in booked:
            perform(provider, client, booking)
        reservations = list(Reservation.objects.order_by("pk").values_list())

        for change in changes:
            perform(provider, client, change)

        assert list(Reservation.objects.order_by("pk").values_list()) == reservations


def test_a_free_time_can_be_booked_after_any_change_of_grid():
    provider = open_provider(horizon_days=3, hours=[(2, time(9), time(12))])
    appoint(provider, at("2026-03-04 10:15"))
    set_policy(provider_id=provider.pk, changes={"slot_minutes": 60}, actor=SYSTEM, now=NOON)

    booked = appoint(provider, at("2026-03-04 11:00"))

    assert (booked.ends_at, starts(provider)) == (at("2026-03-04 12:00"), ["04 09:00"])


# --- The horizon ----------------------------------------------------------------------------------------------------


def test_horizon_end_lies_two_days_beyond_the_horizon_on_the_full_hour():
    schedule = ScheduleFactory.build(horizon_days=10)

    assert horizon_end(schedule, NOON + minutes(59)) == NOON + 12 * DAY


def test_extend_lays_out_slots_up_to_the_horizons_end():
    provider = open_provider(horizon_days=1, slot_minutes=60, hours=ALWAYS)

    assert (starts(provider)[0], starts(provider)[-1]) == ("02 12:00", "05 11:00")


def test_extend_again_at_once_adds_nothing():
    provider = open_provider(horizon_days=1)

    assert extend(schedule_id=provider.schedule.pk, now=NOON) == 0


def test_extend_adds_the_days_that_came_into_sight():
    provider = open_provider(horizon_days=1, slot_minutes=60)

    added = extend(schedule_id=provider.schedule.pk, now=NOON + DAY)

    assert (added, starts(provider)[-1]) == (8, "06 11:00")


def test_extend_drops_free_slots_older_than_a_day():
    provider = open_provider(horizon_days=3, slot_minutes=60)
    booked = appoint(provider, at("2026-03-03 12:00"))

    extend(schedule_id=provider.schedule.pk, now=at("2026-03-04 13:00"))

    assert grid(provider)[:2] == [
        (at("2026-03-03 12:00"), at("2026-03-03 13:00"), booked.reservation_id, False),
        (at("2026-03-03 13:00"), at("2026-03-03 14:00"), None, False),
    ]


def test_extend_claims_what_is_booked_beyond_the_old_end():
    provider = open_provider(horizon_days=1, slot_minutes=60)
    booked = appoint(provider, at("2026-03-10 10:00"), overrides=[Override.HOURS, Override.NOTICE])

    extend(schedule_id=provider.schedule.pk, now=NOON + 7 * DAY)

    assert [cell[2] for cell in grid(provider) if cell[0] == at("2026-03-10 10:00")] == [booked.reservation_id]


@given(
    zone=st.sampled_from(ZONES),
    slot=st.sampled_from([15, 60]),
    hours=any_hours,
    hops=st.lists(st.integers(0, 700), max_size=3),
)
def test_extend_in_steps_is_extend_at_once(zone, slot, hours, hops):
    start = at("2026-03-25 12:00")
    moments = sorted(start + minutes(hop * 15) for hop in hops)
    last = start + 8 * DAY
    with undone():
        options = {"timezone": zone, "slot_minutes": slot, "hours": hours, "horizon_days": 3, "now": start}
        once, steps = open_provider(**options), open_provider(**options)

        extend(schedule_id=once.schedule.pk, now=last)
        for moment in (*moments, last):
            extend(schedule_id=steps.schedule.pk, now=moment)

        assert [cell for cell in grid(steps) if cell[0] >= last] == [cell for cell in grid(once) if cell[0] >= last]


def test_extend_all_extends_every_calendar_and_counts():
    first, second = open_provider(horizon_days=1, slot_minutes=60), open_provider(horizon_days=1, slot_minutes=60)
    idle = open_provider(horizon_days=1, slot_minutes=60)
    idle.is_active = False
    idle.save()

    added = extend_all(now=NOON + DAY)

    assert (added, starts(first)[-1], starts(second)[-1], starts(idle)[-1]) == (24, "06 11:00", "06 11:00", "06 11:00")


def test_extend_all_extends_the_others_though_one_calendar_fails(monkeypatch):
    broken, sound = open_provider(horizon_days=1, slot_minutes=60), open_provider(horizon_days=1, slot_minutes=60)

    def lay_out_but_one(*, schedule, **how):
        if schedule.provider_id == broken.pk:
            raise ZeroDivisionError
        return regenerate_slots(schedule=schedule, **how)

    monkeypatch.setattr("booking.availability.slots.regenerate_slots", lay_out_but_one)
    with pytest.raises(ZeroDivisionError):
        extend_all(now=NOON + DAY)

    assert (starts(broken)[-1], starts(sound)[-1]) == ("05 11:00", "06 11:00")


def test_extend_all_twice_adds_nothing():
    open_provider(horizon_days=1)
    extend_all(now=NOON + DAY)

    assert extend_all(now=NOON + DAY) == 0


def test_a_time_beyond_the_slots_is_outside_the_hours():
    provider = open_provider(horizon_days=1)

    with pytest.raises(OutsideHours):
        appoint(provider, at("2026-03-10 10:00"), overrides=[Override.NOTICE])


def test_locked_schedule_is_the_providers():
    provider = open_provider(horizon_days=1)

    assert locked_schedule(provider.pk) == provider.schedule
