"""Series: edited from an occurrence on, or all of them."""

from datetime import date, datetime, time

import pytest

from booking.appointments.operations import edit, reschedule
from booking.availability.errors import InThePast, OffGrid
from booking.availability.slots import extend_all
from booking.models import AppointmentSeries
from booking.reservations.enums import Override
from booking.reservations.errors import TooFar
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.errors import BadRule, NotInRule, SeriesConflict
from booking.series.operations import (
    cancel_series,
    edit_series,
    extend_series,
)
from booking.services.errors import ServiceNotOffered
from scheduler_project.common.errors import Missing
from tests.booking.series.helpers import (
    DAY,
    MONDAY,
    WEEK,
    change_all,
    create,
    following,
    grown,
    history,
    local,
    skipping,
    times,
    told,
    why,
)
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ServiceFactory,
    actor_of,
    appoint,
    at,
    minutes,
    open_provider,
)
from tests.looking import broken_promises, dump

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people"), pytest.mark.provider(horizon_days=30)]


def test_edit_all_moves_every_appointment_to_come_and_keeps_which_they_are(provider, booker):
    created = create(provider, booker)
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


def test_edit_all_moves_from_the_next_occurrence_that_was_not_left_out(provider, booker):
    series = create(provider, booker).series
    cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=date(2026, 3, 9), actor=SYSTEM, now=NOON)

    change_all(series, starts=local("2026-03-16 10:30"))

    assert times(series, status="scheduled") == ["03-16 10:30", "03-23 10:30", "03-30 10:30"]


@pytest.mark.parametrize("scope", [SeriesScope.ALL, SeriesScope.FOLLOWING])
def test_edit_refuses_a_start_too_far_away_and_the_original_stands(provider, booker, scope):
    series = create(provider, booker).series
    before = times(series)

    with pytest.raises(TooFar):
        change_all(series, scope=scope, day=date(2026, 3, 16), starts=local("2062-03-20 09:00"))

    assert times(series) == before


def test_edit_all_leaves_the_past_as_it_was(provider, booker):
    series = create(provider, booker).series
    now = at("2026-03-16 12:00")

    change_all(series, starts=local("2026-03-23 11:00"), title="Later", now=now)

    assert times(series)[:4] == ["03-09 09:00", "03-16 09:00", "03-23 11:00", "03-30 11:00"]
    assert [row.title for row in series.appointments.order_by("occurrence")][:4] == [*("", "", "Later", "Later")]


def test_edit_all_to_another_weekday_moves_each_by_a_day(provider, booker):
    created = create(provider, booker, exdates=[date(2026, 3, 23)])

    change = change_all(created.series, starts=local("2026-03-10 09:00"))

    assert told(created.series) == [
        ("2026-03-10", "03-10 09:00", "scheduled"),
        ("2026-03-17", "03-17 09:00", "scheduled"),
        ("2026-03-31", "03-31 09:00", "scheduled"),
    ]
    assert (change.series.start_date, change.series.exdates) == (date(2026, 3, 10), [date(2026, 3, 24)])


@pytest.mark.parametrize(("to", "left_out"), [(date(2026, 3, 10), "2026-03-12"), (date(2026, 3, 8), "2026-03-10")])
def test_edit_all_shifts_onto_the_date_of_one_that_was_cancelled_by_itself(provider, booker, to, left_out):
    """The exception goes along: the cancelled one has its date from then on, and no other is booked for it."""
    series = create(provider, booker, rrule="FREQ=DAILY;COUNT=4", overrides=[Override.HOURS]).series
    cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=date(2026, 3, 11), actor=SYSTEM, now=NOON)

    change_all(series, day=MONDAY, starts=datetime.combine(to, time(9)))

    series.refresh_from_db()
    named = {str(one.occurrence): one.status for one in series.appointments.all()}
    assert [str(day) for day in series.exdates] == [left_out]
    assert named == {str(to + number * DAY): "scheduled" for number in (0, 1, 3)} | {left_out: "cancelled"}
    assert broken_promises() == {}


