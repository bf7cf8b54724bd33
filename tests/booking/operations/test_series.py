"""Series: previewed, booked, kept booked up to the horizon, changed and cancelled."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor, Source
from booking.appointments.enums import Action
from booking.appointments.errors import BadTransition
from booking.appointments.operations import edit, reschedule, take_action
from booking.availability.errors import InThePast, OffGrid
from booking.availability.operations import set_policy, take_time_off
from booking.availability.slots import extend_all
from booking.models import Appointment, AppointmentSeries, Reservation
from booking.reservations.enums import Override
from booking.reservations.errors import TooFar
from booking.series.enums import Policy, Scope
from booking.series.errors import BadRule, NotInRule, SeriesConflict, SeriesEnded
from booking.series.operations import (
    SeriesSpec,
    cancel_series,
    create_series,
    edit_series,
    extend_all_series,
    extend_series,
    preview_series,
)
from booking.series.recurrence import occurrences
from booking.services.errors import NotOffered
from scheduler_project.common.errors import DomainError, Missing, NotAllowed, NotFound
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    UserFactory,
    actor_of,
    appoint,
    at,
    hold,
    minutes,
    open_provider,
)
from tests.groups import MANAGER, staff_of
from tests.looking import broken_promises, dump, free_cells, undone

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONDAY = date(2026, 3, 9)
"""A week after NOON."""


@pytest.fixture
def provider():
    return open_provider(horizon_days=30)


@pytest.fixture
def kim():
    return ClientFactory()


def local(text):
    return datetime.fromisoformat(text)


def wanted(provider, client, **more):
    given = {"rrule": "FREQ=WEEKLY", "starts": local("2026-03-09 09:00"), **more}
    return SeriesSpec(provider_id=provider.pk, client_id=client.pk, **given)


def create(provider, client, *, policy=Policy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON, **more):
    return create_series(wanted=wanted(provider, client, **more), policy=policy, actor=actor, now=now)


def skipping(provider, client, **more):
    return create(provider, client, policy=Policy.SKIP_CONFLICTS, **more)


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


# --- Making -----------------------------------------------------------------------------------------------------------


def test_create_books_every_occurrence_up_to_the_horizon(provider, kim):
    change = create(provider, kim)

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


def test_create_makes_ordinary_appointments_with_a_history(provider, kim):
    service = ServiceFactory(name="Lesson", duration_minutes=45, buffer_after_minutes=15, providers=[provider])

    change = create(provider, kim, service_id=service.pk, description="Bring it", actor=actor_of(provider))

    first = change.booked[0]
    first.refresh_from_db()
    assert (first.title, first.description, first.client, first.service) == ("Lesson", "Bring it", kim, service)
    assert (first.ends_at - first.starts_at, first.timezone) == (minutes(45), "UTC")
    assert first.reservation.blocked_until == first.starts_at + minutes(60)
    event = first.events.get()
    assert (event.event, event.user, event.details) == (
        "booked",
        provider.user,
        {"status": "scheduled", "series": change.series.pk},
    )
    assert (change.series.created_by, change.series.face) == (provider.user, "api")


def test_create_starts_on_the_clocks_of_its_zone_and_takes_the_providers_if_none_is_said(kim):
    berlin = open_provider(horizon_days=30, timezone="Europe/Berlin")

    change = create(berlin, kim)
    told_in_tokyo = create(berlin, kim, starts=local("2026-03-10 18:00"), timezone="Asia/Tokyo")

    assert change.series.timezone == "Europe/Berlin"
    assert times(change.series) == ["03-09 08:00", "03-16 08:00", "03-23 08:00", "03-30 07:00"]
    assert times(told_in_tokyo.series)[0] == "03-10 09:00"


def test_create_reads_an_instant_on_the_clocks_of_its_zone(kim):
    berlin = open_provider(horizon_days=30, timezone="Europe/Berlin")

    change = create(berlin, kim, starts=at("2026-03-09 08:00"))

    assert change.series.starts_local == local("2026-03-09 09:00")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]
)
def test_a_weekly_series_keeps_nine_o_clock_across_both_changes(kim, zone):
    there = open_provider(hours=[(0, time(9), time(10))], horizon_days=366, timezone=zone, slot_minutes=30)

    change = create(there, kim)

    clocks = {f"{made.starts_at.astimezone(ZoneInfo(zone)):%a %H:%M}" for made in change.booked}
    assert clocks == {"Mon 09:00"}
    assert (len(change.booked), change.conflicts) == (52, [])
    offsets = {made.starts_at.astimezone(ZoneInfo(zone)).utcoffset() for made in change.booked}
    assert len(offsets) == (1 if zone == "Asia/Kathmandu" else 2)


def test_create_all_or_nothing_books_nothing_if_one_is_taken_and_lists_every_conflict(provider, kim):
    appoint(provider, at("2026-03-16 09:00"))
    take_time_off(
        provider_id=provider.pk,
        fields={"start_date": date(2026, 3, 30), "end_date": date(2026, 3, 30)},
        actor=SYSTEM,
        now=NOON,
    )
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        create(provider, kim)

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


def test_create_skipping_conflicts_books_the_others_and_notes_the_gaps(provider, kim):
    appoint(provider, at("2026-03-16 09:00"))

    change = skipping(provider, kim)

    assert times(change.series) == ["03-09 09:00", "03-23 09:00", "03-30 09:00"]
    assert why(change) == [("2026-03-16", "slot_taken")]
    change.series.refresh_from_db()
    assert change.series.gaps == [{"occurrence": "2026-03-16", "reason": "slot_taken"}]
    assert broken_promises() == {}


def test_create_over_a_dead_hold_takes_its_time(provider, kim):
    hold(provider, at("2026-03-16 09:00"))

    assert times(create(provider, kim, now=NOON + minutes(30)).series)[1] == "03-16 09:00"


def test_create_inside_the_notice_is_a_conflict_unless_overridden(provider, kim):
    tomorrow = {"starts": local("2026-03-03 09:00")}

    assert why(skipping(provider, kim, **tomorrow)) == [("2026-03-03", "too_soon")]
    override = create(provider, ClientFactory(), starts=local("2026-03-03 10:00"), overrides=[Override.NOTICE])
    assert times(override.series)[0] == "03-03 10:00"


def test_create_outside_the_hours_needs_an_override_which_is_kept_for_later(provider, kim):
    evening = {"starts": local("2026-03-09 20:00")}

    with pytest.raises(SeriesConflict):
        create(provider, kim, **evening)
    change = create(provider, kim, overrides=[Override.HOURS], **evening)
    extend_all(now=NOON + WEEK)
    extend_series(series_id=change.series.pk, now=NOON + WEEK, actor=SYSTEM)

    assert times(change.series)[-1] == "04-06 20:00"


def test_create_books_no_occurrence_that_has_passed(provider, kim):
    change = create(provider, kim, rrule="FREQ=WEEKLY;COUNT=60", starts=local("2025-06-02 09:00"))

    assert times(change.series)[0] == "03-09 09:00"
    assert change.series.ends_at == at("2026-07-20 09:15")


def test_create_far_ahead_books_nothing_yet(provider, kim):
    change = create(provider, kim, starts=local("2026-09-07 09:00"))

    assert change.booked == []
    assert extend_series(series_id=change.series.pk, now=at("2026-08-10 12:00"), actor=SYSTEM) == 0
    extend_all(now=at("2026-08-20 12:00"))
    assert extend_series(series_id=change.series.pk, now=at("2026-08-20 12:00"), actor=SYSTEM) == 2


def test_create_leaves_exceptions_out(provider, kim):
    change = create(provider, kim, exdates=[date(2026, 3, 16), date(2026, 3, 16), date(2031, 1, 1)])

    assert times(change.series) == ["03-09 09:00", "03-23 09:00", "03-30 09:00"]
    assert change.series.exdates == [date(2026, 3, 16), date(2031, 1, 1)]


def test_create_counts_exceptions_and_conflicts(provider, kim):
    appoint(provider, at("2026-03-23 09:00"))

    change = skipping(provider, kim, rrule="FREQ=WEEKLY;COUNT=4", exdates=[date(2026, 3, 16)])

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
        ({"service_id": 0}, NotOffered),
        ({"client_id": 0}, NotFound),
        ({"provider_id": 0}, NotFound),
    ],
)
def test_create_refused_writes_nothing(provider, kim, more, error):
    before = dump()
    who = {"provider_id": provider.pk, "client_id": kim.pk}
    given = {"rrule": "FREQ=WEEKLY", "starts": local("2026-03-09 09:00"), **who, **more}

    with pytest.raises(error):
        create_series(wanted=SeriesSpec(**given), policy=Policy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON)

    assert dump() == before


def test_create_is_not_for_clients_nor_for_other_providers(provider, kim):
    for actor in (actor_of(kim), actor_of(ProviderFactory())):
        with pytest.raises(NotAllowed):
            create(provider, kim, actor=actor)


def test_create_by_a_client_with_a_provider_who_is_hidden_is_not_found(kim):
    with pytest.raises(NotFound):
        create(open_provider(horizon_days=3, provider__is_approved=False), kim, actor=actor_of(kim))


def test_create_for_a_client_of_another_address_book_is_refused(provider):
    with pytest.raises(NotAllowed):
        create(provider, ClientFactory(owner=ProviderFactory(), user=None), actor=actor_of(provider))


def test_create_asks_a_bounded_number_of_questions_per_occurrence(kim):
    few, many = open_provider(horizon_days=15), open_provider(horizon_days=80)
    counts = []
    for who in (few, many):
        with CaptureQueriesContext(connection) as queries:
            made = len(create(who, kim).booked)
        counts.append((made, len(queries)))

    (less, low), (more, high) = counts
    assert (high - low) / (more - less) <= 10


# --- Previewing -------------------------------------------------------------------------------------------------------


def test_preview_tells_free_and_busy_with_the_nearest_free_time_and_changes_nothing(provider, kim):
    appoint(provider, at("2026-03-16 09:00"))
    before = dump()

    change = preview_series(wanted=wanted(provider, kim), actor=SYSTEM, now=NOON)

    assert [f"{made.starts_at:%m-%d}" for made in change.booked] == ["03-09", "03-23", "03-30"]
    assert why(change) == [("2026-03-16", "slot_taken")]
    assert change.conflicts[0].nearest.starts_at == at("2026-03-16 09:15")
    assert dump() == before


def test_preview_offers_no_time_that_the_series_itself_takes(kim):
    hours = [(day, time(9), time(10)) for day in range(5)]
    early = open_provider(hours=hours, horizon_days=30)
    tuesday = {"start_date": date(2026, 3, 10), "end_date": date(2026, 3, 10)}
    take_time_off(provider_id=early.pk, fields=tuesday, actor=SYSTEM, now=NOON)

    change = preview_series(
        wanted=wanted(early, kim, rrule="FREQ=DAILY;COUNT=3", duration_minutes=60), actor=SYSTEM, now=NOON
    )

    assert [(str(one.occurrence), one.nearest.starts_at) for one in change.conflicts] == [
        ("2026-03-10", at("2026-03-12 09:00"))
    ]


def test_preview_finds_nothing_nearby_when_nothing_is_free(kim):
    closed = open_provider(hours=[], horizon_days=30)

    change = preview_series(wanted=wanted(closed, kim), actor=SYSTEM, now=NOON)

    assert {conflict.nearest for conflict in change.conflicts} == {None}
    assert {conflict.error.code for conflict in change.conflicts} == {"outside_hours"}


def test_preview_and_create_agree(provider, kim):
    appoint(provider, at("2026-03-16 09:00"))

    previewed = preview_series(wanted=wanted(provider, kim), actor=SYSTEM, now=NOON)
    created = skipping(provider, kim)

    assert why(previewed) == why(created)
    assert [made.starts_at for made in previewed.booked] == [made.starts_at for made in created.booked]


# --- Extending --------------------------------------------------------------------------------------------------------


def grown(provider, series, now):
    extend_all(now=now)
    return extend_series(series_id=series.pk, now=now, actor=SYSTEM)


def test_extend_books_what_has_come_within_the_horizon_and_only_once(provider, kim):
    series = create(provider, kim).series
    later = NOON + 2 * WEEK

    assert grown(provider, series, later) == 2
    assert times(series)[-2:] == ["04-06 09:00", "04-13 09:00"]
    before = dump()
    assert extend_series(series_id=series.pk, now=later, actor=SYSTEM) == 0
    assert dump() == before


def test_extend_day_by_day_books_what_extending_at_once_does(provider, kim):
    series = create(provider, kim).series
    extend_all(now=NOON + 21 * DAY)

    made = sum(extend_series(series_id=series.pk, now=NOON + number * DAY, actor=SYSTEM) for number in range(22))

    assert made == 3
    assert times(series)[-1] == "04-20 09:00"


def test_extend_leaves_out_what_is_taken_and_notes_it(provider, kim):
    series = create(provider, kim).series
    later = NOON + 2 * WEEK
    extend_all(now=later)
    appoint(provider, at("2026-04-06 09:00"), now=later)

    assert extend_series(series_id=series.pk, now=later, actor=SYSTEM) == 1
    series.refresh_from_db()
    assert series.gaps == [{"occurrence": "2026-04-06", "reason": "slot_taken"}]
    assert extend_series(series_id=series.pk, now=later + DAY, actor=SYSTEM) == 0


def test_extend_notes_a_service_that_is_no_longer_offered(provider, kim):
    service = ServiceFactory(providers=[provider])
    series = create(provider, kim, service_id=service.pk).series
    service.providers.clear()

    assert grown(provider, series, NOON + WEEK) == 0
    series.refresh_from_db()
    assert series.gaps == [{"occurrence": "2026-04-06", "reason": "service_not_offered"}]


def test_extend_leaves_a_provider_alone_who_takes_no_bookings(provider, kim):
    series = create(provider, kim).series
    provider.is_active = False
    provider.save()

    assert grown(provider, series, NOON + WEEK) == 0
    provider.is_active = True
    provider.save()
    assert grown(provider, series, NOON + WEEK) == 1


def test_extend_never_makes_again_what_was_cancelled_or_moved(provider, kim):
    change = create(provider, kim)
    second, third = change.booked[1:3]
    take_action(appointment_id=second.pk, action=Action.CANCEL, actor=actor_of(kim), now=NOON)
    reschedule(appointment_id=third.pk, starts_at=at("2026-03-24 11:00"), actor=SYSTEM, now=NOON)
    AppointmentSeries.objects.update(generated_until=NOON)

    assert extend_series(series_id=change.series.pk, now=NOON, actor=SYSTEM) == 0
    assert told(change.series) == [
        ("2026-03-09", "03-09 09:00", "scheduled"),
        ("2026-03-16", "03-16 09:00", "cancelled"),
        ("2026-03-23", "03-24 11:00", "scheduled"),
        ("2026-03-30", "03-30 09:00", "scheduled"),
    ]


def test_extend_goes_no_further_than_the_slots_do(provider, kim):
    """Dates without slots yet would look closed."""
    series = create(provider, kim).series

    assert extend_series(series_id=series.pk, now=NOON + 2 * WEEK, actor=SYSTEM) == 0
    series.refresh_from_db()
    assert series.gaps == []
    assert grown(provider, series, NOON + 2 * WEEK) == 2


def test_extend_of_a_shorter_horizon_does_nothing(provider, kim):
    series = create(provider, kim).series
    set_policy(provider_id=provider.pk, changes={"horizon_days": 10}, actor=SYSTEM, now=NOON)

    assert grown(provider, series, NOON + WEEK) == 0


def test_extend_ends_where_the_rule_does(provider, kim):
    series = create(provider, kim, rrule="FREQ=WEEKLY;COUNT=5").series

    assert grown(provider, series, NOON + 2 * WEEK) == 1
    assert extend_all_series(now=NOON + 20 * WEEK, actor=SYSTEM) == 0


def test_extend_all_extends_each_active_series(provider, kim):
    going_on = create(provider, kim).series
    cancelled = create(provider, kim, starts=local("2026-03-09 10:00")).series
    cancel_series(series_id=cancelled.pk, scope=Scope.ALL, actor=SYSTEM, now=NOON)
    extend_all(now=NOON + WEEK)

    assert extend_all_series(now=NOON + WEEK, actor=SYSTEM) == 1
    assert extend_all_series(now=NOON + WEEK, actor=SYSTEM) == 0
    assert times(going_on)[-1] == "04-06 09:00"


def test_extend_of_nothing_makes_nothing():
    assert extend_series(series_id=0, now=NOON, actor=SYSTEM) == 0


# --- One by itself ----------------------------------------------------------------------------------------------------


def test_cancelling_an_appointment_of_a_series_makes_an_exception(provider, kim):
    change = create(provider, kim)

    take_action(appointment_id=change.booked[1].pk, action=Action.CANCEL, actor=actor_of(kim), now=NOON, reason="Away")

    change.series.refresh_from_db()
    assert change.series.exdates == [date(2026, 3, 16)]


def test_rescheduling_an_appointment_of_a_series_keeps_its_name(provider, kim):
    change = create(provider, kim)

    reschedule(appointment_id=change.booked[1].pk, starts_at=at("2026-03-17 10:00"), actor=actor_of(kim), now=NOON)

    assert told(change.series)[1] == ("2026-03-16", "03-17 10:00", "scheduled")


def test_cancel_this_is_cancelling_the_appointment(provider, kim):
    series = create(provider, kim).series

    change = cancel_series(
        series_id=series.pk, scope=Scope.THIS, occurrence=date(2026, 3, 16), actor=SYSTEM, now=NOON, reason="Flood"
    )

    [gone] = change.cancelled
    gone.refresh_from_db()
    assert (gone.status, gone.cancellation_reason, history(gone)) == ("cancelled", "Flood", ["booked", "cancelled"])
    assert change.series.exdates == [date(2026, 3, 16)]
    assert at("2026-03-16 09:00") in {start for start, _ in free_cells(provider)}


def test_cancel_this_beyond_the_horizon_is_an_exception_to_come(provider, kim):
    series = create(provider, kim).series

    cancel_series(series_id=series.pk, scope=Scope.THIS, occurrence=date(2026, 4, 6), actor=SYSTEM, now=NOON)

    assert grown(provider, series, NOON + 2 * WEEK) == 1
    assert times(series)[-1] == "04-13 09:00"


def test_cancel_this_twice_is_a_bad_transition(provider, kim):
    series = create(provider, kim).series
    this = {"series_id": series.pk, "scope": Scope.THIS, "occurrence": MONDAY, "actor": SYSTEM, "now": NOON}
    cancel_series(**this)

    with pytest.raises(BadTransition):
        cancel_series(**this)


def change_one(series, day, *, now=NOON, actor=SYSTEM, overrides=None, **changes):
    return edit_series(
        series_id=series.pk,
        scope=Scope.THIS,
        occurrence=day,
        changes=changes,
        actor=actor,
        now=now,
        overrides=overrides,
    )


def test_edit_this_moves_one_and_leaves_the_rule(provider, kim):
    series = create(provider, kim).series

    change_one(series, MONDAY, starts=local("2026-03-10 11:00"), duration_minutes=30, title="Late")

    assert told(series)[:2] == [("2026-03-09", "03-10 11:00", "scheduled"), ("2026-03-16", "03-16 09:00", "scheduled")]
    moved = series.appointments.get(occurrence=MONDAY)
    assert (moved.title, moved.ends_at - moved.starts_at) == ("Late", minutes(30))
    assert history(moved) == ["booked", "rescheduled", "edited"]
    series.refresh_from_db()
    assert (series.rrule, series.title, series.duration_minutes) == ("FREQ=WEEKLY", "", 15)


def test_edit_this_can_change_the_service(provider, kim):
    service = ServiceFactory(duration_minutes=45, buffer_before_minutes=15, providers=[provider])
    series = create(provider, kim, starts=local("2026-03-09 10:00")).series

    change_one(series, MONDAY, service_id=service.pk)

    moved = series.appointments.get(occurrence=MONDAY)
    assert (moved.service, moved.ends_at - moved.starts_at) == (service, minutes(45))
    assert moved.reservation.blocked_from == moved.starts_at - minutes(15)


def test_edit_this_onto_taken_time_is_refused_with_the_nearest(provider, kim):
    series = create(provider, kim).series
    appoint(provider, at("2026-03-10 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        change_one(series, MONDAY, starts=local("2026-03-10 11:00"))

    [conflict] = refusal.value.details["conflicts"]
    assert (conflict["occurrence"], conflict["reason"]) == ("2026-03-09", "slot_taken")
    assert conflict["nearest"]["start_time"] in ("2026-03-10T10:45:00Z", "2026-03-10T11:15:00Z")
    assert dump() == before


def test_edit_this_has_no_rule(provider, kim):
    series = create(provider, kim).series

    with pytest.raises(BadRule):
        change_one(series, MONDAY, rrule="FREQ=DAILY")


def test_edit_this_beyond_the_horizon_is_not_found(provider, kim):
    series = create(provider, kim).series

    with pytest.raises(NotFound):
        change_one(series, date(2026, 4, 6), title="X")


def test_edit_this_with_an_override_does_not_change_the_series(provider, kim):
    series = create(provider, kim).series

    change_one(series, MONDAY, starts=local("2026-03-09 20:00"), overrides=[Override.HOURS])

    series.refresh_from_db()
    assert (series.overrides, told(series)[0][1]) == ([], "03-09 20:00")


# --- Cancelling more --------------------------------------------------------------------------------------------------


def test_cancel_following_ends_the_rule_before_it(provider, kim):
    series = create(provider, kim).series

    change = cancel_series(
        series_id=series.pk, scope=Scope.FOLLOWING, occurrence=date(2026, 3, 23), actor=SYSTEM, now=NOON, reason="Moved"
    )

    assert times(series) == ["03-09 09:00", "03-16 09:00"]
    assert times(series, "cancelled") == ["03-23 09:00", "03-30 09:00"]
    assert {one.cancellation_reason for one in change.cancelled} == {"Moved"}
    assert (change.series.rrule, change.series.ends_at) == (
        "FREQ=WEEKLY;UNTIL=20260323T085959Z",
        at("2026-03-16 09:15"),
    )
    assert grown(provider, series, NOON + 2 * WEEK) == 0


def test_cancel_following_the_first_cancels_the_series(provider, kim):
    series = create(provider, kim).series

    change = cancel_series(series_id=series.pk, scope=Scope.FOLLOWING, occurrence=MONDAY, actor=SYSTEM, now=NOON)

    assert (change.series.cancelled_at, times(series)) == (NOON, [])


def test_cancel_all_leaves_what_has_begun(provider, kim):
    series = create(provider, kim).series

    cancel_series(series_id=series.pk, scope=Scope.ALL, actor=SYSTEM, now=at("2026-03-16 09:00"))

    assert [status for _day, _when, status in told(series)] == ["scheduled", "scheduled", "cancelled", "cancelled"]
    assert broken_promises() == {}


def test_cancel_all_takes_along_what_was_moved(provider, kim):
    change = create(provider, kim)
    reschedule(appointment_id=change.booked[0].pk, starts_at=at("2026-03-18 11:00"), actor=SYSTEM, now=NOON)

    cancel_series(series_id=change.series.pk, scope=Scope.ALL, actor=SYSTEM, now=at("2026-03-17 12:00"))

    assert ("2026-03-09", "03-18 11:00", "cancelled") in told(change.series)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"scope": Scope.FOLLOWING}, Missing),
        ({"scope": Scope.THIS}, Missing),
        ({"scope": Scope.THIS, "occurrence": date(2026, 3, 10)}, NotInRule),
        ({"scope": Scope.FOLLOWING, "occurrence": date(2026, 3, 2)}, NotInRule),
        ({"scope": Scope.FOLLOWING, "occurrence": MONDAY, "now": at("2026-03-09 09:00")}, InThePast),
        ({"scope": Scope.ALL, "series_id": 0}, NotFound),
    ],
)
def test_cancel_refused_changes_nothing(provider, kim, arguments, error):
    series = create(provider, kim).series
    before = dump()

    with pytest.raises(error):
        cancel_series(**{"series_id": series.pk, "actor": SYSTEM, "now": NOON, **arguments})

    assert dump() == before


@pytest.mark.parametrize("who", ["client", "stranger", "another provider"])
def test_changing_a_series_is_for_the_provider_and_staff(provider, kim, who):
    series = create(provider, kim).series
    actor = actor_of({"client": kim, "stranger": ClientFactory(), "another provider": ProviderFactory()}[who])

    with pytest.raises(NotAllowed):
        edit_series(series_id=series.pk, scope=Scope.ALL, changes={"title": "X"}, actor=actor, now=NOON)


@pytest.mark.parametrize("who", ["stranger", "another provider", "another provider's client", "nobody"])
def test_cancelling_a_series_is_not_for_others(provider, kim, who):
    series = create(provider, kim).series
    others = {
        "stranger": lambda: actor_of(ClientFactory()),
        "another provider": lambda: actor_of(ProviderFactory()),
        "another provider's client": lambda: Actor(None, Source.PAGE, guest=ClientFactory(owner=ProviderFactory())),
        "nobody": lambda: Actor(None, Source.PAGE),
    }

    with pytest.raises(NotAllowed):
        cancel_series(series_id=series.pk, scope=Scope.ALL, actor=others[who](), now=NOON)


def test_cancel_by_its_client_ends_it(provider, kim):
    series = create(provider, kim, rrule="FREQ=WEEKLY").series

    cancel_series(series_id=series.pk, scope=Scope.ALL, actor=actor_of(kim), now=NOON)

    assert (times(series), grown(provider, series, NOON + 2 * WEEK)) == ([], 0)


def test_nothing_can_be_done_with_a_series_that_is_over(provider, kim):
    over = create(provider, kim, rrule="FREQ=WEEKLY;COUNT=1").series
    cancelled = create(provider, kim, starts=local("2026-03-09 11:00")).series
    cancel_series(series_id=cancelled.pk, scope=Scope.ALL, actor=SYSTEM, now=NOON)

    for series, now in ((over, at("2026-03-09 09:15")), (cancelled, NOON)):
        with pytest.raises(SeriesEnded):
            cancel_series(series_id=series.pk, scope=Scope.ALL, actor=SYSTEM, now=now)
        with pytest.raises(SeriesEnded):
            edit_series(series_id=series.pk, scope=Scope.ALL, changes={"title": "X"}, actor=SYSTEM, now=now)


# --- Changing more ----------------------------------------------------------------------------------------------------


def change_all(series, *, scope=Scope.ALL, day=None, policy=Policy.ALL_OR_NOTHING, now=NOON, **changes):
    return edit_series(
        series_id=series.pk, scope=scope, occurrence=day, policy=policy, changes=changes, actor=SYSTEM, now=now
    )


def following(series, day, **changes):
    return change_all(series, scope=Scope.FOLLOWING, day=day, **changes)


def test_edit_all_moves_every_appointment_to_come_and_keeps_which_they_are(provider, kim):
    created = create(provider, kim)
    uids = [made.uid for made in created.booked]

    change = change_all(created.series, starts=local("2026-03-09 10:30"), duration_minutes=30)

    rows = list(created.series.appointments.order_by("occurrence"))
    assert [row.uid for row in rows] == uids
    assert times(created.series) == ["03-09 10:30", "03-16 10:30", "03-23 10:30", "03-30 10:30"]
    assert {row.ends_at - row.starts_at for row in rows} == {minutes(30)}
    assert {tuple(history(row)) for row in rows} == {("booked", "rescheduled")}
    assert (len(change.moved), change.booked, change.cancelled) == (4, [], [])
    assert broken_promises() == {}
    assert grown(provider, created.series, NOON + WEEK) == 1
    assert times(created.series)[-1] == "04-06 10:30"


def test_edit_all_moves_from_the_next_occurrence_that_was_not_left_out(provider, kim):
    series = create(provider, kim).series
    cancel_series(series_id=series.pk, scope=Scope.THIS, occurrence=date(2026, 3, 9), actor=SYSTEM, now=NOON)

    change_all(series, starts=local("2026-03-16 10:30"))

    assert times(series, status="scheduled") == ["03-16 10:30", "03-23 10:30", "03-30 10:30"]


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.FOLLOWING])
def test_edit_refuses_a_start_too_far_away_and_the_original_stands(provider, kim, scope):
    series = create(provider, kim).series
    before = times(series)

    with pytest.raises(TooFar):
        change_all(series, scope=scope, day=date(2026, 3, 16), starts=local("2062-03-20 09:00"))

    assert times(series) == before


def test_edit_all_leaves_the_past_as_it_was(provider, kim):
    series = create(provider, kim).series
    now = at("2026-03-16 12:00")

    change_all(series, starts=local("2026-03-23 11:00"), title="Later", now=now)

    assert times(series)[:4] == ["03-09 09:00", "03-16 09:00", "03-23 11:00", "03-30 11:00"]
    assert [row.title for row in series.appointments.order_by("occurrence")][:4] == [*("", "", "Later", "Later")]


def test_edit_all_to_another_weekday_moves_each_by_a_day(provider, kim):
    created = create(provider, kim, exdates=[date(2026, 3, 23)])

    change = change_all(created.series, starts=local("2026-03-10 09:00"))

    assert told(created.series) == [
        ("2026-03-10", "03-10 09:00", "scheduled"),
        ("2026-03-17", "03-17 09:00", "scheduled"),
        ("2026-03-31", "03-31 09:00", "scheduled"),
    ]
    assert (change.series.start_date, change.series.exdates) == (date(2026, 3, 10), [date(2026, 3, 24)])


def test_edit_all_to_another_rule_matches_dates_cancels_and_books(provider, kim):
    created = create(provider, kim)
    kept = created.booked[0]

    change = change_all(created.series, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO")

    assert told(created.series) == [
        ("2026-03-09", "03-09 09:00", "scheduled"),
        (None, "03-16 09:00", "cancelled"),
        ("2026-03-23", "03-23 09:00", "scheduled"),
        (None, "03-30 09:00", "cancelled"),
    ]
    assert history(kept) == ["booked"]
    assert (len(change.cancelled), change.series.exdates) == (2, [])
    back = change_all(created.series, rrule="FREQ=WEEKLY")
    assert times(created.series) == ["03-09 09:00", "03-16 09:00", "03-23 09:00", "03-30 09:00"]
    assert len(back.booked) == 2
    assert broken_promises() == {}


def test_edit_all_to_a_rule_that_its_start_does_not_fit_begins_with_the_next_date_that_does(provider, kim):
    series = create(provider, kim).series

    change = change_all(series, rrule="FREQ=WEEKLY;BYDAY=WE")

    assert change.series.start_date == date(2026, 3, 11)
    assert times(series) == ["03-11 09:00", "03-18 09:00", "03-25 09:00", "04-01 09:00"]


def test_edit_all_words_change_where_nobody_changed_them(provider, kim):
    created = create(provider, kim, description="Old")
    edit(appointment_id=created.booked[0].pk, changes={"title": "Mine"}, actor=SYSTEM, now=NOON)

    change = change_all(created.series, title="Ours", description="New", reminder_offsets=["1 hour"])

    rows = created.series.appointments.order_by("occurrence")
    assert [row.title for row in rows] == ["Mine", "Ours", "Ours", "Ours"]
    assert {(row.description, tuple(row.reminder_offsets)) for row in rows} == {("New", ("1 hour",))}
    assert (change.moved, history(rows[1])) == ([], ["booked", "edited"])


def test_edit_all_leaves_what_was_moved_by_itself_where_it_is(provider, kim):
    created = create(provider, kim)
    reschedule(appointment_id=created.booked[1].pk, starts_at=at("2026-03-18 15:00"), actor=SYSTEM, now=NOON)

    change_all(created.series, starts=local("2026-03-09 11:00"))

    assert times(created.series) == ["03-09 11:00", "03-18 15:00", "03-23 11:00", "03-30 11:00"]


def test_edit_all_leaves_alone_what_was_moved_from_the_past_into_the_future(provider, kim):
    created = create(provider, kim)
    reschedule(appointment_id=created.booked[0].pk, starts_at=at("2026-03-12 15:00"), actor=SYSTEM, now=NOON)

    change_all(created.series, starts=local("2026-03-17 11:00"), now=at("2026-03-10 12:00"))

    assert told(created.series) == [
        ("2026-03-09", "03-12 15:00", "scheduled"),
        ("2026-03-17", "03-17 11:00", "scheduled"),
        ("2026-03-24", "03-24 11:00", "scheduled"),
        ("2026-03-31", "03-31 11:00", "scheduled"),
    ]


def test_edit_all_service_changes_length_buffers_and_title(provider, kim):
    lesson = ServiceFactory(name="Lesson", duration_minutes=30, providers=[provider])
    longer = ServiceFactory(name="Double", duration_minutes=60, buffer_after_minutes=30, providers=[provider])
    series = create(provider, kim, service_id=lesson.pk).series

    change = change_all(series, service_id=longer.pk)

    row = series.appointments.order_by("occurrence").first()
    assert (row.service, row.title, row.ends_at - row.starts_at) == (longer, "Double", minutes(60))
    assert row.reservation.blocked_until == row.starts_at + minutes(90)
    assert change.series.duration_minutes == 60


def test_edit_all_or_nothing_refused_leaves_everything(provider, kim):
    series = create(provider, kim).series
    appoint(provider, at("2026-03-23 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        change_all(series, starts=local("2026-03-09 11:00"))

    assert [one["occurrence"] for one in refusal.value.details["conflicts"]] == ["2026-03-23"]
    assert dump() == before


def test_edit_skipping_conflicts_leaves_the_one_where_it_is(provider, kim):
    series = create(provider, kim).series
    appoint(provider, at("2026-03-23 11:00"))

    change = change_all(series, starts=local("2026-03-09 11:00"), policy=Policy.SKIP_CONFLICTS)

    assert times(series) == ["03-09 11:00", "03-16 11:00", "03-23 09:00", "03-30 11:00"]
    assert why(change) == [("2026-03-23", "slot_taken")]
    assert change.series.gaps == []
    assert broken_promises() == {}


def test_edit_all_fills_the_gaps_that_are_free_at_the_new_time(provider, kim):
    appoint(provider, at("2026-03-16 09:00"))
    series = skipping(provider, kim).series

    change = change_all(series, starts=local("2026-03-09 11:00"))

    assert (times(series)[1], change.series.gaps) == ("03-16 11:00", [])


def test_edit_all_words_on_a_day_before_the_job_has_run_loses_no_occurrence(provider, kim):
    series = create(provider, kim).series
    later = NOON + 2 * WEEK
    extend_all(now=later)

    change_all(series, title="New", now=later)

    assert extend_series(series_id=series.pk, now=later, actor=SYSTEM) == 2


@pytest.mark.parametrize(
    ("until", "after"),
    [
        ("20260323T090000Z", "20260324T110000Z"),
        ("20260323T090000", "20260324T110000"),
        ("20260323", "20260324"),
        ("99991231", "99991231"),
    ],
)
def test_edit_all_moves_the_end_of_the_rule_along(provider, kim, until, after):
    series = create(provider, kim, rrule=f"FREQ=WEEKLY;UNTIL={until}").series
    number = len(times(series))

    change = change_all(series, starts=local("2026-03-10 11:00"))

    assert (change.series.rrule, len(times(series))) == (f"FREQ=WEEKLY;UNTIL={after}", number)


def test_edit_all_to_an_earlier_hour_that_has_passed_today_is_a_conflict(provider, kim):
    now = at("2026-03-09 10:00")
    series = create(provider, kim, starts=local("2026-03-09 16:00"), now=NOON).series

    change = change_all(series, starts=local("2026-03-09 09:00"), policy=Policy.SKIP_CONFLICTS, now=now)

    assert why(change) == [("2026-03-09", "in_the_past")]
    assert times(series)[:2] == ["03-09 16:00", "03-16 09:00"]


@pytest.mark.parametrize("start", ["2026-03-09 06:00", "2026-03-09 12:00"])
def test_edit_long_daily_appointments_that_would_cross_each_other(kim, start):
    always = open_provider(hours=ALWAYS, horizon_days=20, slot_minutes=60)
    series = create(always, kim, rrule="FREQ=DAILY", starts=local("2026-03-09 09:00"), duration_minutes=20 * 60).series

    change = change_all(series, starts=local(start))

    assert (change.conflicts, len(change.moved)) == ([], len(times(series)))
    assert broken_promises() == {}


def test_edit_following_splits_the_series(provider, kim):
    created = create(provider, kim, rrule="FREQ=WEEKLY;COUNT=6", exdates=[date(2026, 3, 16), date(2026, 4, 6)])

    change = following(created.series, date(2026, 3, 23), starts=local("2026-03-24 14:00"), title="Afternoons")

    created.series.refresh_from_db()
    assert (created.series.rrule, created.series.exdates) == ("FREQ=WEEKLY;UNTIL=20260323T085959Z", [date(2026, 3, 16)])
    assert told(created.series) == [("2026-03-09", "03-09 09:00", "scheduled")]
    rest = change.series
    assert rest.pk != created.series.pk
    assert (rest.rrule, rest.start_date, rest.exdates) == ("FREQ=WEEKLY;COUNT=4", date(2026, 3, 24), [date(2026, 4, 7)])
    assert told(rest) == [("2026-03-24", "03-24 14:00", "scheduled"), ("2026-03-31", "03-31 14:00", "scheduled")]
    assert {row.pk for row in rest.appointments.all()} == {created.booked[1].pk, created.booked[2].pk}
    assert grown(provider, rest, NOON + 4 * WEEK) == 1
    assert grown(provider, created.series, NOON + 4 * WEEK) == 0
    assert broken_promises() == {}


def test_edit_following_the_first_changes_the_series_itself(provider, kim):
    series = create(provider, kim).series

    change = following(series, MONDAY, title="New")

    assert (change.series.pk, AppointmentSeries.objects.count()) == (series.pk, 1)


def test_edit_following_refused_leaves_one_series(provider, kim):
    series = create(provider, kim).series
    appoint(provider, at("2026-03-30 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict):
        following(series, date(2026, 3, 23), starts=local("2026-03-23 11:00"))

    assert dump() == before


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"scope": Scope.FOLLOWING, "title": "X"}, Missing),
        ({"scope": Scope.FOLLOWING, "day": date(2026, 3, 10), "title": "X"}, NotInRule),
        ({"scope": Scope.FOLLOWING, "day": MONDAY, "now": at("2026-03-09 09:00"), "title": "X"}, InThePast),
        ({"rrule": "FREQ=SECONDLY"}, BadRule),
        ({"rrule": "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"}, BadRule),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO", "starts": local("2026-03-10 09:00")}, NotInRule),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20260301"}, BadRule),
        ({"starts": local("2026-03-09 09:01")}, OffGrid),
        ({"service_id": 0}, NotOffered),
    ],
)
def test_edit_refused_changes_nothing(provider, kim, arguments, error):
    series = create(provider, kim).series
    before = dump()

    with pytest.raises(error):
        change_all(series, **arguments)

    assert dump() == before


def test_edit_by_the_provider_writes_who_did_it(provider, kim):
    series = create(provider, kim).series

    edit_series(
        series_id=series.pk, scope=Scope.ALL, changes={"title": "New"}, actor=actor_of(provider), now=NOON + minutes(5)
    )

    event = series.appointments.first().events.last()
    assert (event.event, event.user, event.at) == ("edited", provider.user, NOON + minutes(5))


def test_a_series_that_recurs_rarely_can_still_be_changed(provider, kim):
    series = create(provider, kim, rrule="FREQ=YEARLY;INTERVAL=3").series

    change = change_all(series, title="Rare", now=at("2026-04-01 12:00"))

    assert change.series.title == "Rare"


@pytest.mark.parametrize("rrule", ["FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=9", "FREQ=WEEKLY;UNTIL=20260430"])
@pytest.mark.parametrize(("scope", "day"), [(Scope.ALL, None), (Scope.FOLLOWING, date(2026, 3, 16))])
def test_edit_that_lengthens_a_series_after_cancelling_its_end_books_it_up_to_the_horizon(
    provider, kim, scope, day, rrule
):
    series = create(provider, kim).series
    cancel_series(series_id=series.pk, scope=Scope.FOLLOWING, occurrence=date(2026, 3, 23), actor=SYSTEM, now=NOON)

    change = change_all(series, scope=scope, day=day, rrule=rrule)

    assert [str(made.occurrence) for made in change.booked] == ["2026-03-23", "2026-03-30"]
    assert times(change.series)[-3:] == ["03-16 09:00", "03-23 09:00", "03-30 09:00"]
    assert times(series, "cancelled") == ["03-23 09:00", "03-30 09:00"]
    assert broken_promises() == {}


def test_edit_that_lengthens_a_series_leaves_out_what_was_cancelled_by_itself(provider, kim):
    series = create(provider, kim).series
    for scope, day in [(Scope.THIS, date(2026, 3, 30)), (Scope.FOLLOWING, date(2026, 3, 23))]:
        cancel_series(series_id=series.pk, scope=scope, occurrence=day, actor=SYSTEM, now=NOON)

    change_all(series, rrule="FREQ=WEEKLY")

    assert times(series) == ["03-09 09:00", "03-16 09:00", "03-23 09:00"]


# --- Whatever is done -------------------------------------------------------------------------------------------------

RULES = ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY;BYDAY=2MO"]
STEPS = st.one_of(
    st.tuples(st.just("cancel"), st.sampled_from(Scope), st.integers(0, 30)),
    st.tuples(st.just("words"), st.sampled_from(Scope), st.integers(0, 30)),
    st.tuples(st.just("rule"), st.sampled_from(RULES), st.integers(0, 30)),
    st.tuples(st.just("time"), st.sampled_from(Scope), st.integers(0, 30)),
    st.tuples(st.just("extend"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("book"), st.integers(0, 7), st.integers(0, 30)),
)


@settings(max_examples=25)
@given(st.sampled_from(RULES), st.lists(STEPS, max_size=6))
@example("FREQ=DAILY", [("cancel", Scope.FOLLOWING, 2), ("rule", "FREQ=DAILY", 1)])
def test_whatever_is_done_nothing_is_booked_twice_and_no_date_of_a_series_is_lost(rule, steps):
    """In the end, each date of the rule within the horizon is booked, an exception, a gap, or an appointment's name."""
    with undone():
        who, kim = open_provider(hours=ALWAYS, horizon_days=25, slot_minutes=60), ClientFactory()
        series, now = skipping(who, kim, rrule=rule).series, NOON
        for name, first, second in steps:
            now = attempted(name, first, second, who, series, now)

        assert broken_promises() == {}
        for one in AppointmentSeries.objects.filter(cancelled_at=None):
            named = {str(day) for day in one.appointments.exclude(occurrence=None).values_list("occurrence", flat=True)}
            known = named | {str(day) for day in one.exdates} | {gap["occurrence"] for gap in one.gaps}
            assert dates_of(one, NOON + DAY) - known == set()


