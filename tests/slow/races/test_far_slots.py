"""The hours are changed while the job lays out what is missing, and the other way round: the latest hours win (R5)."""

from datetime import time

import pytest

from booking.availability import slots
from booking.availability.operations import set_policy, set_working_hours
from booking.availability.slots import extend_in_portions
from booking.models import Schedule
from scheduler_project.common.failpoints import Failpoint
from tests.factories import ALWAYS, NOON, SYSTEM
from tests.looking import broken_promises, free_cells
from tests.slow.races.failpoints import stop
from tests.slow.races.running import together

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.provider(hours=ALWAYS, slot_minutes=60, horizon_days=3),
]

MORNINGS = [(day, time(0), time(12)) for day in range(7)]


@pytest.fixture(autouse=True)
def _far_slots_missing(provider, monkeypatch):
    """Of the calendar around the clock three of five days are still missing."""
    with monkeypatch.context() as patch:
        patch.setattr(slots, "MANY_SLOTS", 96)
        set_policy(provider_id=provider.pk, changes={"slot_minutes": 30}, actor=SYSTEM, now=NOON)


def job(provider):
    return lambda: extend_in_portions(schedule_id=provider.schedule.pk, now=NOON)


def change(provider):
    return lambda: set_working_hours(provider_id=provider.pk, hours=MORNINGS, actor=SYSTEM, now=NOON)


def hours_of_slots(provider):
    return {start.hour for start, _end in free_cells(provider)}


def test_hours_are_changed_while_the_job_lays_out(provider):
    answers = stop(Failpoint.BEFORE_COMMIT, job(provider), change(provider))

    assert answers.waited == [True]
    assert hours_of_slots(provider) == set(range(12))
    assert broken_promises() == {}


def test_control_without_lock_the_job_leaves_slots_outside_the_hours(provider):
    stop(Failpoint.BEFORE_COMMIT, job(provider), change(provider), locks=False)

    assert hours_of_slots(provider) > set(range(12))


def test_the_job_comes_while_the_hours_are_changed(provider):
    answers = stop(Failpoint.HOURS_CHANGED, change(provider), job(provider))

    assert answers.waited == [True]
    assert hours_of_slots(provider) == set(range(12))
    assert len(free_cells(provider)) == 5 * 24
    assert broken_promises() == {}


def test_control_without_lock_the_job_does_not_wait_for_the_change(provider):
    answers = stop(Failpoint.HOURS_CHANGED, change(provider), job(provider), locks=False)

    assert answers.waited == [False]


def test_two_jobs_at_once_lay_each_slot_once(provider, monkeypatch):
    monkeypatch.setattr(slots, "PORTION", 10)

    answers = together(*[job(provider)] * 3)

    assert sum(answers) == 3 * 48
    assert len(free_cells(provider)) == 5 * 48
    assert Schedule.objects.get().slots_until == slots.horizon_end(
        Schedule.objects.select_related("provider").get(), NOON
    )
