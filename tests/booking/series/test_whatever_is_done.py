"""Series: whatever is done to them, nothing is booked twice and no date is lost."""

from datetime import UTC, date, datetime, time
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.availability.slots import extend_all
from booking.models import Appointment, AppointmentSeries, Reservation
from booking.reservations.enums import Override
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import (
    cancel_series,
    edit_series,
    extend_all_series,
)
from booking.series.recurrence import occurrences
from scheduler_project.common.errors import DomainError, TryAgain
from tests.booking.series.helpers import (
    DAY,
    MONDAY,
    create,
    local,
    skipping,
)
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ClientFactory,
    ServiceFactory,
    UserFactory,
    appoint,
    open_provider,
)
from tests.groups import MANAGER, staff_of
from tests.looking import broken_promises, undone

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]

RULES = ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY;BYDAY=2MO"]
STEPS = st.one_of(
    st.tuples(st.just("cancel"), st.sampled_from(SeriesScope), st.integers(0, 30)),
    st.tuples(st.just("words"), st.sampled_from(SeriesScope), st.integers(0, 30)),
    st.tuples(st.just("rule"), st.sampled_from(RULES), st.integers(0, 30)),
    st.tuples(st.just("time"), st.sampled_from(SeriesScope), st.integers(0, 30)),
    st.tuples(
        st.just("shift"), st.sampled_from(SeriesScope), st.integers(0, 30), st.sampled_from([-7, -2, -1, 1, 2, 7])
    ),
    st.tuples(st.just("extend"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("book"), st.integers(0, 7), st.integers(0, 30)),
)


@settings(max_examples=25)
@given(st.sampled_from(RULES), st.lists(STEPS, max_size=6))
@example("FREQ=DAILY", [("cancel", SeriesScope.FOLLOWING, 2), ("rule", "FREQ=DAILY", 1)])
@example("FREQ=DAILY", [("cancel", SeriesScope.THIS, 2), ("shift", SeriesScope.ALL, 1, 1)])
@example(
    "FREQ=WEEKLY",
    [("cancel", SeriesScope.THIS, 7), ("shift", SeriesScope.ALL, 0, 7), ("shift", SeriesScope.ALL, 7, -7)],
)
def test_whatever_is_done_nothing_is_booked_twice_and_no_date_of_a_series_is_lost(rule, steps):
    """In the end, each date of the rule within the horizon is booked, an exception, a gap, or an appointment's name.

    A shifted series begins anew with the occurrence that goes first: dates before it are not looked at.
    """
    with undone():
        who, booker = open_provider(hours=ALWAYS, horizon_days=25, slot_minutes=60), ClientFactory()
        series, now, since = skipping(who, booker, rrule=rule).series, NOON, NOON + DAY
        for name, *step in steps:
            if name == "shift":
                since = max(since, shifted(series, now, *step))
            else:
                now = attempted(name, *step, who, series, now)

        assert broken_promises() == {}
        for one in AppointmentSeries.objects.filter(cancelled_at=None):
            named = {str(day) for day in one.appointments.exclude(occurrence=None).values_list("occurrence", flat=True)}
            known = named | {str(day) for day in one.exdates} | {gap["occurrence"] for gap in one.gaps}
            assert dates_of(one, since) - known == set()


def dates_of(series, since):
    found = occurrences(series.rule, series.starts_local, series.zone, since, series.generated_until)
    return {str(day) for day, _starts_at in found}


def shifted(series, now, scope, second, days):
    """Try to move occurrences by some days; it is refused for good only. Return the first instant to look at."""
    series.refresh_from_db()
    day = MONDAY + second * DAY
    coming = occurrences(series.rule, series.starts_local, series.zone, now, now + 90 * DAY)
    first = next((one for one, _starts_at in coming if one not in series.exdates), day)
    starts = datetime.combine(day + days * DAY, series.start_time)
    skip = {"policy": ConflictPolicy.SKIP_CONFLICTS, "actor": SYSTEM, "now": now, "series_id": series.pk}
    try:
        edit_series(scope=scope, occurrence=day, changes={"starts": starts}, **skip)
    except TryAgain:
        raise
    except DomainError:
        return now
    begins = first if scope == SeriesScope.ALL else day
    return max(now + DAY, series.instant(begins + days * DAY))


def attempted(name, first, second, who, series, now):
    """Try one random step; refusals are fine."""
    day = MONDAY + second * DAY
    skip = {"policy": ConflictPolicy.SKIP_CONFLICTS, "actor": SYSTEM, "now": now, "series_id": series.pk}
    try:
        if name == "cancel":
            cancel_series(series_id=series.pk, scope=first, occurrence=day, actor=SYSTEM, now=now)
        elif name == "words":
            edit_series(scope=first, occurrence=day, changes={"title": str(second)}, **skip)
        elif name == "rule":
            edit_series(scope=SeriesScope.FOLLOWING, occurrence=day, changes={"rrule": first}, **skip)
        elif name == "time":
            starts = datetime.combine(day, time(second % 24))
            edit_series(scope=first, occurrence=day, changes={"starts": starts}, **skip)
        elif name == "book":
            appoint(who, datetime.combine(day, time(9 + first), UTC), now=now, overrides=list(Override))
        elif name == "wait":
            now += first * DAY
        else:
            now += first * DAY
            extend_all(now=now)
            extend_all_series(now=now, actor=SYSTEM)
    except DomainError:
        pass
    return now


def test_every_kind_of_scope_and_change_goes_through(provider, booker):
    service = ServiceFactory(duration_minutes=30, providers=[provider])
    changes = [
        {"title": "X"},
        {"starts": local("2026-03-16 15:00")},
        {"duration_minutes": 45},
        {"service_id": service.pk},
    ]
    series = create(provider, booker).series

    for scope, change in product(SeriesScope, changes):
        with undone():
            done = edit_series(
                series_id=series.pk, scope=scope, occurrence=date(2026, 3, 16), changes=change, actor=SYSTEM, now=NOON
            )
            assert done.conflicts == []
            assert broken_promises() == {}


def test_a_client_sees_their_series_a_provider_theirs_staff_all(provider, booker):
    series = create(provider, booker).series
    other = create(open_provider(horizon_days=3), ClientFactory()).series
    seen = AppointmentSeries.objects.visible_to

    assert set(seen(booker.user)) == set(seen(provider.user)) == {series}
    assert set(seen(staff_of(MANAGER))) == {series, other}
    assert set(seen(UserFactory())) == set(seen(None)) == set()
    assert Reservation.objects.count() == Appointment.objects.count()