def dates_of(series, since):
    found = occurrences(series.rule, series.starts_local, series.zone, since, series.generated_until)
    return {str(day) for day, _starts_at in found}


def attempted(name, first, second, who, series, now):
    """Try one random step; refusals are fine."""
    day = MONDAY + second * DAY
    skip = {"policy": Policy.SKIP_CONFLICTS, "actor": SYSTEM, "now": now, "series_id": series.pk}
    try:
        if name == "cancel":
            cancel_series(series_id=series.pk, scope=first, occurrence=day, actor=SYSTEM, now=now)
        elif name == "words":
            edit_series(scope=first, occurrence=day, changes={"title": str(second)}, **skip)
        elif name == "rule":
            edit_series(scope=Scope.FOLLOWING, occurrence=day, changes={"rrule": first}, **skip)
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


def test_every_kind_of_scope_and_change_goes_through(provider, kim):
    service = ServiceFactory(duration_minutes=30, providers=[provider])
    changes = [
        {"title": "X"},
        {"starts": local("2026-03-16 15:00")},
        {"duration_minutes": 45},
        {"service_id": service.pk},
    ]
    series = create(provider, kim).series

    for scope, change in product(Scope, changes):
        with undone():
            done = edit_series(
                series_id=series.pk, scope=scope, occurrence=date(2026, 3, 16), changes=change, actor=SYSTEM, now=NOON
            )
            assert done.conflicts == []
            assert broken_promises() == {}


def test_a_client_sees_their_series_a_provider_theirs_staff_all(provider, kim):
    series = create(provider, kim).series
    other = create(open_provider(horizon_days=3), ClientFactory()).series
    seen = AppointmentSeries.objects.visible_to

    assert set(seen(kim.user)) == set(seen(provider.user)) == {series}
    assert set(seen(staff_of(MANAGER))) == {series, other}
    assert set(seen(UserFactory())) == set(seen(None)) == set()
    assert Reservation.objects.count() == Appointment.objects.count()
