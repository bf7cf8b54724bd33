"""Series: one occurrence cancelled, moved or edited by itself."""

from datetime import date

import pytest

from booking.appointments.enums import Action
from booking.appointments.errors import BadTransition
from booking.appointments.operations import reschedule, take_action
from booking.reservations.enums import Override
from booking.series.enums import SeriesScope
from booking.series.errors import BadRule, SeriesConflict
from booking.series.operations import (
    cancel_series,
)
from scheduler_project.common.errors import NotFound
from tests.booking.series.helpers import (
    MONDAY,
    WEEK,
    change_one,
    create,
    grown,
    history,
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
    minutes,
)
from tests.looking import dump, free_cells

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]


def test_cancelling_an_appointment_of_a_series_makes_an_exception(provider, booker):
    change = create(provider, booker)

    take_action(
        appointment_id=change.booked[1].pk, action=Action.CANCEL, actor=actor_of(booker), now=NOON, reason="Away"
    )

    change.series.refresh_from_db()
    assert change.series.exdates == [date(2026, 3, 16)]


def test_rescheduling_an_appointment_of_a_series_keeps_its_name(provider, booker):
    change = create(provider, booker)

    reschedule(appointment_id=change.booked[1].pk, starts_at=at("2026-03-17 10:00"), actor=actor_of(booker), now=NOON)

    assert told(change.series)[1] == ("2026-03-16", "03-17 10:00", "scheduled")


def test_cancel_this_is_cancelling_the_appointment(provider, booker):
    series = create(provider, booker).series

    change = cancel_series(
        series_id=series.pk,
        scope=SeriesScope.THIS,
        occurrence=date(2026, 3, 16),
        actor=SYSTEM,
        now=NOON,
        reason="Flood",
    )

    [gone] = change.cancelled
    gone.refresh_from_db()
    assert (gone.status, gone.cancellation_reason, history(gone)) == ("cancelled", "Flood", ["booked", "cancelled"])
    assert change.series.exdates == [date(2026, 3, 16)]
    assert at("2026-03-16 09:00") in {start for start, _ in free_cells(provider)}


def test_cancel_this_beyond_the_horizon_is_an_exception_to_come(provider, booker):
    series = create(provider, booker).series

    cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=date(2026, 4, 6), actor=SYSTEM, now=NOON)

    assert grown(provider, series, NOON + 2 * WEEK) == 1
    assert times(series)[-1] == "04-13 09:00"


def test_cancel_this_twice_is_a_bad_transition(provider, booker):
    series = create(provider, booker).series
    this = {"series_id": series.pk, "scope": SeriesScope.THIS, "occurrence": MONDAY, "actor": SYSTEM, "now": NOON}
    cancel_series(**this)

    with pytest.raises(BadTransition):
        cancel_series(**this)


def test_edit_this_moves_one_and_leaves_the_rule(provider, booker):
    series = create(provider, booker).series

    change_one(series, MONDAY, starts=local("2026-03-10 11:00"), duration_minutes=30, title="Late")

    assert told(series)[:2] == [("2026-03-09", "03-10 11:00", "scheduled"), ("2026-03-16", "03-16 09:00", "scheduled")]
    moved = series.appointments.get(occurrence=MONDAY)
    assert (moved.title, moved.ends_at - moved.starts_at) == ("Late", minutes(30))
    assert history(moved) == ["booked", "rescheduled", "edited"]
    series.refresh_from_db()
    assert (series.rrule, series.title, series.duration_minutes) == ("FREQ=WEEKLY", "", 15)


def test_edit_this_can_change_the_service(provider, booker):
    service = ServiceFactory(duration_minutes=45, buffer_before_minutes=15, providers=[provider])
    series = create(provider, booker, starts=local("2026-03-09 10:00")).series

    change_one(series, MONDAY, service_id=service.pk)

    moved = series.appointments.get(occurrence=MONDAY)
    assert (moved.service, moved.ends_at - moved.starts_at) == (service, minutes(45))
    assert moved.reservation.blocked_from == moved.starts_at - minutes(15)


def test_edit_this_onto_taken_time_is_refused_with_the_nearest(provider, booker):
    series = create(provider, booker).series
    appoint(provider, at("2026-03-10 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        change_one(series, MONDAY, starts=local("2026-03-10 11:00"))

    [conflict] = refusal.value.details["conflicts"]
    assert (conflict["occurrence"], conflict["reason"]) == ("2026-03-09", "slot_taken")
    assert conflict["nearest"]["start_time"] in ("2026-03-10T10:45:00Z", "2026-03-10T11:15:00Z")
    assert dump() == before


def test_edit_this_has_no_rule(provider, booker):
    series = create(provider, booker).series

    with pytest.raises(BadRule):
        change_one(series, MONDAY, rrule="FREQ=DAILY")


def test_edit_this_beyond_the_horizon_is_not_found(provider, booker):
    series = create(provider, booker).series

    with pytest.raises(NotFound):
        change_one(series, date(2026, 4, 6), title="X")


def test_edit_this_with_an_override_does_not_change_the_series(provider, booker):
    series = create(provider, booker).series

    change_one(series, MONDAY, starts=local("2026-03-09 20:00"), overrides=[Override.HOURS])

    series.refresh_from_db()
    assert (series.overrides, told(series)[0][1]) == ([], "03-09 20:00")
