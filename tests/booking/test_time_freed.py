"""Whatever frees time tells of it once (`time_freed`): what can be booked now and could not before."""

from datetime import date, time, timedelta

import pytest

from accounts.privacy.operations import erase_client
from booking.appointments.enums import Action
from booking.appointments.operations import confirm, edit, reschedule, take_action
from booking.availability.enums import FreedBy
from booking.availability.operations import (
    change_time_off,
    clear_date_override,
    close_business,
    close_window,
    end_time_off,
    move_window,
    open_window,
    reopen_business,
    set_date_override,
    set_policy,
    set_working_hours,
    take_time_off,
)
from booking.availability.operations.change import AvailabilityChange
from booking.availability.slots import extend
from booking.imports.sheet import APPOINTMENTS
from booking.models import Reservation, Slot
from booking.reservations.operations import expire_due, pick, release, reserve
from booking.series.enums import ConflictPolicy, SeriesScope
from booking.series.operations import SeriesSpec, cancel_series, create_series, edit_series
from booking.signals import time_freed
from scheduler_project.common.operations import preview
from scheduler_project.common.time.intervals import merged, without
from tests.booking.imports.helpers import run
from tests.factories import NOON, SYSTEM, WEEKDAYS, ClientFactory, actor_of, appoint, at, hold, minutes

pytestmark = [pytest.mark.usefixtures("shared_people"), pytest.mark.django_db]

DAY = date(2026, 3, 4)
NINE, TEN, TWO = at("2026-03-04 09:00"), at("2026-03-04 10:00"), at("2026-03-04 14:00")
LATER = NOON + timedelta(hours=1)
"""A moment at which a hold of NOON has ended."""

BY = {"actor": SYSTEM, "now": NOON}


@pytest.fixture
def told(provider):
    """The signals about the provider from now on."""
    heard = []

    def hear(provider_id, spans, cause, **kwargs):
        if provider_id == provider.pk:
            heard.append((cause, spans))

    time_freed.connect(hear)
    yield heard
    time_freed.disconnect(hear)


def free(provider):
    return merged(Slot.objects.filter(provider=provider, reservation=None).values_list("starts_at", "ends_at"))


def status(action, **given):
    def ready(provider):
        made = appoint(provider, NINE, overrides=["notice"])
        made.status = given.get("status", made.status)
        made.save(update_fields=["status"])
        return lambda: take_action(appointment_id=made.pk, action=action, **BY)

    return ready


def moved(provider):
    made = appoint(provider, NINE)
    return lambda: reschedule(appointment_id=made.pk, starts_at=TWO, **BY)


def released(provider):
    held = hold(provider, NINE)
    return lambda: release(reservation_id=held.pk, **BY)


def released_late(provider):
    held = hold(provider, NINE)
    return lambda: release(reservation_id=held.pk, actor=SYSTEM, now=LATER)


def swept(provider):
    hold(provider, NINE)
    return lambda: expire_due(now=LATER)


def picked_anew(provider):
    client = ClientFactory()
    common = {"provider_id": provider.pk, "client_id": client.pk, "actor": actor_of(client), "now": NOON}
    held = pick(starts_at=NINE, **common)
    Reservation.objects.filter(pk=held.pk).update(face="page")
    return lambda: pick(starts_at=TWO, **common)


def erased(provider):
    client = ClientFactory()
    hold(provider, NINE, client=client)
    return lambda: erase_client(client_id=client.pk, **BY)


def away(provider, **days):
    return take_time_off(provider_id=provider.pk, fields={"start_date": DAY, "end_date": DAY} | days, **BY).made


def back(provider):
    absence = away(provider)
    return lambda: end_time_off(time_off=absence, **BY)


def back_earlier(provider):
    absence = away(provider, end_date=date(2026, 3, 6))
    return lambda: change_time_off(time_off=absence, fields={"end_date": DAY}, **BY)


def reopened(provider):
    closure = close_business(fields={"start_date": DAY, "end_date": DAY}, **BY).made
    return lambda: reopen_business(closure=closure, **BY)


