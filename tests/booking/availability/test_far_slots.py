"""A change generates the near slots at once, and a job the far ones, with the same result as all at once."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from accounts.providers.operations import approve_provider
from booking import tasks
from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.availability import slots
from booking.availability.operations import (
    close_business,
    reopen_business,
    set_date_override,
    set_policy,
    set_working_hours,
)
from booking.availability.slots import (
    cells_between,
    end_of_cells,
    extend,
    extend_all,
    extend_drawn_back,
    extend_in_portions,
    horizon_end,
)
from booking.models import Schedule, Slot
from booking.reservations.errors import OutsideHours
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import create_series, edit_series, extend_series
from scheduler_project.common.errors import TryAgain
from scheduler_project.common.limits import throttling
from scheduler_project.common.operations import preview
from tests.booking.availability.test_slots import bookings, changes_of_grid, changes_of_hours, perform
from tests.booking.series.helpers import local, wanted
from tests.factories import ALWAYS, NOON, SYSTEM, ClientFactory, ScheduleFactory, actor_of, appoint, at, open_provider
from tests.looking import broken_promises, free_cells, grid, undone

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
HALVES = [(day, time(0), time(12)) for day in range(7)]
NIGHTS = [(day, time(12), time(0)) for day in range(7)]


@pytest.fixture
def few(monkeypatch):
    """Make 48 slots the limit: two days of an hourly calendar around the clock."""
    monkeypatch.setattr(slots, "MANY_SLOTS", 48)
    monkeypatch.setattr(slots, "PORTION", 24)


@pytest.fixture
def hourly():
    """Hours around the clock up to seven days from now, all laid out."""
    return open_provider(hours=ALWAYS, slot_minutes=60, horizon_days=5)


def hours_of(provider, hours, **options):
    return set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=NOON, **options)


def policy_of(provider, **changes):
    return set_policy(provider_id=provider.pk, changes=changes, actor=SYSTEM, now=NOON)


def slots_until(provider):
    return Schedule.objects.get(provider=provider).slots_until


def finish(provider):
    return extend_in_portions(schedule_id=provider.schedule.pk, now=NOON)


# --- Where it is cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "end"),
    [
        (0, NOON),
        (1, NOON + QUARTER),
        (3, NOON + 3 * QUARTER),
        (4, NOON + 3 * HOUR),
        (5, NOON + 3 * HOUR + QUARTER),
        (8, NOON + 9 * HOUR),
    ],
)
def test_end_of_cells_lies_after_as_many_as_are_let(most, end):
    hours = [(NOON, NOON + HOUR), (NOON + 3 * HOUR, NOON + 4 * HOUR)]

    assert end_of_cells(hours, QUARTER, NOON, NOON + 9 * HOUR, most) == end


def test_end_of_cells_counts_none_that_start_before_or_after():
    hours = [(NOON, NOON + 9 * HOUR)]

    assert list(cells_between(hours[0], HOUR, NOON + QUARTER, NOON + 3 * HOUR + QUARTER)) == [1, 2, 3]
    assert end_of_cells(hours, HOUR, NOON + QUARTER, NOON + 3 * HOUR + QUARTER, 2) == NOON + 3 * HOUR
    assert end_of_cells(hours, HOUR, NOON + QUARTER, NOON + 3 * HOUR + QUARTER, 3) == NOON + 3 * HOUR + QUARTER


# --- At once --------------------------------------------------------------------------------------------------------


def test_as_many_as_are_let_are_laid_out_at_once(hourly, monkeypatch):
    monkeypatch.setattr(slots, "MANY_SLOTS", 7 * 24 * 2)

    policy_of(hourly, slot_minutes=30)

    assert len(free_cells(hourly)) == 7 * 24 * 2
    assert slots_until(hourly) == NOON + 7 * DAY


def test_one_more_than_are_let_is_left_to_the_job(hourly, monkeypatch):
    monkeypatch.setattr(slots, "MANY_SLOTS", 7 * 24 * 2 - 1)

    policy_of(hourly, slot_minutes=30)

    assert len(free_cells(hourly)) == 7 * 24 * 2 - 1
    assert slots_until(hourly) == NOON + 7 * DAY - HOUR / 2


def test_what_the_hours_no_longer_have_goes_at_once_however_far(hourly, few):
    hours_of(hourly, HALVES)

    assert {start.hour for start, _end in free_cells(hourly)} == set(range(12))
    with pytest.raises(OutsideHours):
        appoint(hourly, at("2026-03-06 14:00"))


def test_what_the_hours_keep_can_be_booked_meanwhile(hourly, few):
    hours_of(hourly, HALVES)

    assert appoint(hourly, at("2026-03-06 09:00"))


def test_claimed_time_outside_is_withdrawn_at_once_and_not_free_once_it_ends(hourly, few):
    booked = appoint(hourly, at("2026-03-06 14:00"))

    change = hours_of(hourly, HALVES)
    assert [one.pk for one in change.conflicts] == [booked.pk]
    assert Slot.objects.get(reservation=booked.reservation_id).withdrawn
    take_action(appointment_id=booked.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)

    assert at("2026-03-06 14:00") not in {start for start, _end in free_cells(hourly)}


def test_opened_time_is_laid_out_up_to_where_it_is_cut(few):
    provider = open_provider(hours=HALVES, slot_minutes=60, horizon_days=5)
    finish(provider)
    before = free_cells(provider)

    change = hours_of(provider, ALWAYS)

    assert slots_until(provider) == NOON + 2 * DAY
    added = set(free_cells(provider)) - set(before)
    assert max(added)[0] < NOON + 2 * DAY
    assert (change.slots_added, change.slots_removed) == (7 * 12, 0)


def test_a_day_of_its_own_draws_nothing_back(hourly, few):
    set_date_override(provider_id=hourly.pk, day=date(2026, 3, 5), hours=[], actor=SYSTEM, now=NOON)

    assert slots_until(hourly) == NOON + 7 * DAY


def test_a_preview_answers_what_the_change_does_and_changes_nothing(hourly, few):
    before = grid(hourly)

    previewed = preview(lambda: hours_of(hourly, HALVES))
    assert (grid(hourly), slots_until(hourly)) == (before, NOON + 7 * DAY)

    assert hours_of(hourly, HALVES) == previewed


# --- The rest -------------------------------------------------------------------------------------------------------


def test_the_job_lays_out_the_rest_in_portions(hourly, few, monkeypatch):
    policy_of(hourly, slot_minutes=30)
    ends = []
    monkeypatch.setattr(slots, "_extend", lambda *args, once=slots._extend, **options: noted(once, args, options))

    def noted(once, args, options):
        portion = once(*args, **options)
        ends.append((portion.added, slots_until(hourly)))
        return portion

    assert finish(hourly) == 7 * 48 - 48
    assert [added for added, _end in ends] == [24] * 12
    assert [end - NOON for _added, end in ends] == [DAY + DAY / 2 * number for number in range(1, 13)]


def test_the_job_again_adds_nothing(hourly, few):
    policy_of(hourly, slot_minutes=30)
    finish(hourly)

    assert finish(hourly) == 0


def test_a_second_change_before_the_job_is_followed_as_far_as_the_horizon(hourly, few):
    policy_of(hourly, slot_minutes=30)
    hours_of(hourly, HALVES)
    hours_of(hourly, NIGHTS)
    assert {start.hour for start, _end in free_cells(hourly)} == set(range(12, 24))

    finish(hourly)

    assert len(free_cells(hourly)) == 7 * 24
    assert slots_until(hourly) == NOON + 7 * DAY


def test_a_second_change_takes_back_however_far_what_the_first_had_left(hourly, few):
    hours_of(hourly, HALVES)
    assert slots_until(hourly) < max(free_cells(hourly))[0]

    hours_of(hourly, NIGHTS)

    assert {start.hour for start, _end in free_cells(hourly)} == set(range(12, 24))


def test_a_change_after_the_horizon_became_shorter_removes_what_lies_beyond(hourly, few):
    policy_of(hourly, horizon_days=1)
    hours_of(hourly, HALVES)
    hours_of(hourly, NIGHTS)

    assert {start.hour for start, _end in free_cells(hourly)} == set(range(12, 24))


def test_approval_lays_out_what_the_horizon_has_room_for_once_the_job_has_run(few, boss):
    provider = open_provider(hours=ALWAYS, slot_minutes=60, horizon_days=60, provider__is_approved=False)

    approve_provider(provider_id=provider.pk, actor=actor_of(boss), now=NOON)
    finish(provider)

    assert slots_until(provider) == NOON + 62 * DAY
    assert len(free_cells(provider)) == 62 * 24


def test_reopening_lays_out_the_rest_by_the_job_too(hourly, few):
    before = grid(hourly)
    days = {"start_date": date(2026, 3, 3), "end_date": date(2026, 3, 8)}
    closure = close_business(fields=days, actor=SYSTEM, now=NOON).made

    change = reopen_business(closure=closure, actor=SYSTEM, now=NOON)
    assert slots_until(hourly) < NOON + 7 * DAY
    assert change.slots_added == 6 * 24

    finish(hourly)
    assert grid(hourly) == before


# --- Who rings ------------------------------------------------------------------------------------------------------


@pytest.fixture
def rings(monkeypatch):
    rung = []
    monkeypatch.setattr("booking.receivers.wake_extender", rung.append)
    return rung


def test_a_change_that_leaves_some_rings_once_it_is_committed(hourly, few, rings, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        policy_of(hourly, slot_minutes=30)
        assert rings == []

    assert rings == [hourly.schedule.pk]


def test_a_preview_rings_nobody(hourly, few, rings, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        preview(lambda: set_policy(provider_id=hourly.pk, changes={"slot_minutes": 30}, actor=SYSTEM, now=NOON))

    assert rings == []


def test_a_change_of_an_ordinary_calendar_rings_nobody(provider, rings, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        hours_of(provider, HALVES)

    assert rings == []


def test_extending_what_is_more_rings(few, rings, django_capture_on_commit_callbacks):
    schedule = open_provider(hours=ALWAYS, slot_minutes=60, horizon_days=1).schedule

    with django_capture_on_commit_callbacks(execute=True):
        extend(schedule_id=schedule.pk, now=NOON + 10 * DAY)

    assert rings == [schedule.pk]


def test_the_job_rings_nobody(hourly, few, rings, django_capture_on_commit_callbacks):
    policy_of(hourly, slot_minutes=30)

    with django_capture_on_commit_callbacks(execute=True):
        finish(hourly)

    assert rings == []


def test_the_ring_reaches_the_queue(settings):
    tasks.wake_extender(7)

    assert Redis.from_url(settings.REDIS_URL).llen("celery") == 1


def test_without_redis_a_ring_is_said_and_holds_nobody_up(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1"
    throttling.redis_client.cache_clear()

    tasks.wake_extender(7)

    throttling.redis_client.cache_clear()
    assert "could not be rung for" in caplog.text


# --- A ring that was lost -------------------------------------------------------------------------------------------


def test_calendars_that_end_within_their_horizon_are_found():
    ends = {
        True: ScheduleFactory(horizon_days=5, slots_until=NOON + 5 * DAY - timedelta(microseconds=1)),
        False: ScheduleFactory(horizon_days=5, slots_until=NOON + 5 * DAY),
    }

    assert list(Schedule.objects.drawn_back(now=NOON)) == [ends[True]]


def test_calendars_of_who_is_not_vetted_are_not_taken_for_drawn_back():
    open_provider(horizon_days=60, provider__is_approved=False)

    assert not Schedule.objects.drawn_back(now=NOON)


def test_the_rest_is_laid_out_without_a_ring(hourly, few):
    policy_of(hourly, slot_minutes=30)

    assert extend_drawn_back(now=NOON) == 7 * 48 - 48
    assert slots_until(hourly) == NOON + 7 * DAY


def test_the_daily_job_lays_out_the_rest_too(hourly, few):
    policy_of(hourly, slot_minutes=30)

    assert extend_all(now=NOON) == 7 * 48 - 48


# --- Series ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def series(hourly):
    asked = wanted(hourly, ClientFactory(), rrule="FREQ=DAILY", starts=local("2026-03-04 09:00"))
    return create_series(wanted=asked, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON).series


def test_a_series_notes_nothing_as_closed_while_slots_are_missing(hourly, series, few):
    extend_all(now=NOON + DAY)
    set_policy(provider_id=hourly.pk, changes={"slot_minutes": 30}, actor=SYSTEM, now=NOON + DAY)

    assert extend_series(series_id=series.pk, now=NOON + DAY, actor=SYSTEM) == 0
    extend_all(now=NOON + DAY)
    assert extend_series(series_id=series.pk, now=NOON + DAY, actor=SYSTEM) == 1
    series.refresh_from_db()
    assert series.gaps == []


def test_a_series_is_not_changed_while_slots_are_missing(hourly, series, few):
    policy_of(hourly, slot_minutes=30)
    later = {"series_id": series.pk, "scope": SeriesScope.ALL, "changes": {"duration_minutes": 120}}
    later |= {"actor": SYSTEM, "now": NOON, "policy": ConflictPolicy.SKIP_CONFLICTS}

    with pytest.raises(TryAgain):
        edit_series(**later)

    finish(hourly)
    assert edit_series(**later).conflicts == []


def test_the_words_of_a_series_are_changed_while_slots_are_missing(hourly, series, few):
    policy_of(hourly, slot_minutes=30)

    edit_series(series_id=series.pk, scope=SeriesScope.ALL, changes={"title": "Anew"}, actor=SYSTEM, now=NOON)

    series.refresh_from_db()
    assert series.title == "Anew"


# --- The end is as if done at once ----------------------------------------------------------------------------------

horizons = st.tuples(st.just("policy"), st.just("horizon_days"), st.integers(1, 5))
any_change = changes_of_hours | changes_of_grid | horizons


def told(provider, until=None):
    """Return the expected slots as start, end, claimed, withdrawn, whoever has them."""
    return [(a, b, claim is not None, gone) for a, b, claim, gone in grid(provider) if until is None or a < until]


@given(st.lists(any_change | bookings, max_size=6), any_change, st.integers(0, 60), st.integers(1, 40))
def test_a_change_and_its_job_do_what_the_change_does_at_once(history, last, most, portion):
    with undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.MAX_LIVE_HOLDS", 100)
        once, twice = (open_provider(horizon_days=3, hold_minutes=1) for _ in range(2))
        for provider in (once, twice):
            client = ClientFactory()
            for change in history:
                perform(provider, client, change)
        last_slot = max((end for _start, end, _claim, _gone in grid(once)), default=NOON)
        at_once = perform(once, None, last)
        patch.setattr(slots, "MANY_SLOTS", most)
        patch.setattr(slots, "PORTION", portion)
        in_part = perform(twice, None, last)

        assert broken_promises() == {}
        end = horizon_end(Schedule.objects.select_related("provider").get(provider=once), NOON)
        assert set(free_cells(twice)) <= set(free_cells(once))
        if at_once and last_slot <= end:
            assert (in_part.slots_added, in_part.slots_removed) == (at_once.slots_added, at_once.slots_removed)
        finish(twice)
        assert broken_promises() == {}
        assert told(twice, end) == told(once, end)


@given(st.lists(any_change | bookings | st.tuples(st.just("job")), max_size=10), st.integers(0, 60), st.integers(1, 40))
def test_any_changes_and_jobs_end_as_without_a_limit(changes, most, portion):
    with undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.MAX_LIVE_HOLDS", 100)
        once, twice = (open_provider(horizon_days=3, hold_minutes=1) for _ in range(2))
        client = ClientFactory()
        for change in changes:
            if change != ("job",):
                perform(once, client, change)
        free = free_cells(once)  # Here, for a sweep below ends holds of both.
        patch.setattr(slots, "MANY_SLOTS", most)
        patch.setattr(slots, "PORTION", portion)
        client = ClientFactory()
        for change in changes:
            if change == ("job",):
                slots._extend(twice.schedule.pk, NOON, portion)
            else:
                perform(twice, client, change)
            assert broken_promises() == {}
        assert set(free_cells(twice)) <= set(free)
        finish(twice)

        assert broken_promises() == {}
        end = horizon_end(Schedule.objects.select_related("provider").get(provider=once), NOON)
        assert [cell for cell in free_cells(twice) if cell[0] < end] == [cell for cell in free if cell[0] < end]