def test_edit_all_shifts_back_again(provider, booker):
    series = create(provider, booker, rrule="FREQ=WEEKLY;COUNT=3").series
    cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=date(2026, 3, 16), actor=SYSTEM, now=NOON)
    before = told(series)

    change_all(series, day=MONDAY, starts=local("2026-03-16 09:00"))
    change_all(series, day=date(2026, 3, 16), starts=local("2026-03-09 09:00"))

    assert told(series) == before


def test_edit_all_shifts_onto_the_date_of_one_that_was_moved_into_the_past(provider, booker):
    """It has no date from then on, because one of the past has the date that it would go along to."""
    series = create(provider, booker, rrule="FREQ=DAILY;COUNT=5").series
    early = series.appointments.get(occurrence=date(2026, 3, 12))
    reschedule(appointment_id=early.pk, starts_at=at("2026-03-10 15:00"), actor=SYSTEM, now=NOON)
    now = at("2026-03-11 12:00")

    change_all(series, day=date(2026, 3, 13), starts=local("2026-03-12 09:00"), now=now, overrides=[Override.NOTICE])

    assert told(series) == [
        ("2026-03-09", "03-09 09:00", "scheduled"),
        ("2026-03-10", "03-10 09:00", "scheduled"),
        (None, "03-10 15:00", "scheduled"),
        ("2026-03-11", "03-11 09:00", "scheduled"),
        ("2026-03-12", "03-12 09:00", "scheduled"),
    ]


def test_edit_all_to_another_rule_matches_dates_cancels_and_books(provider, booker):
    created = create(provider, booker)
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


def test_edit_all_to_a_rule_that_its_start_does_not_fit_begins_with_the_next_date_that_does(provider, booker):
    series = create(provider, booker).series

    change = change_all(series, rrule="FREQ=WEEKLY;BYDAY=WE")

    assert change.series.start_date == date(2026, 3, 11)
    assert times(series) == ["03-11 09:00", "03-18 09:00", "03-25 09:00", "04-01 09:00"]


def test_edit_all_words_change_where_nobody_changed_them(provider, booker):
    created = create(provider, booker, description="Old")
    edit(appointment_id=created.booked[0].pk, changes={"title": "Mine"}, actor=SYSTEM, now=NOON)

    change = change_all(created.series, title="Ours", description="New", reminder_offsets=["1 hour"])

    rows = created.series.appointments.order_by("occurrence")
    assert [row.title for row in rows] == ["Mine", "Ours", "Ours", "Ours"]
    assert {(row.description, tuple(row.reminder_offsets)) for row in rows} == {("New", ("1 hour",))}
    assert (change.moved, history(rows[1])) == ([], ["booked", "edited"])


def test_edit_all_leaves_what_was_moved_by_itself_where_it_is(provider, booker):
    created = create(provider, booker)
    reschedule(appointment_id=created.booked[1].pk, starts_at=at("2026-03-18 15:00"), actor=SYSTEM, now=NOON)

    change_all(created.series, starts=local("2026-03-09 11:00"))

    assert times(created.series) == ["03-09 11:00", "03-18 15:00", "03-23 11:00", "03-30 11:00"]


def test_edit_all_leaves_alone_what_was_moved_from_the_past_into_the_future(provider, booker):
    created = create(provider, booker)
    reschedule(appointment_id=created.booked[0].pk, starts_at=at("2026-03-12 15:00"), actor=SYSTEM, now=NOON)

    change_all(created.series, starts=local("2026-03-17 11:00"), now=at("2026-03-10 12:00"))

    assert told(created.series) == [
        ("2026-03-09", "03-12 15:00", "scheduled"),
        ("2026-03-17", "03-17 11:00", "scheduled"),
        ("2026-03-24", "03-24 11:00", "scheduled"),
        ("2026-03-31", "03-31 11:00", "scheduled"),
    ]


