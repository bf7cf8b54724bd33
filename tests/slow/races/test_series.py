"""Series that are generated, changed and cancelled while others do the same, or book the same time."""

from datetime import date, datetime, timedelta

import pytest

from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.availability.slots import extend_all
from booking.models import Appointment, AppointmentSeries, Reservation
from booking.reservations import claims
from booking.reservations.enums import Override
from booking.reservations.errors import SlotTaken
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import (
    SeriesChange,
    SeriesSpec,
    booker,
    cancel_series,
    create_series,
    edit_series,
    extend_all_series,
    extend_series,
)
from booking.series.operations import edit as changing
from scheduler_project.common.errors import TryAgain
from scheduler_project.common.failpoints import Failpoint
from tests.factories import NOON, SYSTEM, ClientFactory, appoint, at
from tests.looking import broken_promises
from tests.slow.races.failpoints import all_meet, stop
from tests.slow.races.running import Pause, everybody_looks_first, guards, overlaps, together, unconstrained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=30)]

WEEK = timedelta(days=7)
LATER = NOON + 2 * WEEK
NEXT = at("2026-04-06 09:00")
"""The first occurrence that comes within the horizon by then."""


def wanted(provider, client, **more):
    given = {"rrule": "FREQ=WEEKLY", "starts": datetime(2026, 3, 9, 9), **more}
    return SeriesSpec(provider_id=provider.pk, client_id=client.pk, **given)


@pytest.fixture
def series(provider):
    made = create_series(
        wanted=wanted(provider, ClientFactory()), policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON
    )
    extend_all(now=LATER)
    return made.series


def days(series):
    return [str(day) for day in series.appointments.order_by("occurrence").values_list("occurrence", flat=True)]


MONDAYS = ["2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06", "2026-04-13"]


# --- Two who generate -------------------------------------------------------------------------------------------------


def generate(series):
    return lambda: extend_series(series_id=series.pk, now=LATER, actor=SYSTEM)


def test_generations_at_once_make_each_occurrence_once(series):
    answers = together(*[generate(series)] * 4)

    series.refresh_from_db()
    assert sorted(answers) == [0, 0, 0, 2]
    assert (days(series), series.gaps) == (MONDAYS, [])
    assert broken_promises() == {}


def test_whole_jobs_at_once_make_each_occurrence_of_each_series_once(provider):
    for hour in (9, 10, 11, 12):
        asked = wanted(provider, ClientFactory(), starts=datetime(2026, 3, 9, hour))
        create_series(wanted=asked, policy=ConflictPolicy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON)
    extend_all(now=LATER)

    answers = together(*[lambda: extend_all_series(now=LATER, actor=SYSTEM)] * 3)

    assert sum(answers) == 8
    assert all(days(one) == MONDAYS and one.gaps == [] for one in AppointmentSeries.objects.all())
    assert broken_promises() == {}


def test_control_without_lock_a_generation_takes_the_others_booking_for_a_conflict(series):
    """Both see nothing booked; the loser notes its own occurrence as a gap, or breaks on a constraint."""
    with everybody_looks_first(booker, "claim", 2):
        answers = together(*[generate(series)] * 2, locks=False)

    series.refresh_from_db()
    assert series.gaps or answers.sqlstates


def test_control_without_lock_and_constraint_the_unique_date_is_what_is_left(series):
    AppointmentSeries.objects.update(overrides=[Override.HOURS], start_time="20:00")
    with guards(lock=False, constraint=False) as arguments:
        with everybody_looks_first(claims, "_take", 2):
            answers = together(*[generate(series)] * 2, **arguments)

        assert answers.kinds() == {"int": 1, "TryAgain": 1}
        assert days(series) == MONDAYS


# --- Generating and booking -------------------------------------------------------------------------------------------


def generate_while_somebody_books(provider, series, *, locks):
    client = ClientFactory()
    pause = Pause()
    with pause.before(claims, "_take"):
        return together(
            generate(series),
            pause.meanwhile(lambda: appoint(provider, NEXT, client=client, now=LATER, **ANYWAY)),
            locks=locks,
        )


ANYWAY = {"actor": SYSTEM, "overrides": [Override.HOURS]}


def test_generation_and_a_booking_of_the_same_time_never_have_it_both(provider, series):
    generated, booked = generate_while_somebody_books(provider, series, locks=True)

    assert (generated, type(booked)) == (2, SlotTaken)
    assert broken_promises() == {}


def test_generation_leaves_out_what_somebody_is_just_booking(provider, series):
    pause = Pause()
    client = ClientFactory()
    with pause.after(claims, "_take"):
        booked, generated = together(
            lambda: appoint(provider, NEXT, client=client, now=LATER, **ANYWAY), pause.meanwhile(generate(series))
        )

    series.refresh_from_db()
    assert (type(booked), generated) == (Appointment, 1)
    assert series.gaps == [{"occurrence": "2026-04-06", "reason": "slot_taken"}]
    assert broken_promises() == {}


def test_control_without_lock_and_constraint_generation_and_booking_have_one_time_both(provider, series):
    AppointmentSeries.objects.update(overrides=[Override.HOURS], start_time="20:00")
    evening = at("2026-04-06 20:00")
    client = ClientFactory()
    with unconstrained():
        pause = Pause()
        with pause.before(claims, "_take"):
            generated, booked = together(
                generate(series),
                pause.meanwhile(lambda: appoint(provider, evening, client=client, now=LATER, **ANYWAY)),
                locks=False,
            )

        assert (generated, type(booked)) == (2, Appointment)
        assert overlaps()


# --- Several series of one time ---------------------------------------------------------------------------------------

EVENING = {"starts": datetime(2026, 3, 9, 20), "overrides": [Override.HOURS]}
"""Outside the hours, where no slot stands behind the lock and the constraint."""


