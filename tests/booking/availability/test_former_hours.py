"""Past and future open hours of many calendars at once; later changes of hours do not change the past."""

from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Provider
from booking.availability.former_hours import availability_groups
from booking.availability.operations import set_policy, set_working_hours, take_time_off
from scheduler_project.common.operations import preview
from tests.factories import NOON, SYSTEM, ClosureFactory, ScheduleFactory, TimeOffFactory, at

pytestmark = pytest.mark.django_db

LAST_WEEK, NEXT_WEEK = (
    (at("2026-02-23 00:00"), at("2026-02-25 00:00")),
    (at("2026-03-09 00:00"), at("2026-03-11 00:00")),
)


@pytest.fixture
def schedule():
    return ScheduleFactory(weekdays=True, provider__created_at=at("2026-01-01 00:00"))


def hours(days, provider=None):
    return [
        f"{start:%d %H:%M}–{end:%d %H:%M}"
        for offer in availability_groups(*days, provider.pk if provider else None)
        for start, end in offer.hours
    ]


def test_offers_are_the_weekly_hours(schedule):
    assert hours(LAST_WEEK) == ["23 09:00–23 17:00", "24 09:00–24 17:00"]


def test_offers_of_the_past_are_the_hours_that_were_kept_then(schedule):
    set_working_hours(provider_id=schedule.provider_id, hours=[(0, time(10), time(11))], actor=SYSTEM, now=NOON)

    assert (hours(LAST_WEEK), hours(NEXT_WEEK)) == (["23 09:00–23 17:00", "24 09:00–24 17:00"], ["09 10:00–09 11:00"])


def test_offers_change_at_the_moment_the_hours_did(schedule):
    set_working_hours(provider_id=schedule.provider_id, hours=[(0, time(11), time(23))], actor=SYSTEM, now=NOON)

    assert hours((at("2026-03-02 00:00"), at("2026-03-03 00:00"))) == ["02 09:00–02 23:00"]


def test_offers_of_the_past_are_in_the_zone_of_then(schedule):
    set_policy(provider_id=schedule.provider_id, changes={"timezone": "Asia/Tokyo"}, actor=SYSTEM, now=NOON)

    assert (hours(LAST_WEEK)[0], hours(NEXT_WEEK)[0]) == ("23 09:00–23 17:00", "09 00:00–09 08:00")


def test_offers_forget_nothing_when_a_change_was_previewed(schedule):
    preview(lambda: set_working_hours(provider_id=schedule.provider_id, hours=[], actor=SYSTEM, now=NOON))

    assert not schedule.former_hours.exists()


def test_offers_leave_out_time_off_and_closures(schedule):
    TimeOffFactory(schedule=schedule, start_date="2026-02-23")
    ClosureFactory(start_date=None, end_date=None, starts_at=at("2026-02-24 12:00"), ends_at=at("2026-02-24 13:00"))

    assert hours(LAST_WEEK) == ["24 09:00–24 12:00", "24 13:00–24 17:00"]


def test_offers_leave_out_time_off_of_former_hours(schedule):
    take_time_off(
        provider_id=schedule.provider_id,
        fields={"start_date": at("2026-03-09 00:00").date(), "end_date": at("2026-03-09 00:00").date()},
        actor=SYSTEM,
        now=NOON,
    )
    set_working_hours(provider_id=schedule.provider_id, hours=[], actor=SYSTEM, now=at("2026-03-20 00:00"))

    assert hours(NEXT_WEEK) == ["10 09:00–10 17:00"]


def test_offers_begin_when_the_provider_was_added(schedule):
    Provider.objects.update(created_at=at("2026-02-24 10:00"))

    assert hours(LAST_WEEK) == ["24 10:00–24 17:00"]


def test_offers_cut_a_cell_where_the_span_begins(schedule):
    assert hours((at("2026-02-23 09:07"), at("2026-02-23 09:20"))) == ["23 09:07–23 09:20"]


def test_offers_leave_out_who_takes_no_bookings_unless_asked_for(schedule):
    Provider.objects.update(is_active=False)

    assert (hours(LAST_WEEK), len(hours(LAST_WEEK, schedule.provider))) == ([], 2)


def test_offers_of_those_alike_are_reckoned_once(schedule):
    ScheduleFactory(weekdays=True, provider__created_at=at("2026-01-02 00:00"))

    assert [len(offer.providers) for offer in availability_groups(*LAST_WEEK)] == [2]


@pytest.mark.parametrize("number", [1, 7])
def test_offers_take_two_queries_however_many_there_are(number):
    for weekday in range(number):
        ScheduleFactory(weekdays=weekday % 2, provider__created_at=at("2026-01-01 00:00"))

    with CaptureQueriesContext(connection) as asked:
        availability_groups(*LAST_WEEK)

    assert len(asked) == 2
