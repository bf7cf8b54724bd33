"""Series: cancelled from an occurrence on, or all of them."""

from datetime import date

import pytest

from accounts.actors import Actor, Source
from booking.appointments.operations import reschedule
from booking.availability.errors import InThePast
from booking.series.enums import SeriesScope
from booking.series.errors import NotInRule, SeriesEnded
from booking.series.operations import (
    cancel_series,
    edit_series,
)
from scheduler_project.common.errors import Missing, NotAllowed, NotFound
from tests.booking.series.helpers import (
    MONDAY,
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
    ClientFactory,
    ProviderFactory,
    actor_of,
    at,
)
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]


def test_cancel_following_ends_the_rule_before_it(provider, booker):
    series = create(provider, booker).series

    change = cancel_series(
        series_id=series.pk,
        scope=SeriesScope.FOLLOWING,
        occurrence=date(2026, 3, 23),
        actor=SYSTEM,
        now=NOON,
        reason="Moved",
    )

    assert times(series) == ["03-09 09:00", "03-16 09:00"]
    assert times(series, "cancelled") == ["03-23 09:00", "03-30 09:00"]
    assert {one.cancellation_reason for one in change.cancelled} == {"Moved"}
    assert (change.series.rrule, change.series.ends_at) == (
        "FREQ=WEEKLY;UNTIL=20260323T085959Z",
        at("2026-03-16 09:15"),
    )
    assert grown(provider, series, NOON + 2 * WEEK) == 0


def test_cancel_following_the_first_cancels_the_series(provider, booker):
    series = create(provider, booker).series

    change = cancel_series(series_id=series.pk, scope=SeriesScope.FOLLOWING, occurrence=MONDAY, actor=SYSTEM, now=NOON)

    assert (change.series.cancelled_at, times(series)) == (NOON, [])


def test_cancel_all_leaves_what_has_begun(provider, booker):
    series = create(provider, booker).series

    cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=at("2026-03-16 09:00"))

    assert [status for _day, _when, status in told(series)] == ["scheduled", "scheduled", "cancelled", "cancelled"]
    assert broken_promises() == {}


def test_cancel_all_takes_along_what_was_moved(provider, booker):
    change = create(provider, booker)
    reschedule(appointment_id=change.booked[0].pk, starts_at=at("2026-03-18 11:00"), actor=SYSTEM, now=NOON)

    cancel_series(series_id=change.series.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=at("2026-03-17 12:00"))

    assert ("2026-03-09", "03-18 11:00", "cancelled") in told(change.series)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"scope": SeriesScope.FOLLOWING}, Missing),
        ({"scope": SeriesScope.THIS}, Missing),
        ({"scope": SeriesScope.THIS, "occurrence": date(2026, 3, 10)}, NotInRule),
        ({"scope": SeriesScope.FOLLOWING, "occurrence": date(2026, 3, 2)}, NotInRule),
        ({"scope": SeriesScope.FOLLOWING, "occurrence": MONDAY, "now": at("2026-03-09 09:00")}, InThePast),
        ({"scope": SeriesScope.ALL, "series_id": 0}, NotFound),
    ],
)
def test_cancel_refused_changes_nothing(provider, booker, arguments, error):
    series = create(provider, booker).series
    before = dump()

    with pytest.raises(error):
        cancel_series(**{"series_id": series.pk, "actor": SYSTEM, "now": NOON, **arguments})

    assert dump() == before


@pytest.mark.parametrize("who", ["client", "stranger", "another provider"])
def test_changing_a_series_is_for_the_provider_and_staff(provider, booker, who):
    series = create(provider, booker).series
    actor = actor_of({"client": booker, "stranger": ClientFactory(), "another provider": ProviderFactory()}[who])

    with pytest.raises(NotAllowed):
        edit_series(series_id=series.pk, scope=SeriesScope.ALL, changes={"title": "X"}, actor=actor, now=NOON)


@pytest.mark.parametrize("who", ["stranger", "another provider", "another provider's client", "nobody"])
def test_cancelling_a_series_is_not_for_others(provider, booker, who):
    series = create(provider, booker).series
    others = {
        "stranger": lambda: actor_of(ClientFactory()),
        "another provider": lambda: actor_of(ProviderFactory()),
        "another provider's client": lambda: Actor(None, Source.PAGE, guest=ClientFactory(owner=ProviderFactory())),
        "nobody": lambda: Actor(None, Source.PAGE),
    }

    with pytest.raises(NotAllowed):
        cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=others[who](), now=NOON)


def test_cancel_by_its_client_ends_it(provider, booker):
    series = create(provider, booker, rrule="FREQ=WEEKLY").series

    cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=actor_of(booker), now=NOON)

    assert (times(series), grown(provider, series, NOON + 2 * WEEK)) == ([], 0)


def test_nothing_can_be_done_with_a_series_that_is_over(provider, booker):
    over = create(provider, booker, rrule="FREQ=WEEKLY;COUNT=1").series
    cancelled = create(provider, booker, starts=local("2026-03-09 11:00")).series
    cancel_series(series_id=cancelled.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=NOON)

    for series, now in ((over, at("2026-03-09 09:15")), (cancelled, NOON)):
        with pytest.raises(SeriesEnded):
            cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=now)
        with pytest.raises(SeriesEnded):
            edit_series(series_id=series.pk, scope=SeriesScope.ALL, changes={"title": "X"}, actor=SYSTEM, now=now)
