"""Series: previewed, as they would be booked."""

from datetime import date, time

import pytest

from booking.availability.operations import take_time_off
from booking.series.operations import (
    preview_series,
)
from tests.booking.series.helpers import (
    skipping,
    wanted,
    why,
)
from tests.factories import (
    NOON,
    SYSTEM,
    appoint,
    at,
    open_provider,
)
from tests.looking import dump

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]


def test_preview_tells_free_and_busy_with_the_nearest_free_time_and_changes_nothing(provider, booker):
    appoint(provider, at("2026-03-16 09:00"))
    before = dump()

    change = preview_series(wanted=wanted(provider, booker), actor=SYSTEM, now=NOON)

    assert [f"{made.starts_at:%m-%d}" for made in change.booked] == ["03-09", "03-23", "03-30"]
    assert why(change) == [("2026-03-16", "slot_taken")]
    assert change.conflicts[0].nearest.starts_at == at("2026-03-16 09:15")
    assert dump() == before


def test_preview_offers_no_time_that_the_series_itself_takes(booker):
    hours = [(day, time(9), time(10)) for day in range(5)]
    early = open_provider(hours=hours, horizon_days=30)
    tuesday = {"start_date": date(2026, 3, 10), "end_date": date(2026, 3, 10)}
    take_time_off(provider_id=early.pk, fields=tuesday, actor=SYSTEM, now=NOON)

    change = preview_series(
        wanted=wanted(early, booker, rrule="FREQ=DAILY;COUNT=3", duration_minutes=60), actor=SYSTEM, now=NOON
    )

    assert [(str(one.occurrence), one.nearest.starts_at) for one in change.conflicts] == [
        ("2026-03-10", at("2026-03-12 09:00"))
    ]


def test_preview_finds_nothing_nearby_when_nothing_is_free(booker):
    closed = open_provider(hours=[], horizon_days=30)

    change = preview_series(wanted=wanted(closed, booker), actor=SYSTEM, now=NOON)

    assert {conflict.nearest for conflict in change.conflicts} == {None}
    assert {conflict.error.code for conflict in change.conflicts} == {"outside_hours"}


def test_preview_and_create_agree(provider, booker):
    appoint(provider, at("2026-03-16 09:00"))

    previewed = preview_series(wanted=wanted(provider, booker), actor=SYSTEM, now=NOON)
    created = skipping(provider, booker)

    assert why(previewed) == why(created)
    assert [made.starts_at for made in previewed.booked] == [made.starts_at for made in created.booked]
