"""Every figure is what plain counting finds, on random data around a change of the clocks."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.api.serializers import serialized_report
from analytics.periods import Span
from analytics.queries import build_report
from analytics.report import ReportScope
from booking.models import Service
from scheduler_project.common.time.zones import to_utc
from tests.analytics.counting import Count
from tests.analytics.world import happened
from tests.looking import undone

CHANGES = {
    "America/New_York": date(2026, 3, 8),
    "Europe/Berlin": date(2026, 10, 25),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "Pacific/Chatham": date(2026, 9, 27),
}
ASKED = ("from", "to", "timezone", "start_time", "end_time", "provider", "service")


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(sorted(CHANGES)),
    narrowed=st.sampled_from(["", "provider", "service"]),
)
def test_figures_are_what_plain_counting_finds(db, seed, name, narrowed):
    zone = ZoneInfo(name)
    days = 3
    first = CHANGES[name] - timedelta(days=1)
    start = to_utc(datetime.combine(first, datetime.min.time()), zone)
    now = start + timedelta(hours=30)

    with undone():
        schedules = happened(seed, zone, start, days, now)
        scope = {
            "": {},
            "provider": {"provider": schedules[0].provider},
            "service": {"service": Service.objects.earliest("pk")},
        }[narrowed]
        span = Span(first, first + timedelta(days=days - 1), zone)
        told = serialized_report(build_report(span=span, scope=ReportScope(**scope), now=now))
        expected = Count(zone, set(span.dates), now, **scope).told()

    for asked in ASKED:
        told.pop(asked)
    for axis in ("provider", "service"):
        rows = {row.pop(axis): row for row in told[f"by_{axis}"]}
        told[f"by_{axis}"] = {
            pk: {key: value for key, value in row.items() if key != "name"} for pk, row in rows.items()
        }
    assert told == expected