def test_edit_all_service_changes_length_buffers_and_title(provider, booker):
    lesson = ServiceFactory(name="Lesson", duration_minutes=30, providers=[provider])
    longer = ServiceFactory(name="Double", duration_minutes=60, buffer_after_minutes=30, providers=[provider])
    series = create(provider, booker, service_id=lesson.pk).series

    change = change_all(series, service_id=longer.pk)

    row = series.appointments.order_by("occurrence").first()
    assert (row.service, row.title, row.ends_at - row.starts_at) == (longer, "Double", minutes(60))
    assert row.reservation.blocked_until == row.starts_at + minutes(90)
    assert change.series.duration_minutes == 60


def test_edit_all_or_nothing_refused_leaves_everything(provider, booker):
    series = create(provider, booker).series
    appoint(provider, at("2026-03-23 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict) as refusal:
        change_all(series, starts=local("2026-03-09 11:00"))

    assert [one["occurrence"] for one in refusal.value.details["conflicts"]] == ["2026-03-23"]
    assert dump() == before


def test_edit_skipping_conflicts_leaves_the_one_where_it_is(provider, booker):
    series = create(provider, booker).series
    appoint(provider, at("2026-03-23 11:00"))

    change = change_all(series, starts=local("2026-03-09 11:00"), policy=ConflictPolicy.SKIP_CONFLICTS)

    assert times(series) == ["03-09 11:00", "03-16 11:00", "03-23 09:00", "03-30 11:00"]
    assert why(change) == [("2026-03-23", "slot_taken")]
    assert change.series.gaps == []
    assert broken_promises() == {}


def test_edit_all_fills_the_gaps_that_are_free_at_the_new_time(provider, booker):
    appoint(provider, at("2026-03-16 09:00"))
    series = skipping(provider, booker).series

    change = change_all(series, starts=local("2026-03-09 11:00"))

    assert (times(series)[1], change.series.gaps) == ("03-16 11:00", [])


def test_edit_all_words_on_a_day_before_the_job_has_run_loses_no_occurrence(provider, booker):
    series = create(provider, booker).series
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
def test_edit_all_moves_the_end_of_the_rule_along(provider, booker, until, after):
    series = create(provider, booker, rrule=f"FREQ=WEEKLY;UNTIL={until}").series
    number = len(times(series))

    change = change_all(series, starts=local("2026-03-10 11:00"))

    assert (change.series.rrule, len(times(series))) == (f"FREQ=WEEKLY;UNTIL={after}", number)


def test_edit_all_to_an_earlier_hour_that_has_passed_today_is_a_conflict(provider, booker):
    now = at("2026-03-09 10:00")
    series = create(provider, booker, starts=local("2026-03-09 16:00"), now=NOON).series

    change = change_all(series, starts=local("2026-03-09 09:00"), policy=ConflictPolicy.SKIP_CONFLICTS, now=now)

    assert why(change) == [("2026-03-09", "in_the_past")]
    assert times(series)[:2] == ["03-09 16:00", "03-16 09:00"]


@pytest.mark.parametrize("start", ["2026-03-09 06:00", "2026-03-09 12:00"])
def test_edit_long_daily_appointments_that_would_cross_each_other(booker, start):
    always = open_provider(hours=ALWAYS, horizon_days=20, slot_minutes=60)
    series = create(
        always, booker, rrule="FREQ=DAILY", starts=local("2026-03-09 09:00"), duration_minutes=20 * 60
    ).series

    change = change_all(series, starts=local(start))

    assert (change.conflicts, len(change.moved)) == ([], len(times(series)))
    assert broken_promises() == {}


def test_edit_following_splits_the_series(provider, booker):
    created = create(provider, booker, rrule="FREQ=WEEKLY;COUNT=6", exdates=[date(2026, 3, 16), date(2026, 4, 6)])

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


def test_edit_following_the_first_changes_the_series_itself(provider, booker):
    series = create(provider, booker).series

    change = following(series, MONDAY, title="New")

    assert (change.series.pk, AppointmentSeries.objects.count()) == (series.pk, 1)


def test_edit_following_refused_leaves_one_series(provider, booker):
    series = create(provider, booker).series
    appoint(provider, at("2026-03-30 11:00"))
    before = dump()

    with pytest.raises(SeriesConflict):
        following(series, date(2026, 3, 23), starts=local("2026-03-23 11:00"))

    assert dump() == before


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"scope": SeriesScope.FOLLOWING, "title": "X"}, Missing),
        ({"scope": SeriesScope.FOLLOWING, "day": date(2026, 3, 10), "title": "X"}, NotInRule),
        ({"scope": SeriesScope.FOLLOWING, "day": MONDAY, "now": at("2026-03-09 09:00"), "title": "X"}, InThePast),
        ({"rrule": "FREQ=SECONDLY"}, BadRule),
        ({"rrule": "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"}, BadRule),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO", "starts": local("2026-03-10 09:00")}, NotInRule),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20260301"}, BadRule),
        ({"starts": local("2026-03-09 09:01")}, OffGrid),
        ({"service_id": 0}, ServiceNotOffered),
    ],
)
def test_edit_refused_changes_nothing(provider, booker, arguments, error):
    series = create(provider, booker).series
    before = dump()

    with pytest.raises(error):
        change_all(series, **arguments)

    assert dump() == before


