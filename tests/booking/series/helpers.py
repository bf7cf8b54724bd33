"""Series for tests: their specification, and what became of them."""

from datetime import date, datetime, timedelta

from booking.availability.slots import extend_all
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import (
    SeriesSpec,
    create_series,
    edit_series,
    extend_series,
)
from tests.factories import (
    NOON,
    SYSTEM,
)

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONDAY = date(2026, 3, 9)
"""A week after NOON."""


def local(text):
    return datetime.fromisoformat(text)


def wanted(provider, client, **more):
    given = {"rrule": "FREQ=WEEKLY", "starts": local("2026-03-09 09:00"), **more}
    return SeriesSpec(provider_id=provider.pk, client_id=client.pk, **given)


def create(provider, client, *, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON, **more):
    return create_series(wanted=wanted(provider, client, **more), policy=policy, actor=actor, now=now)


def skipping(provider, client, **more):
    return create(provider, client, policy=ConflictPolicy.SKIP_CONFLICTS, **more)


def told(series):
    """Return each appointment of a series: its named date, its start, its status."""
    rows = series.appointments.order_by("reservation__starts_at", "pk").select_related("reservation")
    return [
        (str(row.occurrence) if row.occurrence else None, f"{row.starts_at:%m-%d %H:%M}", str(row.status))
        for row in rows
    ]


def times(series, status="scheduled"):
    return [when for _day, when, found in told(series) if found == status]


def why(change):
    return [(str(conflict.occurrence), conflict.error.code) for conflict in change.conflicts]


def history(appointment):
    return [event.event for event in appointment.events.order_by("pk")]


def change_one(series, day, *, now=NOON, actor=SYSTEM, overrides=None, **changes):
    return edit_series(
        series_id=series.pk,
        scope=SeriesScope.THIS,
        occurrence=day,
        changes=changes,
        actor=actor,
        now=now,
        overrides=overrides,
    )


def change_all(
    series,
    *,
    scope=SeriesScope.ALL,
    day=None,
    policy=ConflictPolicy.ALL_OR_NOTHING,
    now=NOON,
    overrides=None,
    **changes,
):
    return edit_series(
        series_id=series.pk,
        scope=scope,
        occurrence=day,
        policy=policy,
        changes=changes,
        overrides=overrides,
        actor=SYSTEM,
        now=now,
    )


def following(series, day, **changes):
    return change_all(series, scope=SeriesScope.FOLLOWING, day=day, **changes)


def grown(provider, series, now):
    extend_all(now=now)
    return extend_series(series_id=series.pk, now=now, actor=SYSTEM)
