"""Limits on the cost of a change of hours: lower until a provider is vetted, per minute, only differences written."""

import logging
from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import VETTED
from accounts.providers.operations import approve_provider
from booking.availability.errors import TooManyChanges
from booking.availability.operations import set_date_override, set_policy, set_working_hours
from booking.models import Schedule, Slot
from scheduler_project.common.operations import preview
from tests.factories import ALWAYS, NOON, SYSTEM, WEEKDAYS, actor_of, open_provider
from tests.looking import broken_promises, grid

pytestmark = pytest.mark.django_db

MORNINGS = [(day, time(9), time(12)) for day in range(5)]


def change(provider, hours=MORNINGS, *, actor=None):
    return set_working_hours(provider_id=provider.pk, hours=hours, actor=actor or actor_of(provider), now=NOON)


# --- Until vetted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", VETTED)
def test_grid_of_a_provider_who_is_not_vetted_is_bounded(fact):
    provider = open_provider(hours=ALWAYS, slot_minutes=5, horizon_days=366, **{f"provider__{fact}": False})

    assert 4_000 < Slot.objects.filter(provider=provider).count() <= 5_000


def test_grid_of_a_provider_who_is_not_vetted_ends_after_a_month():
    provider = open_provider(horizon_days=366, provider__is_approved=False)

    last = Slot.objects.filter(provider=provider).latest("starts_at").starts_at
    assert NOON + timedelta(days=27) < last <= NOON + timedelta(days=30)


def test_longer_horizon_lays_out_no_more_until_vetted():
    provider = open_provider(horizon_days=10, provider__is_approved=False)

    set_policy(provider_id=provider.pk, changes={"horizon_days": 366}, actor=actor_of(provider), now=NOON)

    assert Slot.objects.latest("starts_at").starts_at <= NOON + timedelta(days=30)


def test_approval_lays_out_the_whole_horizon(boss):
    provider = open_provider(horizon_days=60, provider__is_approved=False)

    approve_provider(provider_id=provider.pk, actor=actor_of(boss), now=NOON)

    assert Slot.objects.latest("starts_at").starts_at > NOON + timedelta(days=58)
    assert broken_promises() == {}


# --- By the minute ----------------------------------------------------------------------------------------------------


def test_changes_are_limited(provider, throttle):
    throttle["hours"] = "2/min"
    change(provider)
    preview(lambda: change(provider))

    with pytest.raises(TooManyChanges) as refused:
        change(provider)
    assert 0 < refused.value.retry_after <= 60


def test_limit_of_changes_is_one_line_of_the_security_log_however_many_are_refused(provider, throttle, caplog):
    throttle["hours"] = "1/min"
    caplog.set_level(logging.INFO, "security")
    change(provider)

    for _time in range(3):
        with pytest.raises(TooManyChanges):
            change(provider)

    lines = [record.getMessage() for record in caplog.records if record.name == "security"]
    assert lines == [f"limit.reached face=command by={provider.user_id} scope=hours"]


def test_changes_within_the_limit_are_made(provider, throttle):
    throttle["hours"] = "3/min"

    for _time in range(3):
        change(provider)


def test_changes_of_one_provider_count_for_them_alone(provider, throttle):
    throttle["hours"] = "1/min"
    change(provider)

    change(open_provider())


def test_changes_by_the_system_are_not_limited(provider, throttle):
    throttle["hours"] = "1/min"

    for _time in range(3):
        change(provider, actor=SYSTEM)


def test_large_changes_have_a_limit_of_their_own(provider, throttle, monkeypatch):
    monkeypatch.setattr("booking.availability.operations.change.MANY_SLOTS", 500)
    throttle["hours_large"] = "1/min"
    change(provider, ALWAYS)
    before = grid(provider)

    with pytest.raises(TooManyChanges):
        change(provider, [(day, time(9), time(0)) for day in range(7)])
    assert grid(provider) == before
    set_date_override(
        provider_id=provider.pk, day=NOON.date() + timedelta(days=2), hours=[], actor=actor_of(provider), now=NOON
    )


def test_too_many_changes_are_a_429_that_says_when(provider, provider_api, throttle, at_noon):
    throttle["hours"] = "1/min"
    url, body = f"/api/providers/{provider.pk}/working-hours", {"hours": []}
    provider_api.put(url, body)

    answer = provider_api.put(url, body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "too_many_changes")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


# --- Only what differs ------------------------------------------------------------------------------------------------


def writes_of(work) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured if "booking_slot" in query["sql"] and "WITH wanted" in query["sql"]]


def test_hours_that_stay_as_they_are_lay_out_nothing(provider):
    assert writes_of(lambda: change(provider, WEEKDAYS)) == []


def test_hours_that_change_lay_out_slots(provider):
    assert writes_of(lambda: change(provider))


def test_longer_horizon_is_laid_out_though_the_hours_stay(provider):
    set_policy(provider_id=provider.pk, changes={"horizon_days": 120}, actor=actor_of(provider), now=NOON)

    assert Slot.objects.latest("starts_at").starts_at > NOON + timedelta(days=118)
    assert Schedule.objects.get().slots_until > NOON + timedelta(days=120)
    days = {slot.date() for slot in Slot.objects.values_list("starts_at", flat=True)}
    weekdays = {NOON.date() + timedelta(days=number) for number in range(122)}
    assert days >= {day for day in weekdays if day.weekday() < 5 and day < max(days)}


def test_another_grid_is_laid_out_though_the_hours_stay(provider):
    set_policy(provider_id=provider.pk, changes={"slot_minutes": 30}, actor=actor_of(provider), now=NOON)

    lengths = {end - start for start, end in Slot.objects.values_list("starts_at", "ends_at")}
    assert lengths == {timedelta(minutes=30)}
