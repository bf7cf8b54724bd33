"""Reads: open hours and free times."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import PUBLISHED, Provider
from booking.availability.hours import local_interval, open_hours
from booking.availability.operations import set_working_hours, take_time_off
from booking.availability.search import SlotQuery, alternatives, booking_span, free_page, free_times, next_free
from booking.models import Slot
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    AvailabilityWindowFactory,
    ClosureFactory,
    DateOverrideFactory,
    ProviderFactory,
    ScheduleFactory,
    ServiceFactory,
    TimeOffFactory,
    WorkingHoursFactory,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TUESDAY = date(2026, 3, 3)


def search(provider, *, start=NOON, until=NOON + 7 * DAY, now=NOON, service=None, **options):
    return SlotQuery(start, until, now, provider.pk, service, **options)


def starts(found):
    return [f"{time.starts_at:%d %H:%M}" for time in found]


def spans(found):
    return [f"{start:%d %H:%M}–{end:%d %H:%M}" for start, end in found]


def tuesday(schedule):
    return spans(open_hours(schedule, at("2026-03-03"), at("2026-03-04")))


# --- Open hours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (time(9), time(17), ("2026-03-03 08:00", "2026-03-03 16:00")),
        (time(9), time(0), ("2026-03-03 08:00", "2026-03-03 23:00")),
        (time(22), time(6), ("2026-03-03 21:00", "2026-03-04 05:00")),
        (time(0), time(0), ("2026-03-02 23:00", "2026-03-03 23:00")),
        (time(9), time(9), ("2026-03-03 08:00", "2026-03-04 08:00")),
    ],
)
def test_local_stretch_ends_the_next_day_unless_the_end_is_later(start, end, expected):
    assert local_interval(TUESDAY, start, end, ZoneInfo("Europe/Berlin")) == tuple(map(at, expected))


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", time(0), time(0), 23),
        ("Europe/Berlin", "2026-10-25", time(0), time(0), 25),
        ("Europe/Berlin", "2026-03-28", time(22), time(6), 7),
        ("Europe/Berlin", "2026-10-24", time(22), time(6), 9),
        ("Europe/Berlin", "2026-03-29", time(2), time(3), 0),
        ("Europe/Berlin", "2026-10-25", time(2), time(3), 2),
        ("Australia/Lord_Howe", "2026-10-04", time(0), time(0), 23.5),
        ("Australia/Lord_Howe", "2026-04-05", time(0), time(0), 24.5),
        ("America/Santiago", "2026-09-05", time(12), time(0), 12),
        ("America/Santiago", "2026-09-06", time(0), time(12), 11),
        ("Africa/Casablanca", "2026-02-15", time(0), time(12), 13),
    ],
)
def test_open_hours_have_the_real_length_of_that_day(zone, day, start, end, hours):
    day = date.fromisoformat(day)
    schedule = ScheduleFactory(timezone=zone)
    WorkingHoursFactory(schedule=schedule, weekday=day.weekday(), start_time=start, end_time=end)
    noon = at(f"{day} 12:00")

    found = open_hours(schedule, noon - 2 * DAY, noon + 2 * DAY)

    assert sum((until - begin for begin, until in found), timedelta()) == timedelta(hours=hours)


def test_open_hours_stay_at_the_same_wall_clock_across_a_change():
    schedule = ScheduleFactory(timezone="Europe/Berlin")
    for weekday in (5, 0):
        WorkingHoursFactory(schedule=schedule, weekday=weekday)

    found = open_hours(schedule, at("2026-03-28"), at("2026-03-31"))

    assert spans(found) == ["28 08:00–28 16:00", "30 07:00–30 15:00"]


def test_open_hours_of_kathmandu_start_at_a_quarter_past_in_utc():
    schedule = ScheduleFactory(timezone="Asia/Kathmandu", slot_minutes=60)
    WorkingHoursFactory(schedule=schedule, weekday=1)

    assert tuesday(schedule) == ["03 03:15–03 11:15"]


def test_open_hours_are_clipped_to_what_was_asked_and_stay_on_the_grid():
    schedule = ScheduleFactory(weekdays=True)

    assert spans(open_hours(schedule, at("2026-03-03 09:20"), at("2026-03-03 11:05"))) == ["03 09:30–03 11:00"]


def test_open_hours_include_the_end_of_a_night_begun_the_day_before():
    schedule = ScheduleFactory()
    WorkingHoursFactory(schedule=schedule, weekday=0, start_time=time(22), end_time=time(6))

    assert tuesday(schedule) == ["03 00:00–03 06:00"]


def test_open_hours_join_what_overlaps_or_touches():
    schedule = ScheduleFactory()
    for start, end in ((9, 12), (11, 14), (14, 15)):
        WorkingHoursFactory(schedule=schedule, weekday=1, start_time=time(start), end_time=time(end))
    AvailabilityWindowFactory(schedule=schedule, starts_at=at("2026-03-03 15:00"), ends_at=at("2026-03-03 18:00"))

    assert tuesday(schedule) == ["03 09:00–03 18:00"]


def test_open_hours_of_an_overridden_date_are_the_overrides():
    schedule = ScheduleFactory(weekdays=True)
    DateOverrideFactory(schedule=schedule, date=TUESDAY, hours=[["10:00", "12:00"], ["20:00", "00:00"]])

    assert tuesday(schedule) == ["03 10:00–03 12:00", "03 20:00–04 00:00"]


def test_open_hours_of_a_closed_date_are_the_windows_alone():
    schedule = ScheduleFactory(weekdays=True)
    DateOverrideFactory(schedule=schedule, date=TUESDAY, hours=[])
    AvailabilityWindowFactory(schedule=schedule, starts_at=at("2026-03-03 18:00"), ends_at=at("2026-03-03 19:00"))

    assert tuesday(schedule) == ["03 18:00–03 19:00"]


def test_open_hours_an_override_leaves_the_night_begun_the_day_before():
    schedule = ScheduleFactory()
    WorkingHoursFactory(schedule=schedule, weekday=0, start_time=time(22), end_time=time(6))
    DateOverrideFactory(schedule=schedule, date=TUESDAY, hours=[])

    assert tuesday(schedule) == ["03 00:00–03 06:00"]


def test_open_hours_an_override_replaces_the_night_it_begins():
    schedule = ScheduleFactory()
    WorkingHoursFactory(schedule=schedule, weekday=0, start_time=time(22), end_time=time(6))
    DateOverrideFactory(schedule=schedule, date=TUESDAY - DAY, hours=[["22:00", "23:00"]])

    assert tuesday(schedule) == []


def test_open_hours_time_off_beats_hours_overrides_and_windows():
    schedule = ScheduleFactory(weekdays=True)
    DateOverrideFactory(schedule=schedule, date=TUESDAY, hours=[["08:00", "18:00"]])
    AvailabilityWindowFactory(schedule=schedule, starts_at=at("2026-03-03 18:00"), ends_at=at("2026-03-03 20:00"))
    TimeOffFactory(
        schedule=schedule,
        start_date=None,
        starts_at=at("2026-03-03 10:00"),
        ends_at=at("2026-03-03 19:00"),
    )

    assert tuesday(schedule) == ["03 08:00–03 10:00", "03 19:00–03 20:00"]


def test_open_hours_time_off_between_grid_times_takes_the_cells_it_touches():
    schedule = ScheduleFactory(weekdays=True)
    TimeOffFactory(schedule=schedule, start_date=None, starts_at=at("2026-03-03 10:01"), ends_at=at("2026-03-03 10:31"))

    assert tuesday(schedule) == ["03 09:00–03 10:00", "03 10:45–03 17:00"]


def test_open_hours_whole_days_off_are_the_providers_local_days():
    schedule = ScheduleFactory(timezone="Pacific/Auckland")
    for weekday in range(7):
        WorkingHoursFactory(schedule=schedule, weekday=weekday, start_time=time(0), end_time=time(0))
    TimeOffFactory(schedule=schedule, start_date=date(2026, 3, 4), end_date=date(2026, 3, 5))

    found = open_hours(schedule, at("2026-03-03"), at("2026-03-06"))

    assert spans(found) == ["03 00:00–03 11:00", "05 11:00–06 00:00"]


def test_open_hours_a_closure_is_time_off_for_everybody():
    here, there = ScheduleFactory(weekdays=True), ScheduleFactory(weekdays=True, timezone="Asia/Tokyo")
    ClosureFactory(start_date=TUESDAY)

    assert (tuesday(here), tuesday(there)) == ([], [])


def test_open_hours_time_off_of_another_provider_is_none_of_ours():
    schedule = ScheduleFactory(weekdays=True)
    TimeOffFactory(start_date=TUESDAY)

    assert tuesday(schedule) == ["03 09:00–03 17:00"]


@pytest.mark.parametrize("rows", [1, 12])
def test_open_hours_take_the_same_number_of_queries_for_many_rules(rows, django_assert_num_queries):
    schedule = ScheduleFactory()
    for number in range(rows):
        WorkingHoursFactory(schedule=schedule, start_time=time(number), end_time=time(number + 1))
        DateOverrideFactory(schedule=schedule, date=TUESDAY + number * DAY)
        TimeOffFactory(schedule=schedule)
        ClosureFactory()

    with django_assert_num_queries(5):
        open_hours(schedule, NOON, NOON + 90 * DAY)


# --- What a booking takes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "duration", "after", "blocked"),
    [
        (0, 30, 0, (0, 30)),
        (0, 1, 0, (0, 15)),
        (0, 20, 10, (0, 30)),
        (0, 20, 11, (0, 45)),
        (1, 15, 0, (-15, 15)),
        (20, 45, 20, (-30, 75)),
        (0, 15, 15, (0, 30)),
    ],
)
def test_stretch_rounds_buffers_outward_to_whole_slots(before, duration, after, blocked):
    service = ServiceFactory.build(duration_minutes=duration, buffer_before_minutes=before, buffer_after_minutes=after)

    taken = booking_span(ScheduleFactory.build(), service, NOON)

    assert taken == (NOON, NOON + minutes(duration), NOON + minutes(blocked[0]), NOON + minutes(blocked[1]))


def test_stretch_without_a_service_is_one_slot():
    assert booking_span(ScheduleFactory.build(slot_minutes=20), None, NOON).ends_at == NOON + minutes(20)


def test_stretch_of_a_length_of_its_own_keeps_the_services_buffers():
    service = ServiceFactory.build(duration_minutes=30, buffer_before_minutes=15, buffer_after_minutes=15)

    taken = booking_span(ScheduleFactory.build(), service, NOON, minutes(40))

    assert taken == (NOON, NOON + minutes(40), NOON - minutes(15), NOON + minutes(60))


# --- Free times -----------------------------------------------------------------------------------------------------


def test_free_times_are_the_free_slots_from_notice_on():
    provider = open_provider()

    found = free_times(search(provider, until=at("2026-03-04")))

    assert starts(found)[:2] == ["03 12:00", "03 12:15"]
    assert len(found) == 20


@pytest.mark.parametrize(("late", "first"), [(0, "03 12:00"), (1, "03 12:15")])
def test_free_times_start_at_notice_exactly_and_not_a_second_sooner(late, first):
    provider = open_provider()

    found = free_times(search(provider, now=NOON + timedelta(seconds=late)))

    assert starts(found)[0] == first


@pytest.mark.parametrize(("late", "last"), [(0, "16 11:45"), (1, "16 12:00")])
def test_free_times_end_just_before_the_horizon(late, last):
    provider = open_provider(horizon_days=14)

    found = free_times(search(provider, until=NOON + 40 * DAY, now=NOON + timedelta(seconds=late)))

    assert starts(found)[-1] == last


def test_free_times_of_a_window_are_half_open():
    provider = open_provider()

    found = free_times(search(provider, start=at("2026-03-04 09:00"), until=at("2026-03-04 09:30")))

    assert starts(found) == ["04 09:00", "04 09:15"]


def test_free_times_with_any_notice_begin_now_and_know_no_horizon():
    provider = open_provider(horizon_days=3)

    found = free_times(search(provider, until=at("2026-03-07"), any_notice=True))

    assert (starts(found)[0], starts(found)[-1]) == ("02 12:00", "06 16:45")


def test_free_times_of_a_service_need_a_run_with_room_for_the_buffers():
    provider = open_provider()
    service = ServiceFactory(
        duration_minutes=60, buffer_before_minutes=20, buffer_after_minutes=5, providers=[provider]
    )
    appoint(provider, at("2026-03-04 12:00"))

    found = free_times(search(provider, start=at("2026-03-04"), until=at("2026-03-05"), service=service))

    assert (found[0].starts_at, found[0].ends_at) == (at("2026-03-04 09:30"), at("2026-03-04 10:30"))
    assert starts(found) == [
        *[f"04 {time}" for time in ("09:30", "09:45", "10:00", "10:15", "10:30", "10:45")],
        *[f"04 {time}" for time in ("12:45", "13:00", "13:15", "13:30", "13:45", "14:00", "14:15", "14:30")],
        *[f"04 {time}" for time in ("14:45", "15:00", "15:15", "15:30", "15:45")],
    ]


def test_free_times_of_a_service_reach_over_the_edges_of_the_search():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=60, buffer_before_minutes=60, providers=[provider])

    found = free_times(search(provider, start=at("2026-03-04 10:00"), until=at("2026-03-04 10:01"), service=service))

    assert starts(found) == ["04 10:00"]


def test_free_times_of_a_service_longer_than_any_run_are_none():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=8 * 60 + 1, providers=[provider])

    assert free_times(search(provider, service=service)) == []


def test_free_times_of_a_service_as_long_as_the_day_are_one_a_day():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=8 * 60, providers=[provider])

    assert starts(free_times(search(provider, service=service))) == ["04 09:00", "05 09:00", "06 09:00", "09 09:00"]


def test_free_times_run_over_midnight():
    provider = open_provider(hours=[(1, time(22), time(0)), (2, time(0), time(2))])
    service = ServiceFactory(duration_minutes=4 * 60, providers=[provider])

    assert starts(free_times(search(provider, service=service))) == ["03 22:00"]


def test_free_times_run_over_a_change_of_the_clock():
    provider = open_provider(timezone="Europe/Berlin", hours=ALWAYS, horizon_days=30)
    service = ServiceFactory(duration_minutes=24 * 60, providers=[provider])
    around = {"start": at("2026-03-28 23:00"), "until": at("2026-03-28 23:15")}

    assert starts(free_times(search(provider, service=service, **around))) == ["28 23:00"]


@pytest.mark.parametrize(("now", "listed"), [(29, False), (30, True), (31, True)])
def test_free_times_list_the_time_of_a_hold_from_its_end_on_with_no_sweeper(now, listed):
    provider = open_provider(hold_minutes=30)
    start = at("2026-03-04 09:00")
    hold(provider, start, now=NOON)

    found = free_times(search(provider, start=start, until=start + minutes(15), now=NOON + minutes(now)))

    assert bool(found) is listed


def test_free_times_of_a_service_run_over_the_time_of_a_dead_hold():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=60, providers=[provider])
    hold(provider, at("2026-03-04 09:30"))
    around = {"start": at("2026-03-04 09:00"), "until": at("2026-03-04 09:15"), "now": NOON + minutes(30)}

    assert starts(free_times(search(provider, service=service, **around))) == ["04 09:00"]


def test_free_times_leave_out_the_withdrawn_slots_of_a_dead_hold():
    provider = open_provider()
    hold(provider, at("2026-03-04 09:00"))
    set_working_hours(provider_id=provider.pk, hours=[(2, time(9, 15), time(10))], actor=SYSTEM, now=NOON)
    around = {"start": at("2026-03-04"), "until": at("2026-03-05"), "now": NOON + minutes(30)}

    assert starts(free_times(search(provider, **around))) == ["04 09:15", "04 09:30", "04 09:45"]


def test_free_times_nearest_to_an_instant_come_first():
    provider = open_provider()

    found = free_times(search(provider), nearest_to=at("2026-03-04 10:00"), limit=3)

    assert starts(found) == ["04 10:00", "04 09:45", "04 10:15"]


def test_free_times_of_several_providers_are_in_order_with_each_ones_policy():
    quick, slow = open_provider(notice_minutes=0, slot_minutes=60), open_provider(slot_minutes=60)
    service = ServiceFactory(duration_minutes=60, providers=[quick, slow])

    found = free_times(SlotQuery(NOON, at("2026-03-03 14:00"), NOON, service=service))

    assert [(time.provider_id, f"{time.starts_at:%d %H}") for time in found] == [
        *[(quick.pk, f"02 {hour}") for hour in range(12, 17)],
        *[(quick.pk, f"03 {hour:02}") for hour in range(9, 12)],
        *[(provider.pk, f"03 {hour}") for hour in (12, 13) for provider in (quick, slow)],
    ]


def test_free_times_of_a_service_are_those_of_who_offers_it():
    offers, _other = open_provider(), open_provider()
    service = ServiceFactory(providers=[offers])

    found = free_times(SlotQuery(NOON, NOON + 3 * DAY, NOON, service=service))

    assert {time.provider_id for time in found} == {offers.pk}


def test_free_times_of_a_service_nobody_offers_are_none():
    assert free_times(SlotQuery(NOON, NOON + 3 * DAY, NOON, service=ServiceFactory(providers=[]))) == []


@pytest.mark.parametrize("hidden", [{fact: False} for fact in PUBLISHED])
def test_free_times_leave_out_who_is_not_published(hidden):
    provider = open_provider()
    Provider.objects.filter(pk=provider.pk).update(**hidden)
    service = ServiceFactory(providers=[provider])

    assert free_times(search(provider)) == []
    assert free_times(SlotQuery(NOON, NOON + 3 * DAY, NOON, service=service)) == []


def test_free_times_of_who_is_not_published_can_be_asked_for():
    provider = open_provider()
    Provider.objects.filter(pk=provider.pk).update(is_approved=False)

    assert starts(free_times(search(provider, hidden=True)))[0] == "03 12:00"


def test_free_times_of_a_provider_without_a_calendar_are_none():
    assert free_times(search(ProviderFactory())) == []


@pytest.mark.parametrize("providers", [1, 5])
def test_free_times_take_one_query(providers, django_assert_num_queries):
    service = ServiceFactory(providers=[open_provider(horizon_days=3) for _ in range(providers)])

    with django_assert_num_queries(1):
        free_times(SlotQuery(NOON, NOON + 3 * DAY, NOON, service=service))


def brute_force(provider, service, now):
    """Return the bookable starts of a service, computed from the stored slots one cell at a time."""
    dead = Q(reservation__status="held", reservation__expires_at__lte=now, withdrawn=False)
    free = Slot.objects.filter(Q(reservation=None) | dead, provider=provider)
    slots = dict(free.values_list("starts_at", "ends_at"))
    schedule = provider.schedule
    found = []
    for start in sorted(slots):
        taken = booking_span(schedule, service, start)
        cell = taken.blocked_from
        while cell in slots and cell < taken.blocked_until:
            cell = slots[cell]
        if cell >= taken.blocked_until and now + schedule.notice <= start < now + schedule.horizon:
            found.append(start)
    return found


@given(
    duration=st.integers(1, 200),
    before=st.integers(0, 50),
    after=st.integers(0, 50),
    slot=st.sampled_from([5, 15, 20, 60]),
    taken=st.lists(st.integers(0, 7 * 4), max_size=4, unique=True),
    late=st.sampled_from([0, 29, 30]),
)
def test_free_times_are_those_a_search_cell_by_cell_finds(duration, before, after, slot, taken, late):
    provider = open_provider(slot_minutes=slot, horizon_days=3, hours=[(1, time(9), time(13)), (2, time(8), time(12))])
    service = ServiceFactory(
        duration_minutes=duration, buffer_before_minutes=before, buffer_after_minutes=after, providers=[provider]
    )
    cells = list(Slot.objects.filter(provider=provider).values_list("starts_at", flat=True))
    for number in taken:
        starts_at = cells[number % len(cells)]
        if Slot.objects.filter(provider=provider, starts_at=starts_at, reservation=None).exists():
            hold(provider, starts_at, actor=SYSTEM, overrides=["notice"])
    now = NOON + minutes(late)

    found = free_times(search(provider, now=now, service=service))

    assert [time.starts_at for time in found] == brute_force(provider, service, now)


# --- A page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1, 19])
def test_free_page_cuts_out_what_free_times_finds(offset):
    provider = open_provider()
    around = search(provider, until=at("2026-03-04"))
    everything = free_times(around)

    page = free_page(around, limit=3, offset=offset)

    assert (page.total, [row[:5] for row in page.rows]) == (
        20,
        [(*time, 20) for time in everything[offset : offset + 3]],
    )


def test_free_page_beyond_the_last_is_empty():
    provider = open_provider()

    assert free_page(search(provider, until=at("2026-03-04")), limit=3, offset=20)[:2] == (0, [])


def test_free_page_of_several_providers_goes_by_time():
    one, two = open_provider(), open_provider()
    around = SlotQuery(NOON, NOON + 10 * DAY, NOON, service=ServiceFactory(duration_minutes=15, providers=[one, two]))

    count, page, _digest = free_page(around, limit=3, offset=0)

    assert [provider for _, provider, *_ in page] == [one.pk, two.pk, one.pk]
    assert count == len(free_times(around))


def test_free_page_finds_the_runs_of_a_service():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=8 * 60, providers=[provider])

    count, [(_, _, _, ends_at, *_)], _digest = free_page(search(provider, service=service), limit=1, offset=0)

    assert (count, ends_at) == (4, at("2026-03-04 17:00"))


# --- Near and next --------------------------------------------------------------------------------------------------


def test_next_free_is_the_first():
    provider = open_provider()

    assert next_free(search(provider, until=NOON + 90 * DAY)).starts_at == at("2026-03-03 12:00")


def test_next_free_is_found_far_ahead():
    provider = open_provider(hours=[(1, time(9), time(10))])
    away = {"start_date": date(2026, 3, 1), "end_date": date(2026, 5, 18)}
    take_time_off(provider_id=provider.pk, fields=away, actor=SYSTEM, now=NOON)

    assert next_free(search(provider, until=NOON + 400 * DAY)).starts_at == at("2026-05-19 09:00")


def test_next_free_of_a_full_calendar_is_none():
    provider = open_provider(hours=[])

    assert next_free(search(provider, until=NOON + 400 * DAY)) is None


def test_next_free_stops_at_the_end_of_the_search():
    provider = open_provider()

    assert next_free(search(provider, until=NOON + DAY)) is None


def test_alternatives_are_the_three_nearest():
    provider = open_provider()
    appoint(provider, at("2026-03-05 12:00"))

    assert starts(alternatives(provider.pk, None, at("2026-03-05 12:00"), NOON)) == [
        "05 11:45",
        "05 12:15",
        "05 11:30",
    ]


def test_alternatives_to_a_time_too_soon_are_the_first_that_can_be_booked():
    provider = open_provider()

    assert starts(alternatives(provider.pk, None, NOON + minutes(15), NOON)) == [
        "03 12:00",
        "03 12:15",
        "03 12:30",
    ]


def test_alternatives_have_room_for_the_service():
    provider = open_provider()
    service = ServiceFactory(duration_minutes=8 * 60, providers=[provider])

    found = alternatives(provider.pk, service, at("2026-03-05 12:00"), NOON)

    assert starts(found) == ["05 09:00", "06 09:00", "04 09:00"]


def test_alternatives_of_a_closed_calendar_are_none():
    provider = open_provider(hours=[])

    assert alternatives(provider.pk, None, NOON + 2 * DAY, NOON) == []
