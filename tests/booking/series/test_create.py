"""Series: booked up to the horizon."""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.availability.errors import InThePast, OffGrid
from booking.availability.operations import take_time_off
from booking.availability.slots import extend_all
from booking.reservations.enums import Override
from booking.reservations.errors import TooFar
from booking.series.enums import ConflictPolicy
from booking.series.errors import BadRule, NotInRule, SeriesConflict
from booking.series.operations import (
    SeriesSpec,
    create_series,
    extend_series,
)
from booking.services.errors import ServiceNotOffered
from scheduler_project.common.errors import NotAllowed, NotFound
from tests.booking.series.helpers import (
    DAY,
    WEEK,
    create,
    local,
    skipping,
    times,
    told,
    why,
)
from tests.factories import (
    NOON,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.provider(horizon_days=30)]


def test_create_books_every_occurrence_up_to_the_horizon(provider, booker):
    change = create(provider, booker)

    assert told(change.series) == [
        ("2026-03-09", "03-09 09:00", "scheduled"),
        ("2026-03-16", "03-16 09:00", "scheduled"),
        ("2026-03-23", "03-23 09:00", "scheduled"),
        ("2026-03-30", "03-30 09:00", "scheduled"),
    ]
    assert (len(change.booked), change.conflicts) == (4, [])
    assert change.series.generated_until == NOON + 30 * DAY
    assert change.series.ends_at is None
    assert broken_promises() == {}


def test_create_makes_ordinary_appointments_with_a_history(provider, booker):
    service = ServiceFactory(name="Lesson", duration_minutes=45, buffer_after_minutes=15, providers=[provider])

    change = create(provider, booker, service_id=service.pk, description="Bring it", actor=actor_of(provider))

    first = change.booked[0]
    first.refresh_from_db()
    assert (first.title, first.description, first.client, first.service) == ("Lesson", "Bring it", booker, service)
    assert (first.ends_at - first.starts_at, first.timezone) == (minutes(45), "UTC")
    assert first.reservation.blocked_until == first.starts_at + minutes(60)
    event = first.events.get()
    assert (event.event, event.user, event.details) == (
        "booked",
        provider.user,
        {"status": "scheduled", "series": change.series.pk},
    )
    assert (change.series.created_by, change.series.face) == (provider.user, "api")


def test_create_starts_on_the_clocks_of_its_zone_and_takes_the_providers_if_none_is_said(booker):
    berlin = open_provider(horizon_days=30, timezone="Europe/Berlin")

    change = create(berlin, booker)
    told_in_tokyo = create(berlin, booker, starts=local("2026-03-10 18:00"), timezone="Asia/Tokyo")

    assert change.series.timezone == "Europe/Berlin"
    assert times(change.series) == ["03-09 08:00", "03-16 08:00", "03-23 08:00", "03-30 07:00"]
    assert times(told_in_tokyo.series)[0] == "03-10 09:00"


def test_create_reads_an_instant_on_the_clocks_of_its_zone(booker):
    berlin = open_provider(horizon_days=30, timezone="Europe/Berlin")

    change = create(berlin, booker, starts=at("2026-03-09 08:00"))

    assert change.series.starts_local == local("2026-03-09 09:00")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]
)
def test_a_weekly_series_keeps_nine_o_clock_across_both_changes(booker, zone):
    there = open_provider(hours=[(0, time(9), time(10))], horizon_days=366, timezone=zone, slot_minutes=30)

    change = create(there, booker)

    clocks = {f"{made.starts_at.astimezone(ZoneInfo(zone)):%a %H:%M}" for made in change.booked}
    assert clocks == {"Mon 09:00"}
    assert (len(change.booked), change.conflicts) == (52, [])
    offsets = {made.starts_at.astimezone(ZoneInfo(zone)).utcoffset() for made in change.booked}
    assert len(offsets) == (1 if zone == "Asia/Kathmandu" else 2)


def test_create_all_or_nothing_books_nothing_if_one_is_taken_and_lists_every_conflict(provider, booker):
    appoint(provider, at("2026-03-16 09:00"))
    take_time_off(
        provider_id=provider.pk,
        fields={"start_date": date(2026, 3, 30), "end_date": date(2026, 3, 30)},
        actor=SYSTEM,
        now=NOON,
    )
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        create(provider, booker)

    assert dump() == before
    assert refusal.value.details["conflicts"] == [
        {
            "occurrence": "2026-03-16",
            "start_time": "2026-03-16T09:00:00Z",
            "end_time": "2026-03-16T09:15:00Z",
            "reason": "slot_taken",
            "detail": str(refusal.value.details["conflicts"][0]["detail"]),
            "nearest": {
                "slot": refusal.value.details["conflicts"][0]["nearest"]["slot"],
                "start_time": "2026-03-16T09:15:00Z",
                "end_time": "2026-03-16T09:30:00Z",
            },
        },
        {
            "occurrence": "2026-03-30",
            "start_time": "2026-03-30T09:00:00Z",
            "end_time": "2026-03-30T09:15:00Z",
            "reason": "outside_hours",
            "detail": str(refusal.value.details["conflicts"][1]["detail"]),
            "nearest": {
                "slot": refusal.value.details["conflicts"][1]["nearest"]["slot"],
                "start_time": "2026-03-31T09:00:00Z",
                "end_time": "2026-03-31T09:15:00Z",
            },
        },
    ]