def beginnings(provider, number, policy=ConflictPolicy.SKIP_CONFLICTS, **more):
    """That many clients, for each of whom a series of the same times is about to begin."""

    def begin(client):
        asked = wanted(provider, client, **more)
        return lambda: create_series(wanted=asked, policy=policy, actor=SYSTEM, now=NOON)

    return [begin(client) for client in ClientFactory.create_batch(number)]


def numbers_booked(answers):
    return [len(answer.booked) if isinstance(answer, SeriesChange) else type(answer) for answer in answers]


def test_of_many_who_begin_one_series_at_once_one_gets_it(provider):
    answers = together(*beginnings(provider, 4, ConflictPolicy.ALL_OR_NOTHING))

    assert answers.kinds() == {"SeriesChange": 1, "SeriesConflict": 3}
    assert AppointmentSeries.objects.count() == 1
    assert broken_promises() == {}


def test_series_of_one_time_wait_for_the_one_that_has_looked_which_gets_it_all(provider):
    answers = stop(Failpoint.TIME_FOUND, *beginnings(provider, 4))

    assert (numbers_booked(answers), answers.waited) == ([4, 0, 0, 0], [True] * 3)
    assert broken_promises() == {}


def test_series_that_share_some_times_share_them_out(provider):
    daily = beginnings(provider, 2, rrule="FREQ=DAILY;BYDAY=MO,WE")
    answers = together(*beginnings(provider, 2), *daily)

    starts = list(Reservation.objects.values_list("starts_at", flat=True))
    assert answers.kinds() == {"SeriesChange": 4}
    assert len(starts) == len(set(starts)) == 8
    assert broken_promises() == {}


@pytest.mark.parametrize(
    ("times", "lock", "constraint", "booked"),
    [
        (EVENING, True, False, [4, 0]),
        (EVENING, False, True, [SlotTaken, 4]),
        ({}, False, False, [0, 4]),
    ],
    ids=["lock", "constraint", "slots"],
)
def test_each_guard_alone_keeps_series_from_being_booked_at_one_time(provider, times, lock, constraint, booked):
    """The lock, the exclusion constraint, or the slots that point at one reservation at most."""
    with guards(lock=lock, constraint=constraint) as arguments:
        answers = stop(Failpoint.TIME_FOUND, *beginnings(provider, 2, **times), **arguments)

        assert numbers_booked(answers) == booked
        assert broken_promises() == {}


def test_control_without_lock_and_constraint_series_are_booked_at_one_time(provider):
    with guards(lock=False, constraint=False) as arguments:
        functions = beginnings(provider, 3, **EVENING)
        with all_meet(Failpoint.TIME_FOUND, 3):
            answers = together(*functions, **arguments)

        assert numbers_booked(answers) == [4, 4, 4]
        assert overlaps()


# --- Generating, changing and cancelling ------------------------------------------------------------------------------


def cancel_all(series):
    return lambda: cancel_series(series_id=series.pk, scope=SeriesScope.ALL, actor=SYSTEM, now=LATER)


def test_a_series_that_is_cancelled_while_it_is_generated_has_nothing_to_come(series):
    together(generate(series), cancel_all(series), generate(series))

    coming = series.appointments.filter(status="scheduled", reservation__starts_at__gt=LATER)
    assert not coming.exists()
    assert broken_promises() == {}


def cancel_while_it_is_generated(series, *, locks):
    pause = Pause()
    with pause.before(booker, "occurrences"):
        return together(generate(series), pause.meanwhile(cancel_all(series)), locks=locks)


def test_generation_that_has_begun_is_cancelled_with_the_rest(series):
    cancel_while_it_is_generated(series, locks=True)

    assert not series.appointments.filter(status="scheduled", reservation__starts_at__gt=LATER).exists()


def test_control_without_lock_a_cancelled_series_goes_on(series):
    cancel_while_it_is_generated(series, locks=False)

    assert series.appointments.filter(status="scheduled", reservation__starts_at__gt=LATER).exists()


def edit_two_at_once(series, *, locks):
    def edit(hour):
        changes = {"starts": datetime(2026, 3, 23, hour)}
        return lambda: edit_series(
            series_id=series.pk,
            scope=SeriesScope.FOLLOWING,
            occurrence=date(2026, 3, 23),
            changes=changes,
            actor=SYSTEM,
            now=LATER,
        )

    pause = Pause()
    with pause.before(changing, "to_come"):
        return together(edit(11), pause.meanwhile(edit(14)), locks=locks)


def test_of_two_who_split_a_series_one_does_and_the_other_is_told(series):
    answers = edit_two_at_once(series, locks=True)

    assert answers.kinds() == {"SeriesChange": 1, "SeriesEnded": 1}
    assert AppointmentSeries.objects.count() == 2
    assert broken_promises() == {}


def test_control_without_lock_a_series_is_split_twice(series):
    edit_two_at_once(series, locks=False)

    assert AppointmentSeries.objects.count() == 3


def test_an_occurrence_cancelled_while_the_series_is_moved_is_an_exception_all_the_same(series):
    third = series.appointments.get(occurrence="2026-03-23")

    answers = together(
        lambda: take_action(appointment_id=third.pk, action=Action.CANCEL, actor=SYSTEM, now=LATER),
        lambda: edit_series(
            series_id=series.pk, scope=SeriesScope.ALL, changes={"duration_minutes": 30}, actor=SYSTEM, now=LATER
        ),
    )

    third.refresh_from_db()
    series.refresh_from_db()
    assert not [answer for answer in answers if isinstance(answer, TryAgain)]
    assert (third.status, series.exdates, series.duration_minutes) == ("cancelled", [date(2026, 3, 23)], 30)
    assert broken_promises() == {}