def test_edit_by_the_provider_writes_who_did_it(provider, booker):
    series = create(provider, booker).series

    edit_series(
        series_id=series.pk,
        scope=SeriesScope.ALL,
        changes={"title": "New"},
        actor=actor_of(provider),
        now=NOON + minutes(5),
    )

    event = series.appointments.first().events.last()
    assert (event.event, event.user, event.at) == ("edited", provider.user, NOON + minutes(5))


def test_a_series_that_recurs_rarely_can_still_be_changed(provider, booker):
    series = create(provider, booker, rrule="FREQ=YEARLY;INTERVAL=3").series

    change = change_all(series, title="Rare", now=at("2026-04-01 12:00"))

    assert change.series.title == "Rare"


@pytest.mark.parametrize("rrule", ["FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=9", "FREQ=WEEKLY;UNTIL=20260430"])
@pytest.mark.parametrize(("scope", "day"), [(SeriesScope.ALL, None), (SeriesScope.FOLLOWING, date(2026, 3, 16))])
def test_edit_that_lengthens_a_series_after_cancelling_its_end_books_it_up_to_the_horizon(
    provider, booker, scope, day, rrule
):
    series = create(provider, booker).series
    cancel_series(
        series_id=series.pk, scope=SeriesScope.FOLLOWING, occurrence=date(2026, 3, 23), actor=SYSTEM, now=NOON
    )

    change = change_all(series, scope=scope, day=day, rrule=rrule)

    assert [str(made.occurrence) for made in change.booked] == ["2026-03-23", "2026-03-30"]
    assert times(change.series)[-3:] == ["03-16 09:00", "03-23 09:00", "03-30 09:00"]
    assert times(series, "cancelled") == ["03-23 09:00", "03-30 09:00"]
    assert broken_promises() == {}


def test_edit_that_lengthens_a_series_leaves_out_what_was_cancelled_by_itself(provider, booker):
    series = create(provider, booker).series
    for scope, day in [(SeriesScope.THIS, date(2026, 3, 30)), (SeriesScope.FOLLOWING, date(2026, 3, 23))]:
        cancel_series(series_id=series.pk, scope=scope, occurrence=day, actor=SYSTEM, now=NOON)

    change_all(series, rrule="FREQ=WEEKLY")

    assert times(series) == ["03-09 09:00", "03-16 09:00", "03-23 09:00"]