def test_create_skipping_conflicts_books_the_others_and_notes_the_gaps(provider, booker):
    appoint(provider, at("2026-03-16 09:00"))

    change = skipping(provider, booker)

    assert times(change.series) == ["03-09 09:00", "03-23 09:00", "03-30 09:00"]
    assert why(change) == [("2026-03-16", "slot_taken")]
    change.series.refresh_from_db()
    assert change.series.gaps == [{"occurrence": "2026-03-16", "reason": "slot_taken"}]
    assert broken_promises() == {}


def test_create_over_a_dead_hold_takes_its_time(provider, booker):
    hold(provider, at("2026-03-16 09:00"))

    assert times(create(provider, booker, now=NOON + minutes(30)).series)[1] == "03-16 09:00"


def test_create_inside_the_notice_is_a_conflict_unless_overridden(provider, booker):
    tomorrow = {"starts": local("2026-03-03 09:00")}

    assert why(skipping(provider, booker, **tomorrow)) == [("2026-03-03", "too_soon")]
    override = create(provider, ClientFactory(), starts=local("2026-03-03 10:00"), overrides=[Override.NOTICE])
    assert times(override.series)[0] == "03-03 10:00"


def test_create_outside_the_hours_needs_an_override_which_is_kept_for_later(provider, booker):
    evening = {"starts": local("2026-03-09 20:00")}

    with pytest.raises(SeriesConflict):
        create(provider, booker, **evening)
    change = create(provider, booker, overrides=[Override.HOURS], **evening)
    extend_all(now=NOON + WEEK)
    extend_series(series_id=change.series.pk, now=NOON + WEEK, actor=SYSTEM)

    assert times(change.series)[-1] == "04-06 20:00"


def test_create_books_no_occurrence_that_has_passed(provider, booker):
    change = create(provider, booker, rrule="FREQ=WEEKLY;COUNT=60", starts=local("2025-06-02 09:00"))

    assert times(change.series)[0] == "03-09 09:00"
    assert change.series.ends_at == at("2026-07-20 09:15")


def test_create_far_ahead_books_nothing_yet(provider, booker):
    change = create(provider, booker, starts=local("2026-09-07 09:00"))

    assert change.booked == []
    assert extend_series(series_id=change.series.pk, now=at("2026-08-10 12:00"), actor=SYSTEM) == 0
    extend_all(now=at("2026-08-20 12:00"))
    assert extend_series(series_id=change.series.pk, now=at("2026-08-20 12:00"), actor=SYSTEM) == 2


def test_create_leaves_exceptions_out(provider, booker):
    change = create(provider, booker, exdates=[date(2026, 3, 16), date(2026, 3, 16), date(2031, 1, 1)])

    assert times(change.series) == ["03-09 09:00", "03-23 09:00", "03-30 09:00"]
    assert change.series.exdates == [date(2026, 3, 16), date(2031, 1, 1)]


def test_create_counts_exceptions_and_conflicts(provider, booker):
    appoint(provider, at("2026-03-23 09:00"))

    change = skipping(provider, booker, rrule="FREQ=WEEKLY;COUNT=4", exdates=[date(2026, 3, 16)])

    assert times(change.series) == ["03-09 09:00", "03-30 09:00"]
    assert change.series.ends_at == at("2026-03-30 09:15")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"rrule": "FREQ=HOURLY"}, BadRule),
        ({"rrule": "FREQ=WEEKLY\nEXDATE:20260316"}, BadRule),
        ({"rrule": "FREQ=WEEKLY;BYDAY=TU"}, NotInRule),
        ({"rrule": "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31"}, BadRule),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20260308T000000Z"}, BadRule),
        ({"starts": local("2026-03-09 09:07")}, OffGrid),
        ({"starts": local("2026-03-09 09:00:00.000001")}, OffGrid),
        ({"starts": local("2030-03-11 09:00")}, TooFar),
        ({"starts": local("2024-03-11 09:00"), "rrule": "FREQ=DAILY;COUNT=3"}, InThePast),
        ({"service_id": 0}, ServiceNotOffered),
        ({"client_id": 0}, NotFound),
        ({"provider_id": 0}, NotFound),
    ],
)
def test_create_refused_writes_nothing(provider, booker, more, error):
    before = dump()
    who = {"provider_id": provider.pk, "client_id": booker.pk}
    given = {"rrule": "FREQ=WEEKLY", "starts": local("2026-03-09 09:00"), **who, **more}

    with pytest.raises(error):
        create_series(wanted=SeriesSpec(**given), policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON)

    assert dump() == before


def test_create_is_not_for_clients_nor_for_other_providers(provider, booker):
    for actor in (actor_of(booker), actor_of(ProviderFactory())):
        with pytest.raises(NotAllowed):
            create(provider, booker, actor=actor)


def test_create_by_a_client_with_a_provider_who_is_hidden_is_not_found(booker):
    with pytest.raises(NotFound):
        create(open_provider(horizon_days=3, provider__is_approved=False), booker, actor=actor_of(booker))


def test_create_for_a_client_of_another_address_book_is_refused(provider):
    with pytest.raises(NotAllowed):
        create(provider, ClientFactory(owner=ProviderFactory(), user=None), actor=actor_of(provider))


def test_create_asks_a_bounded_number_of_questions_per_occurrence(booker):
    few, many = open_provider(horizon_days=15), open_provider(horizon_days=80)
    counts = []
    for who in (few, many):
        with CaptureQueriesContext(connection) as queries:
            made = len(create(who, booker).booked)
        counts.append((made, len(queries)))

    (less, low), (more, high) = counts
    assert (high - low) / (more - less) <= 10
