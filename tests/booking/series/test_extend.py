"""Series: kept booked up to the horizon."""

import pytest

from booking.appointments.enums import Action
from booking.appointments.operations import reschedule, take_action
from booking.availability.operations import set_policy
from booking.availability.slots import extend_all
from booking.models import AppointmentSeries
from booking.series.enums import SeriesScope
from booking.series.operations import (
    cancel_series,
    extend_all_series,
    extend_series,
)
from tests.booking.series.helpers import (
    DAY,
    WEEK,
    create,
    grown,
    local,
    times,
    told,
)
from tests.factories import (
    NOON,
    SYSTEM,
    ServiceFactory,
    actor_of,
    appoint,
    at,
)
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]


def test_extend_books_what_has_come_within_the_horizon_and_only_once(provider, booker):
    series = create(provider, booker).series
    later = NOON + 2 * WEEK

    assert grown(provider, series, later) == 2
    assert times(series)[-2:] == ["04-06 09:00", "04-13 09:00"]
    before = dump()
    assert extend_series(series_id=series.pk, now=later, actor=SYSTEM) == 0
    assert dump() == before


def test_extend_day_by_day_books_what_extending_at_once_does(provider, booker):
    series = create(provider, booker).series
    extend_all(now=NOON + 21 * DAY)

    made = sum(extend_series(series_id=series.pk, now=NOON + number * DAY, actor=SYSTEM) for number in range(22))

    assert made == 3
    assert times(series)[-1] == "04-20 09:00"


def test_extend_leaves_out_what_is_taken_and_notes_it(provider, booker):
    series = create(provider, booker).series
    later = NOON + 2 * WEEK
    extend_all(now=later)
    appoint(provider, at("2026-04-06 09:00"), now=later)

    assert extend_series(series_id=series.pk, now=later, actor=SYSTEM) == 1
    series.refresh_from_db()
    assert series.gaps == [{"occurrence": "2026-04-06", "reason": "slot_taken"}]
    assert extend_series(series_id=series.pk, now=later + DAY, actor=SYSTEM) == 0


def test_extend_notes_a_service_that_is_no_longer_offered(provider, booker):
    service = ServiceFactory(providers=[provider])
    series = create(provider, booker, service_id=service.pk).series
    service.providers.clear()

    assert grown(provider, series, NOON + WEEK) == 0
    series.refresh_from_db()
    assert series.gaps == [{"occurrence": "2026-04-06", "reason": "service_not_offered"}]


def test_extend_leaves_a_provider_alone_who_takes_no_bookings(provider, booker):
    series = create(provider, booker).series
    provider.is_active = False
    provider.save()

    assert grown(provider, series, NOON + WEEK) == 0
    provider.is_active = True
    provider.save()
    assert grown(provider, series, NOON + WEEK) == 1


def test_extend_never_makes_again_what_was_cancelled_or_moved(provider, booker):
    change = create(provider, booker)
    second, third = change.booked[1:3]
    take_action(appointment_id=second.pk, action=Action.CANCEL, actor=actor_of(booker), now=NOON)
    reschedule(appointment_id=third.pk, starts_at=at("2026-03-24 11:00"), actor=SYSTEM, now=NOON)
    AppointmentSeries.objects.update(generated_until=NOON)

    assert extend_series(series_id=change.series.pk, now=NOON, actor=SYSTEM) == 0
    assert told(change.series) == [
        ("2026-03-09", "03-09 09:00", "scheduled"),
        ("2026-03-16", "03-16 09:00", "cancelled"),
        ("2026-03-23", "03-24 11:00", "scheduled"),
        ("2026-03-30", "03-30 09:00", "scheduled"),
    ]


def test_extend_goes_no_further_than_the_slots_do(provider, booker):
    """Dates without slots yet would look closed."""
    series = create(provider, booker).series

    assert extend_series(series_id=series.pk, now=NOON + 2 * WEEK, actor=SYSTEM) == 0
    series.refresh_from_db()
    assert series.gaps == []
    assert grown(provider, series, NOON + 2 * WEEK) == 2


def test_extend_of_a_shorter_horizon_does_nothing(provider, booker):
    series = create(provider, booker).series
    set_policy(provider_id=provider.pk, changes={"horizon_days": 10}, actor=SYSTEM, now=NOON)

    assert grown(provider, series, NOON + WEEK) == 0


def test_extend_ends_where_the_rule_does(provider, booker):
    series = create(provider, booker, rrule="FREQ=WEEKLY;COUNT=5").series

    assert grown(provider, series, NOON + 2 * WEEK) == 1
    assert extend_all_series(now=NOON + 20 * WEEK, actor=SYSTEM) == 0


def test_extend_all_extends_each_active_series(provider, booker):
    going_on = create(provider, booker).series
    cancelled = create(provider, booker, starts=local("2026-03-09 10:00")).series
    cancel_series(series_id=cancelled.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=NOON)
    extend_all(now=NOON + WEEK)

    assert extend_all_series(now=NOON + WEEK, actor=SYSTEM) == 1
    assert extend_all_series(now=NOON + WEEK, actor=SYSTEM) == 0
    assert times(going_on)[-1] == "04-06 09:00"


def test_extend_of_nothing_makes_nothing():
    assert extend_series(series_id=0, now=NOON, actor=SYSTEM) == 0