def longer_weeks(provider):
    hours = [(day, start, time(19)) for day, start, _end in WEEKDAYS]
    return lambda: set_working_hours(provider_id=provider.pk, hours=hours, **BY)


def longer_day(provider):
    return lambda: set_date_override(provider_id=provider.pk, day=DAY, hours=[(time(8), time(20))], **BY)


def usual_day(provider):
    override = set_date_override(provider_id=provider.pk, day=DAY, hours=[], **BY).made
    return lambda: clear_date_override(override=override, **BY)


EVENING = {"starts_at": at("2026-03-04 19:00"), "ends_at": at("2026-03-04 21:00")}


def window(provider):
    return lambda: open_window(provider_id=provider.pk, **EVENING, **BY)


def moved_window(provider):
    made = open_window(provider_id=provider.pk, **EVENING, **BY).made
    later = {name: instant + timedelta(hours=1) for name, instant in EVENING.items()}
    return lambda: move_window(window=made, **later, **BY)


def hours_around_a_booking(provider):
    """Time that is booked is not free, though the hours have it again."""
    appoint(provider, NINE)
    return back(provider)


def extended(provider):
    return lambda: extend(schedule_id=provider.schedule.pk, now=NOON + timedelta(days=2))


def series_of(provider):
    client = ClientFactory(owner=provider, user=None)
    wanted = SeriesSpec(provider.pk, client.pk, "FREQ=DAILY;COUNT=3", at("2026-03-04 09:00").replace(tzinfo=None))
    return create_series(wanted=wanted, policy=ConflictPolicy.ALL_OR_NOTHING, **BY).series


def one_of_a_series(provider):
    series = series_of(provider)
    return lambda: cancel_series(series_id=series.pk, scope=SeriesScope.THIS, occurrence=DAY, **BY)


def series_cut(provider):
    series = series_of(provider)
    return lambda: cancel_series(series_id=series.pk, scope=SeriesScope.FOLLOWING, occurrence=date(2026, 3, 5), **BY)


def series_moved(provider):
    series = series_of(provider)
    changes = {"starts": TWO.replace(tzinfo=None)}
    return lambda: edit_series(series_id=series.pk, scope=SeriesScope.ALL, changes=changes, **BY)


def imported(provider, line):
    made = appoint(provider, NINE, client=ClientFactory(owner=provider, user=None), actor=SYSTEM)
    row = f"{made.uid},{provider.slug},{made.client.email},{line}"
    return lambda: run(APPOINTMENTS, f"reference,provider,client_email,start,status\n{row}\n")


def cancelled_by_a_file(provider):
    return imported(provider, "2026-03-04 09:00,cancelled")


def moved_by_a_file(provider):
    return imported(provider, "2026-03-04 14:00,")


FREEING = {
    "cancelled": (status(Action.CANCEL), FreedBy.CALLED_OFF, 1),
    "declined": (status(Action.DECLINE, status="pending"), FreedBy.CALLED_OFF, 1),
    "moved": (moved, FreedBy.MOVED, 1),
    "released": (released, FreedBy.RELEASED, 1),
    "released late": (released_late, FreedBy.EXPIRED, 1),
    "swept": (swept, FreedBy.EXPIRED, 1),
    "picked anew": (picked_anew, FreedBy.RELEASED, 1),
    "client erased": (erased, FreedBy.RELEASED, 1),
    "time off deleted": (back, FreedBy.HOURS, 1),
    "time off shortened": (back_earlier, FreedBy.HOURS, 1),
    "closure deleted": (reopened, FreedBy.HOURS, 1),
    "weekly hours widened": (longer_weeks, FreedBy.HOURS, 1),
    "date widened": (longer_day, FreedBy.HOURS, 1),
    "closed date deleted": (usual_day, FreedBy.HOURS, 1),
    "window opened": (window, FreedBy.HOURS, 1),
    "window moved": (moved_window, FreedBy.HOURS, 1),
    "time off around a booking deleted": (hours_around_a_booking, FreedBy.HOURS, 1),
    "horizon moved on": (extended, FreedBy.HORIZON, 1),
    "one of a series cancelled": (one_of_a_series, FreedBy.CALLED_OFF, 1),
    "series cut": (series_cut, FreedBy.CALLED_OFF, 2),
    "series moved": (series_moved, FreedBy.MOVED, 3),
    "cancelled by a file": (cancelled_by_a_file, FreedBy.CALLED_OFF, 1),
    "moved by a file": (moved_by_a_file, FreedBy.MOVED, 1),
}
"""Each way to free time: how it is prepared and done, its cause, and the number of claims that end or changes made."""


