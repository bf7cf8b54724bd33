"""Changes of a provider's availability: slots follow, bookings stay, conflicts are reported, previews change
nothing."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.availability.errors import BadHours, EndsBeforeStart, InThePast, OffGrid
from booking.availability.operations import (
    change_time_off,
    clear_date_override,
    close_business,
    close_window,
    end_time_off,
    move_window,
    open_schedule,
    open_window,
    reopen_business,
    set_date_override,
    set_policy,
    set_working_hours,
    take_time_off,
)
from booking.availability.slots import extend
from booking.models import AvailabilityWindow, Closure, DateOverride, Schedule, TimeOff, WorkingHours
from booking.reservations.enums import Override
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import preview
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    WEEKDAYS,
    ClientFactory,
    ProviderFactory,
    TimeOffFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import dump, free_cells, undone

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)
NINE_TO_TEN = [(time(9), time(10))]


def starts(provider, day="03"):
    return [f"{start:%H:%M}" for start, _ in free_cells(provider) if f"{start:%d}" == day]


def conflicts(change):
    return [f"{appointment.starts_at:%d %H:%M}" for appointment in change.conflicts]


def by(provider, **arguments):
    return {"provider_id": provider.pk, "actor": actor_of(provider), "now": NOON} | arguments


def hourly(**options):
    return open_provider(**{"horizon_days": 3, "slot_minutes": 60} | options)


# --- A new calendar -------------------------------------------------------------------------------------------------


def test_open_schedule_works_monday_to_friday_nine_to_five():
    schedule = open_schedule(provider=ProviderFactory(), timezone="Europe/Berlin", now=NOON)

    rules = schedule.working_hours.values_list("weekday", "start_time", "end_time")
    assert (schedule.timezone, tuple(rules)) == ("Europe/Berlin", WEEKDAYS)


def test_open_schedule_lays_slots_at_once():
    provider = ProviderFactory()

    schedule = open_schedule(provider=provider, timezone="Europe/Berlin", now=NOON)

    assert starts(provider)[0] == "08:00"
    assert schedule.slots_until == NOON + 92 * DAY


# --- Weekly hours ---------------------------------------------------------------------------------------------------


def test_set_working_hours_replaces_the_rules():
    provider = hourly()

    set_working_hours(**by(provider), hours=[(1, time(13), time(15)), (1, time(9), time(10))])

    rules = WorkingHours.objects.filter(schedule=provider.schedule).values_list("weekday", "start_time", "end_time")
    assert list(rules) == [(1, time(9), time(10)), (1, time(13), time(15))]


def test_set_working_hours_moves_the_free_slots():
    provider = hourly()

    change = set_working_hours(**by(provider), hours=[(1, time(13), time(19))])

    assert starts(provider) == ["13:00", "14:00", "15:00", "16:00", "17:00", "18:00"]
    assert (change.slots_added, change.slots_removed) == (2, 33)


def test_set_working_hours_joins_overlapping_stretches():
    provider = hourly()

    set_working_hours(**by(provider), hours=[(1, time(9), time(11)), (1, time(10), time(12))])

    assert starts(provider) == ["09:00", "10:00", "11:00"]


def test_set_working_hours_until_midnight():
    provider = hourly()

    set_working_hours(**by(provider), hours=[(1, time(22), time(0))])

    assert (starts(provider, "03"), starts(provider, "04")) == (["22:00", "23:00"], [])


def test_set_working_hours_past_midnight_belong_to_the_day_they_start_on():
    provider = hourly()

    set_working_hours(**by(provider), hours=[(1, time(23), time(2))])

    assert (starts(provider, "03"), starts(provider, "04")) == (["23:00"], ["00:00", "01:00"])


@pytest.mark.parametrize(
    ("start", "end", "field", "nearest"),
    [
        (time(9, 10), time(17), "start_time", ["09:00", "09:15"]),
        (time(9), time(16, 59), "end_time", ["16:45", "17:00"]),
        (time(9), time(23, 50), "end_time", ["23:45", "24:00"]),
        (time(9, 0, 1), time(17), "start_time", ["09:00", "09:15"]),
    ],
)
def test_set_working_hours_off_the_grid_gives_the_nearest_times(start, end, field, nearest):
    provider = open_provider(horizon_days=1)

    with pytest.raises(OffGrid) as refusal:
        set_working_hours(**by(provider), hours=[(1, start, end)])

    assert (refusal.value.field, refusal.value.details) == (field, {"nearest": nearest})


def test_set_working_hours_refuses_two_that_begin_together():
    provider = hourly()

    with pytest.raises(BadHours):
        set_working_hours(**by(provider), hours=[(1, time(9), time(11)), (1, time(9), time(12))])


def test_set_working_hours_refused_leaves_everything_as_it_was():
    provider = hourly()
    before = dump()

    with pytest.raises(OffGrid):
        set_working_hours(**by(provider), hours=[(1, time(9), time(11)), (2, time(9, 30), time(12))])

    assert dump() == before


def test_set_working_hours_keeps_a_booking_and_names_it_as_a_conflict():
    provider = hourly()
    booked = appoint(provider, at("2026-03-04 09:00"))

    change = set_working_hours(**by(provider), hours=[(2, time(10), time(17))])

    booked.refresh_from_db()
    assert (change.conflicts, booked.status) == ([booked], "scheduled")


def test_set_working_hours_names_conflicts_in_order_and_no_others():
    provider = hourly(horizon_days=5)
    for start in ("2026-03-05 16:00", "2026-03-04 09:00", "2026-03-04 10:00"):
        appoint(provider, at(start))
    appoint(provider, at("2026-03-05 20:00"), overrides=[Override.HOURS])
    cancelled = appoint(provider, at("2026-03-05 09:00"))
    take_action(appointment_id=cancelled.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
    hold(provider, at("2026-03-05 10:00"))
    appoint(hourly(), at("2026-03-05 09:00"))

    change = set_working_hours(**by(provider), hours=[(2, time(10), time(12)), (3, time(12), time(16))])

    assert conflicts(change) == ["04 09:00", "05 16:00"]


def test_set_working_hours_names_an_appointment_that_sticks_out_by_a_part():
    provider = open_provider(horizon_days=3)
    appoint(provider, at("2026-03-04 10:30"), ends_at=at("2026-03-04 11:30"), actor=SYSTEM)

    change = set_working_hours(**by(provider), hours=[(2, time(9), time(11, 15))])

    assert conflicts(change) == ["04 10:30"]


def test_set_working_hours_does_not_name_an_appointment_that_just_fits():
    provider = open_provider(horizon_days=3)
    appoint(provider, at("2026-03-04 10:30"), ends_at=at("2026-03-04 11:30"), actor=SYSTEM)

    change = set_working_hours(**by(provider), hours=[(2, time(10, 30), time(11, 30))])

    assert conflicts(change) == []


def test_set_working_hours_names_a_conflict_beyond_the_slots():
    provider = hourly()
    appoint(provider, at("2026-06-02 09:00"), overrides=[Override.HOURS, Override.NOTICE])

    change = set_working_hours(**by(provider), hours=[])

    assert conflicts(change) == ["02 09:00"]


def test_set_working_hours_leaves_the_past_alone():
    provider = hourly(now=NOON - 2 * DAY)
    before = [cell for cell in free_cells(provider) if cell[0] < NOON]

    set_working_hours(**by(provider), hours=[])

    assert free_cells(provider) == before != []


def test_set_working_hours_is_for_the_provider_and_staff():
    provider = hourly()

    with pytest.raises(NotAllowed):
        set_working_hours(**by(provider, actor=actor_of(hourly())), hours=[])


def test_set_working_hours_of_a_provider_without_a_calendar_is_not_found():
    with pytest.raises(NotFound):
        set_working_hours(**by(ProviderFactory()), hours=[])


# --- One date -------------------------------------------------------------------------------------------------------


def test_set_date_override_replaces_the_hours_of_that_date_only():
    provider = hourly()

    change = set_date_override(**by(provider), day=TUESDAY, hours=[(time(14), time(15)), (time(20), time(22))])

    assert (starts(provider, "03"), len(starts(provider, "04"))) == (["14:00", "20:00", "21:00"], 8)
    assert change.made.hours == [["14:00", "15:00"], ["20:00", "22:00"]]


def test_set_date_override_without_hours_closes_the_day():
    provider = hourly()

    set_date_override(**by(provider), day=TUESDAY, hours=[])

    assert starts(provider) == []


def test_set_date_override_again_replaces_the_first():
    provider = hourly()
    set_date_override(**by(provider), day=TUESDAY, hours=[])

    set_date_override(**by(provider), day=TUESDAY, hours=NINE_TO_TEN)

    assert (starts(provider), DateOverride.objects.count()) == (["09:00"], 1)


def test_set_date_override_past_midnight_reaches_into_the_next_day():
    provider = hourly()

    set_date_override(**by(provider), day=TUESDAY, hours=[(time(23), time(1))])

    assert (starts(provider, "03"), starts(provider, "04")[:2]) == (["23:00"], ["00:00", "09:00"])


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_set_date_override_is_a_day_of_the_providers_zone(zone):
    provider = hourly(timezone=zone, hours=ALWAYS)

    set_date_override(**by(provider), day=WEDNESDAY, hours=[])

    cells = [start.astimezone(provider.schedule.zone).date() for start, _ in free_cells(provider)]
    assert (TUESDAY in cells, cells.count(WEDNESDAY), cells.count(date(2026, 3, 5))) == (True, 0, 24)


def test_set_date_override_off_the_grid_is_refused():
    provider = open_provider(horizon_days=1)

    with pytest.raises(OffGrid):
        set_date_override(**by(provider), day=TUESDAY, hours=[(time(9, 5), time(10))])


def test_set_date_override_names_the_conflicts_of_that_date():
    provider = hourly()
    appoint(provider, at("2026-03-04 09:00"))
    appoint(provider, at("2026-03-05 09:00"))

    change = set_date_override(**by(provider), day=WEDNESDAY, hours=[])

    assert conflicts(change) == ["04 09:00"]


def test_clear_date_override_lets_the_week_rule_again():
    provider = hourly()
    before = free_cells(provider)
    override = set_date_override(**by(provider), day=TUESDAY, hours=[]).made

    clear_date_override(override=override, actor=SYSTEM, now=NOON)

    assert (free_cells(provider), DateOverride.objects.count()) == (before, 0)


# --- Windows --------------------------------------------------------------------------------------------------------


def test_open_window_adds_slots_to_the_hours():
    provider = hourly()

    change = open_window(**by(provider), starts_at=at("2026-03-03 16:00"), ends_at=at("2026-03-03 19:00"))

    assert (change.slots_added, starts(provider)[-3:]) == (2, ["16:00", "17:00", "18:00"])


def test_open_window_twice_makes_no_slot_twice():
    provider = hourly()
    window = {"starts_at": at("2026-03-03 17:00"), "ends_at": at("2026-03-03 19:00")}
    open_window(**by(provider), **window)

    assert open_window(**by(provider), **window).slots_added == 0


def test_open_window_that_has_begun_opens_what_is_left():
    provider = hourly(hours=[])

    open_window(**by(provider), starts_at=NOON - DAY, ends_at=NOON + minutes(120))

    assert starts(provider, "02") == ["12:00", "13:00"]


@pytest.mark.parametrize(
    ("start", "end", "field", "nearest"),
    [
        ("2026-03-03 17:05", "2026-03-03 18:00", "start_time", ["2026-03-03T17:00:00Z", "2026-03-03T17:15:00Z"]),
        ("2026-03-03 17:00", "2026-03-03 18:14", "end_time", ["2026-03-03T18:00:00Z", "2026-03-03T18:15:00Z"]),
    ],
)
def test_open_window_off_the_grid_gives_the_nearest_times(start, end, field, nearest):
    provider = open_provider(horizon_days=1)

    with pytest.raises(OffGrid) as refusal:
        open_window(**by(provider), starts_at=at(start), ends_at=at(end))

    assert (refusal.value.field, refusal.value.details) == (field, {"nearest": nearest})


def test_open_window_off_kathmandus_grid_gives_kathmandus_times():
    provider = hourly(timezone="Asia/Kathmandu")

    with pytest.raises(OffGrid) as refusal:
        open_window(**by(provider), starts_at=at("2026-03-03 17:00"), ends_at=at("2026-03-03 18:15"))

    assert refusal.value.details == {"nearest": ["2026-03-03T16:15:00Z", "2026-03-03T17:15:00Z"]}


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        (NOON + DAY, NOON + DAY, EndsBeforeStart),
        (NOON + DAY, NOON, EndsBeforeStart),
        (NOON - minutes(60), NOON, InThePast),
        (NOON, NOON + 92 * DAY + minutes(15), BadHours),
    ],
)
def test_open_window_refuses(start, end, error):
    provider = open_provider(horizon_days=1)

    with pytest.raises(error) as refusal:
        open_window(**by(provider), starts_at=start, ends_at=end)

    assert (refusal.value.field, AvailabilityWindow.objects.count()) == ("end_time", 0)


def test_open_window_may_end_one_slot_from_now():
    provider = open_provider(horizon_days=1, hours=[])

    open_window(**by(provider), starts_at=NOON - minutes(60), ends_at=NOON + minutes(15))

    assert starts(provider, "02") == ["12:00"]


def test_open_window_is_for_the_provider_and_staff():
    provider = hourly()

    with pytest.raises(NotAllowed):
        open_window(**by(provider, actor=actor_of(ClientFactory())), starts_at=NOON, ends_at=NOON + DAY)


def test_move_window_moves_its_slots():
    provider = open_provider(hours=(), horizon_days=4)
    window = opened(provider, "2026-03-03 09:00", "2026-03-03 10:00")

    change = moved(window, "2026-03-03 09:30", "2026-03-03 10:30")

    assert (change.slots_added, change.slots_removed) == (2, 2)
    assert free_cells(provider)[0][0] == at("2026-03-03 09:30")


def test_move_window_names_whom_it_strands():
    provider = open_provider(hours=(), horizon_days=4)
    window = opened(provider, "2026-03-03 13:00", "2026-03-03 15:00")
    appointment = appoint(provider, at("2026-03-03 13:00"))

    assert moved(window, "2026-03-03 13:30", "2026-03-03 15:00").conflicts == [appointment]


def test_move_window_previews_without_changing_anything():
    provider = open_provider(hours=(), horizon_days=4)
    window = opened(provider, "2026-03-03 09:00", "2026-03-03 10:00")
    before = dump()

    assert preview(lambda: moved(window, "2026-03-03 09:30", "2026-03-03 10:30")).slots_added == 2
    assert dump() == before


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("2026-03-03 09:07", "2026-03-03 10:00", OffGrid),
        ("2026-03-03 10:00", "2026-03-03 10:00", EndsBeforeStart),
        ("2026-03-01 09:00", "2026-03-01 10:00", InThePast),
    ],
)
def test_move_window_refuses_as_opening_does(start, end, error):
    window = opened(open_provider(hours=(), horizon_days=4), "2026-03-03 09:00", "2026-03-03 10:00")

    with pytest.raises(error):
        moved(window, start, end)


def test_move_window_does_not_find_one_that_was_closed_meanwhile():
    window = opened(open_provider(hours=(), horizon_days=4), "2026-03-03 09:00", "2026-03-03 10:00")
    AvailabilityWindow.objects.all().delete()

    with pytest.raises(NotFound):
        moved(window, "2026-03-03 09:00", "2026-03-03 11:00")


def opened(provider, start, end):
    change = open_window(provider_id=provider.pk, starts_at=at(start), ends_at=at(end), actor=SYSTEM, now=NOON)
    return change.made


def moved(window, start, end, **arguments):
    return move_window(window=window, starts_at=at(start), ends_at=at(end), actor=SYSTEM, now=NOON, **arguments)


def test_close_window_takes_its_slots_back():
    provider = hourly()
    before = free_cells(provider)
    window = open_window(**by(provider), starts_at=at("2026-03-03 16:00"), ends_at=at("2026-03-03 19:00")).made

    close_window(window=window, actor=SYSTEM, now=NOON)

    assert (free_cells(provider), AvailabilityWindow.objects.count()) == (before, 0)


def test_close_window_names_what_was_booked_in_it():
    provider = hourly()
    window = open_window(**by(provider), starts_at=at("2026-03-04 17:00"), ends_at=at("2026-03-04 19:00")).made
    appoint(provider, at("2026-03-04 17:00"))

    change = close_window(window=window, actor=SYSTEM, now=NOON)

    assert (conflicts(change), change.slots_removed) == (["04 17:00"], 1)


# --- Time off -------------------------------------------------------------------------------------------------------


def test_take_time_off_of_whole_days_includes_both():
    provider = hourly()

    take_time_off(**by(provider), fields={"start_date": TUESDAY, "end_date": WEDNESDAY, "reason": "Flu"})

    assert [starts(provider, day) for day in ("03", "04")] == [[], []]
    assert len(starts(provider, "05")) == 8


def test_take_time_off_between_instants_takes_every_cell_it_touches():
    provider = hourly()

    change = take_time_off(
        **by(provider), fields={"starts_at": at("2026-03-03 10:59"), "ends_at": at("2026-03-03 12:01")}
    )

    assert (starts(provider), change.slots_removed) == (["09:00", "13:00", "14:00", "15:00", "16:00"], 3)


def test_take_time_off_names_the_conflicts():
    provider = hourly()
    appoint(provider, at("2026-03-04 09:00"))

    change = take_time_off(**by(provider), fields={"start_date": WEDNESDAY, "end_date": WEDNESDAY})

    assert conflicts(change) == ["04 09:00"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, BadHours),
        ({"starts_at": NOON}, BadHours),
        ({"start_date": TUESDAY}, BadHours),
        ({"starts_at": NOON, "ends_at": NOON + DAY, "start_date": TUESDAY, "end_date": TUESDAY}, BadHours),
        ({"starts_at": NOON, "ends_at": NOON}, EndsBeforeStart),
        ({"start_date": WEDNESDAY, "end_date": TUESDAY}, EndsBeforeStart),
    ],
)
def test_take_time_off_refuses(fields, error):
    provider = open_provider(horizon_days=1)

    with pytest.raises(error):
        take_time_off(**by(provider), fields=fields)

    assert TimeOff.objects.count() == 0


def test_change_time_off_frees_the_old_days_and_takes_the_new():
    provider = hourly()
    time_off = take_time_off(**by(provider), fields={"start_date": TUESDAY, "end_date": TUESDAY}).made

    change_time_off(time_off=time_off, fields={"start_date": WEDNESDAY, "end_date": WEDNESDAY}, actor=SYSTEM, now=NOON)

    assert (len(starts(provider, "03")), len(starts(provider, "04"))) == (8, 0)


def test_change_time_off_from_days_to_instants():
    provider = hourly()
    time_off = take_time_off(**by(provider), fields={"start_date": TUESDAY, "end_date": TUESDAY}).made
    fields = {
        "start_date": None,
        "end_date": None,
        "starts_at": at("2026-03-03 09:00"),
        "ends_at": at("2026-03-03 16:00"),
    }

    change_time_off(time_off=time_off, fields=fields, actor=SYSTEM, now=NOON)

    assert starts(provider) == ["16:00"]


def test_end_time_off_gives_the_hours_back():
    provider = hourly()
    before = free_cells(provider)
    time_off = take_time_off(**by(provider), fields={"start_date": TUESDAY, "end_date": WEDNESDAY}).made

    end_time_off(time_off=time_off, actor=SYSTEM, now=NOON)

    assert (free_cells(provider), TimeOff.objects.count()) == (before, 0)


# --- The whole business ---------------------------------------------------------------------------------------------


def test_close_business_closes_each_providers_own_day():
    zones = ("UTC", "Pacific/Auckland", "America/New_York")
    providers = [hourly(timezone=zone, hours=ALWAYS) for zone in zones]

    change = close_business(fields={"start_date": WEDNESDAY, "end_date": WEDNESDAY}, actor=SYSTEM, now=NOON)

    local = [
        {start.astimezone(provider.schedule.zone).date() for start, _ in free_cells(provider)} for provider in providers
    ]
    assert [(TUESDAY in days, WEDNESDAY in days, date(2026, 3, 5) in days) for days in local] == [
        (True, False, True)
    ] * 3
    assert change.slots_removed == 72


def test_close_business_names_everybodys_conflicts():
    first, second = hourly(), hourly(timezone="Asia/Tokyo")
    appoint(first, at("2026-03-04 09:00"))
    appoint(second, at("2026-03-04 00:00"))
    appoint(second, at("2026-03-05 00:00"))

    change = close_business(fields={"start_date": WEDNESDAY, "end_date": WEDNESDAY}, actor=SYSTEM, now=NOON)

    assert sorted(conflicts(change)) == ["04 00:00", "04 09:00"]


def test_close_business_between_instants_is_the_same_moment_for_everybody():
    provider = hourly(timezone="Asia/Kathmandu", hours=ALWAYS)

    close_business(
        fields={"starts_at": at("2026-03-03 10:00"), "ends_at": at("2026-03-03 12:00")}, actor=SYSTEM, now=NOON
    )

    assert [start for start in starts(provider) if "08:00" < start < "14:00"] == ["08:15", "12:15", "13:15"]


def test_close_business_is_for_staff():
    with pytest.raises(NotAllowed):
        close_business(fields={"start_date": TUESDAY, "end_date": TUESDAY}, actor=actor_of(ProviderFactory()), now=NOON)

    assert Closure.objects.count() == 0


def test_reopen_business_gives_the_hours_back():
    provider = hourly()
    before = free_cells(provider)
    closure = close_business(fields={"start_date": TUESDAY, "end_date": WEDNESDAY}, actor=SYSTEM, now=NOON).made

    reopen_business(closure=closure, actor=SYSTEM, now=NOON)

    assert (free_cells(provider), Closure.objects.count()) == (before, 0)


@pytest.mark.parametrize("days", [2, 3, 4, 400])
def test_close_business_beyond_the_slots_is_kept_for_when_they_come(days):
    provider = hourly(horizon_days=1, hours=ALWAYS)
    day = (NOON + days * DAY).date()

    close_business(fields={"start_date": day, "end_date": day}, actor=SYSTEM, now=NOON)

    extend(schedule_id=provider.schedule.pk, now=NOON + days * DAY)
    assert day not in {start.date() for start, _ in free_cells(provider)}


@pytest.mark.parametrize("days", [2, 3, 4, 400])
def test_take_time_off_beyond_the_slots_names_the_conflicts_there(days):
    provider = hourly(horizon_days=1)
    start = at("2026-03-02 13:00") + days * DAY
    appoint(provider, start, overrides=list(Override))
    window = {"starts_at": start, "ends_at": start + minutes(60)}
    open_window(**by(provider), **window)

    change = take_time_off(**by(provider), fields=window)

    assert [appointment.starts_at for appointment in change.conflicts] == [start]


# --- Policy ---------------------------------------------------------------------------------------------------------


def test_set_policy_of_a_finer_grid_lays_the_slots_anew():
    provider = hourly(hours=[(1, time(9), time(10))])

    set_policy(**by(provider), changes={"slot_minutes": 20})

    assert starts(provider) == ["09:00", "09:20", "09:40"]


def test_set_policy_of_another_zone_moves_the_hours_with_the_clock():
    provider = hourly()

    set_policy(**by(provider), changes={"timezone": "Asia/Kathmandu"})

    assert (starts(provider)[0], starts(provider)[-1]) == ("03:15", "10:15")


def test_set_policy_of_a_longer_horizon_extends_the_slots_at_once():
    provider = hourly(horizon_days=1)

    set_policy(**by(provider), changes={"horizon_days": 10})

    assert free_cells(provider)[-1][0] == at("2026-03-13 16:00")
    assert Schedule.objects.get(provider=provider).slots_until == NOON + 12 * DAY


def test_set_policy_of_a_shorter_horizon_keeps_the_slots():
    provider = hourly(horizon_days=10)
    before = free_cells(provider)

    set_policy(**by(provider), changes={"horizon_days": 1})

    assert free_cells(provider) == before


def test_set_policy_names_the_conflicts_of_another_zone():
    provider = hourly()
    appoint(provider, at("2026-03-04 09:00"))
    appoint(provider, at("2026-03-04 16:00"))

    change = set_policy(**by(provider), changes={"timezone": "Europe/Berlin"})

    assert conflicts(change) == ["04 16:00"]


def test_set_policy_keeps_what_is_not_said():
    provider = hourly()

    set_policy(**by(provider), changes={"hold_minutes": 5})

    schedule = Schedule.objects.get(provider=provider)
    assert (schedule.hold_minutes, schedule.slot_minutes, schedule.horizon_days) == (5, 60, 3)


# --- Previews -------------------------------------------------------------------------------------------------------


@pytest.fixture
def booked():
    provider = open_provider(horizon_days=3)
    appoint(provider, at("2026-03-04 09:00"))
    appoint(provider, at("2026-03-04 15:45"))
    hold(provider, at("2026-03-04 12:00"))
    return provider


def previews(provider):
    """Every kind of change, to be done or previewed."""
    who = by(provider)
    override = set_date_override(**who, day=TUESDAY, hours=[]).made
    window = open_window(**who, starts_at=at("2026-03-03 18:00"), ends_at=at("2026-03-03 19:00")).made
    time_off = take_time_off(**who, fields={"start_date": date(2026, 3, 5), "end_date": date(2026, 3, 5)}).made
    wednesday = {"start_date": WEDNESDAY, "end_date": WEDNESDAY}
    alone = {"actor": who["actor"], "now": NOON}

    def again(row):
        return type(row).objects.get(pk=row.pk)

    return {
        "hours": lambda: set_working_hours(**who, hours=[(2, time(10), time(18))]),
        "override": lambda: set_date_override(**who, day=WEDNESDAY, hours=[]),
        "no override": lambda: clear_date_override(override=again(override), **alone),
        "window": lambda: open_window(**who, starts_at=at("2026-03-04 18:00"), ends_at=at("2026-03-04 20:00")),
        "no window": lambda: close_window(window=again(window), **alone),
        "time off": lambda: take_time_off(**who, fields=wednesday),
        "other time off": lambda: change_time_off(time_off=again(time_off), fields=wednesday, **alone),
        "no time off": lambda: end_time_off(time_off=again(time_off), **alone),
        "policy": lambda: set_policy(
            **who, changes={"timezone": "Asia/Kathmandu", "slot_minutes": 60, "horizon_days": 9}
        ),
    }


CHANGES = (
    "hours",
    "override",
    "no override",
    "window",
    "no window",
    "time off",
    "other time off",
    "no time off",
    "policy",
)


@pytest.mark.parametrize("name", CHANGES)
def test_preview_changes_nothing(booked, name):
    change = previews(booked)[name]
    before = dump()

    preview(change)

    assert dump() == before


@pytest.mark.parametrize("name", CHANGES)
def test_preview_answers_what_the_change_then_does(booked, name):
    change = previews(booked)[name]

    foretold, done = preview(change), change()

    assert (foretold.slots_added, foretold.slots_removed) == (done.slots_added, done.slots_removed)
    assert foretold.conflicts == done.conflicts


times = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@given(st.lists(st.tuples(st.integers(1, 3), times, times), max_size=4, unique_by=lambda rule: rule[:2]))
def test_conflicts_are_exactly_the_appointments_that_no_longer_fit(hours):
    """Checked cell by cell: all its quarters were open before, and one is not afterwards."""
    with undone():
        provider = open_provider(horizon_days=3, hours=ALWAYS)
        booked = [
            appoint(
                provider,
                NOON + DAY + minutes(135 * number),
                ends_at=NOON + DAY + minutes(135 * number + 60),
                actor=SYSTEM,
            )
            for number in range(4)
        ]

        change = set_working_hours(**by(provider), hours=hours)

        for appointment in booked:
            take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
        cells = {start for start, _ in free_cells(provider)}
        outside = [
            appointment
            for appointment in booked
            if not all(appointment.starts_at + minutes(number) in cells for number in (0, 15, 30, 45))
        ]
        assert change.conflicts == outside


def test_changes_of_one_provider_leave_another_alone(booked):
    other = open_provider(horizon_days=3)
    TimeOffFactory(schedule=other.schedule)
    before = free_cells(other)

    for change in previews(booked).values():
        change()

    assert free_cells(other) == before


# --- Two who change the same absence --------------------------------------------------------------------------------


def away(provider, day):
    return take_time_off(
        provider_id=provider.pk, fields={"start_date": day, "end_date": day}, actor=SYSTEM, now=NOON
    ).made


def free_days(provider):
    return sorted({start.date() for start, _ in free_cells(provider)})


def test_changing_the_reason_leaves_a_day_that_somebody_moved_meanwhile(provider):
    before = free_days(provider)
    first, second = before[2], before[3]
    stale = away(provider, first)
    change_time_off(
        time_off=TimeOff.objects.get(), fields={"start_date": second, "end_date": second}, actor=SYSTEM, now=NOON
    )

    change_time_off(time_off=stale, fields={"reason": "Holiday"}, actor=SYSTEM, now=NOON)

    row = TimeOff.objects.get()
    assert (row.start_date, row.reason) == (second, "Holiday")
    assert free_days(provider) == [day for day in before if day != second]


def test_ending_time_off_that_somebody_moved_meanwhile_frees_where_it_was_moved_to(provider):
    before = free_days(provider)
    stale = away(provider, before[2])
    change_time_off(
        time_off=TimeOff.objects.get(), fields={"start_date": before[3], "end_date": before[3]}, actor=SYSTEM, now=NOON
    )

    end_time_off(time_off=stale, actor=SYSTEM, now=NOON)

    assert free_days(provider) == before


def test_changing_time_off_that_somebody_ended_meanwhile_finds_nothing(provider):
    before = free_days(provider)
    stale = away(provider, before[2])
    end_time_off(time_off=stale, actor=SYSTEM, now=NOON)

    with pytest.raises(NotFound):
        change_time_off(time_off=stale, fields={"reason": "Holiday"}, actor=SYSTEM, now=NOON)

    assert (TimeOff.objects.count(), free_days(provider)) == (0, before)


def test_time_off_tells_of_a_live_hold_it_leaves_outside(provider):
    day = free_days(provider)[2]
    start = next(start for start, _ in free_cells(provider) if start.date() == day)
    held = hold(provider, start)

    change = take_time_off(provider_id=provider.pk, fields={"start_date": day, "end_date": day}, actor=SYSTEM, now=NOON)

    assert (change.holds, change.conflicts) == ([held], [])