@pytest.mark.parametrize(("ready", "cause", "times"), FREEING.values(), ids=FREEING)
def test_freed_time_is_told_of_once(provider, told, ready, cause, times):
    do = ready(provider)
    told.clear()
    before = free(provider)

    do()

    spans = [span for _cause, some in told for span in some]
    assert [each for each, _spans in told] == [cause] * times
    assert sorted(spans) == without(free(provider), before) != []


def test_hold_that_ended_is_told_of_by_whoever_takes_its_time(provider, told):
    hold(provider, NINE)
    common = {"provider_id": provider.pk, "starts_at": NINE, "ends_at": TEN}

    reserve(client_id=ClientFactory().pk, actor=SYSTEM, now=LATER, **common)

    assert told == [(FreedBy.EXPIRED, [(NINE, NINE + minutes(15))])]


def test_sweep_tells_once_for_each_provider(provider, told):
    for starts_at in (NINE, NINE + minutes(15), TWO):
        hold(provider, starts_at)

    expire_due(now=LATER)

    assert told == [(FreedBy.EXPIRED, [(NINE, NINE + minutes(30)), (TWO, TWO + minutes(15))])]


def test_time_outside_the_hours_is_not_free_when_its_appointment_is_cancelled(provider, told):
    made = appoint(provider, NINE)
    away(provider)

    take_action(appointment_id=made.pk, action=Action.CANCEL, **BY)

    assert told == []


def booked(provider):
    held = hold(provider, NINE)
    return lambda: confirm(reservation_id=held.pk, **BY)


def reworded(provider):
    made = appoint(provider, NINE)
    return lambda: edit(appointment_id=made.pk, changes={"title": "Check-up"}, **BY)


def shorter_weeks(provider):
    hours = [(day, start, time(12)) for day, start, _end in WEEKDAYS]
    return lambda: set_working_hours(provider_id=provider.pk, hours=hours, **BY)


def closed_window(provider):
    made = open_window(provider_id=provider.pk, **EVENING, **BY).made
    return lambda: close_window(window=made, **BY)


OTHERS = {
    "held": lambda provider: lambda: hold(provider, NINE),
    "booked": booked,
    "reworded": reworded,
    "went away": lambda provider: lambda: away(provider),
    "closed": lambda provider: lambda: close_business(fields={"start_date": DAY, "end_date": DAY}, **BY),
    "weekly hours shortened": shorter_weeks,
    "window closed": closed_window,
    "slots of another length": lambda provider: (
        lambda: set_policy(provider_id=provider.pk, changes={"slot_minutes": 30}, **BY)
    ),
}


@pytest.mark.parametrize("ready", OTHERS.values(), ids=OTHERS)
def test_what_frees_nothing_tells_nothing(provider, told, ready):
    do = ready(provider)
    told.clear()

    do()

    assert told == []


def test_what_a_receiver_writes_is_rolled_back_with_a_preview(provider, told):
    absence = away(provider)
    seen = ClientFactory()

    def note(**kwargs):
        seen.delete()

    def look() -> AvailabilityChange:
        return end_time_off(time_off=absence, **BY)

    time_freed.connect(note)
    try:
        preview(look)
    finally:
        time_freed.disconnect(note)

    assert told
    assert ClientFactory._meta.model.objects.filter(email=seen.email).exists()
