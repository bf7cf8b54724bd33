"""`manage.py check_schedule`: each check names the row that breaks it, and nothing else is ever named."""

import json
import logging
import random
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.urls import reverse

from booking.appointments.enums import Action
from booking.appointments.operations import change, confirm, edit, reschedule, take_action
from booking.appointments.permissions import allowed_actions
from booking.appointments.transitions import TRANSITIONS
from booking.availability.operations import end_time_off, set_policy, set_working_hours, take_time_off
from booking.availability.search import SlotQuery, free_times
from booking.availability.slots import extend_all
from booking.models import Appointment, AppointmentSeries, Reservation, Slot
from booking.reservations.operations import expire_due, release
from booking.series.enums import ConflictPolicy
from booking.series.operations import SeriesSpec, create_series
from reminders.models import Reminder
from scheduler_project.common.db.invariants import inspect, invariants
from scheduler_project.common.errors import DomainError
from scheduler_project.common.models import Inspection
from scheduler_project.common.tasks import inspect as inspection
from tests.factories import (
    ALWAYS,
    NOON,
    SYSTEM,
    ClientFactory,
    ProviderFactory,
    ServiceFactory,
    SlotFactory,
    UserFactory,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.reminders.helpers import owed_mails

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("2026-03-04 10:00"), at("2026-03-04 11:00")


def sql(statement, *params):
    """Run SQL that no operation would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Else a table cannot be altered in the same transaction.
        cursor.execute(statement, params)


@pytest.fixture
def appointment(provider):
    return appoint(provider, TEN)


@pytest.fixture
def series(provider):
    wanted = SeriesSpec(
        provider_id=provider.pk, client_id=ClientFactory().pk, rrule="FREQ=DAILY;COUNT=5", starts=at("2026-03-04 14:00")
    )
    return create_series(wanted=wanted, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=NOON).series


# --- Each check -----------------------------------------------------------------------------------------------------


def overlap(appointment, series):
    sql("ALTER TABLE booking_reservation DROP CONSTRAINT reservation_no_overlap")
    Slot.objects.filter(reservation=appointment.reservation).update(reservation=None)
    other = appoint(Reservation.objects.get(pk=appointment.reservation_id).provider, ELEVEN).reservation
    Slot.objects.filter(reservation=other).update(reservation=None)
    Reservation.objects.filter(pk=other.pk).update(blocked_from=TEN, starts_at=TEN)
    Slot.objects.filter(starts_at__gte=TEN, starts_at__lt=TEN + timedelta(hours=2)).update(reservation=other)
    return other.pk


def slots_overlap(appointment, series):
    return SlotFactory(
        provider=appointment.provider,
        starts_at=ELEVEN + timedelta(minutes=5),
        ends_at=ELEVEN + timedelta(minutes=15),
    ).pk


def claimed_by_the_dead(appointment, series):
    slot = Slot.objects.get(provider=appointment.provider, starts_at=ELEVEN)
    held = hold(appointment.provider, ELEVEN)
    release(reservation_id=held.pk, actor=SYSTEM, now=NOON)
    Slot.objects.filter(pk=slot.pk).update(reservation=held)
    return slot.pk


def claimed_from_elsewhere(appointment, series):
    slot = Slot.objects.get(provider=appointment.provider, starts_at=ELEVEN)
    Slot.objects.filter(pk=slot.pk).update(reservation=appointment.reservation)
    return slot.pk


def free_though_claimed(appointment, series):
    slot = Slot.objects.get(reservation=appointment.reservation)
    Slot.objects.filter(pk=slot.pk).update(reservation=None)
    return slot.pk


def without_appointment(appointment, series):
    held = hold(appointment.provider, ELEVEN)
    Reservation.objects.filter(pk=held.pk).update(status="confirmed")
    return held.pk


def ended_without_a_moment(appointment, series):
    held = hold(appointment.provider, ELEVEN)
    release(reservation_id=held.pk, actor=SYSTEM, now=NOON)
    Reservation.objects.filter(pk=held.pk).update(closed_at=None)
    return held.pk


def without_its_time(appointment, series):
    Slot.objects.filter(reservation=appointment.reservation).update(reservation=None)
    Reservation.objects.filter(pk=appointment.reservation_id).update(status="released", closed_at=NOON)
    return appointment.pk


def other_than_its_history(appointment, series):
    Appointment.objects.filter(pk=appointment.pk).update(status="completed")
    Reminder.objects.filter(appointment=appointment).update(status="cancelled")
    return appointment.pk


def elsewhere_than_its_history(appointment, series):
    reschedule(appointment_id=appointment.pk, starts_at=ELEVEN, actor=SYSTEM, now=NOON)
    sql("ALTER TABLE booking_appointmentevent DISABLE TRIGGER append_only")
    sql(
        "UPDATE booking_appointmentevent SET details = details || %s::jsonb WHERE event = 'rescheduled'",
        json.dumps({"to": TEN.isoformat()}),
    )
    return appointment.pk


def of_somebody_elses_series(appointment, series):
    AppointmentSeries.objects.filter(pk=series.pk).update(client=ClientFactory())
    series.appointments.exclude(pk=series.appointments.earliest("pk").pk).update(series=None, occurrence=None)
    AppointmentSeries.objects.filter(pk=series.pk).update(
        exdates=[(at("2026-03-04") + timedelta(days=day)).date() for day in range(1, 5)]
    )
    return series.appointments.get().pk


def not_booked_as_far(appointment, series):
    series.appointments.filter(occurrence="2026-03-05").update(series=None, occurrence=None)
    return series.pk


def owed_for_nothing(appointment, series):
    take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
    reminder = Reminder.objects.filter(appointment=appointment).earliest("pk")
    Reminder.objects.filter(pk=reminder.pk).update(status="pending")
    return reminder.pk


def not_owed(appointment, series):
    Reminder.objects.filter(appointment=appointment).earliest("due_at").delete()
    return appointment.pk


def owed_at_another_time(appointment, series):
    reminder = Reminder.objects.filter(appointment=appointment).earliest("due_at")
    Reminder.objects.filter(pk=reminder.pk).update(due_at=reminder.due_at + timedelta(hours=1))
    return appointment.pk


def owed_too_often(appointment, series):
    reminder = Reminder.objects.filter(appointment=appointment).earliest("due_at")
    Reminder.objects.filter(pk=reminder.pk).update(offset="3 hours")
    return appointment.pk


BREAKS = {
    "claims_do_not_overlap": [overlap],
    "slots_do_not_overlap": [slots_overlap],
    "slots_are_claimed_by_the_living": [claimed_by_the_dead],
    "slots_are_claimed_where_they_are": [claimed_from_elsewhere],
    "claims_have_their_slots": [free_though_claimed],
    "confirmed_time_has_an_appointment": [without_appointment],
    "ended_reservations_say_when": [ended_without_a_moment],
    "appointments_have_their_time": [without_its_time],
    "appointments_are_as_their_history_says": [other_than_its_history],
    "appointments_are_when_their_history_says": [elsewhere_than_its_history],
    "series_have_their_own_appointments": [of_somebody_elses_series],
    "series_are_booked_as_far_as_they_say": [not_booked_as_far],
    "reminders_are_owed_for_what_is_to_come": [owed_for_nothing],
    "appointments_have_their_reminders": [not_owed, owed_at_another_time, owed_too_often],
}


def test_every_check_is_seen_failing():
    assert set(BREAKS) == set(invariants)


@pytest.mark.parametrize(("check", "break_it"), [(check, each) for check, breaks in BREAKS.items() for each in breaks])
def test_check_names_the_row_that_breaks_it(appointment, series, check, break_it):
    assert inspect(now=NOON) == []

    pk = break_it(appointment, series)

    found = inspect(now=NOON)
    assert {(row.check, row.table, row.pk) for row in found if row.check == check} == {
        (check, invariants[check][0], pk)
    }
    assert all(row.problem for row in found)


# --- Never in vain --------------------------------------------------------------------------------------------------


class Walk:
    """Random actions of all kinds; refusals are fine."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = NOON
        self.providers = [open_provider(horizon_days=8, notice_minutes=0) for _number in range(2)]
        self.service = ServiceFactory(providers=self.providers, buffer_after_minutes=10, needs_approval=True)
        self.clients = [ClientFactory() for _number in range(3)]

    def step(self):
        self.now += timedelta(minutes=self.random.choice([1, 20, 180]))
        often = [self.hold, self.confirm, self.book, self.take_action, self.move]
        seldom = [self.edit, self.give, self.release, self.expire, self.hours]
        seldom += [self.policy, self.away, self.series, self.extend]
        deed = self.random.choice([*often, *often, *seldom])
        try:
            deed()
        except DomainError as refusal:
            return f"{deed.__name__} refused: {refusal.code}"
        return deed.__name__

    def time(self, provider):
        service = self.random.choice([None, self.service])
        free = free_times(SlotQuery(self.now, self.now + timedelta(days=8), self.now, provider.pk, service))
        return (self.random.choice(free).starts_at if free else at("2026-03-05 10:00")), service

    def some(self, rows):
        found = list(rows.order_by("pk"))
        if not found:
            raise DomainError
        return self.random.choice(found)

    def hold(self):
        provider = self.random.choice(self.providers)
        starts_at, service = self.time(provider)
        client = self.random.choice(self.clients)
        return hold(provider, starts_at, client=client, now=self.now, service_id=service and service.pk)

    def confirm(self):
        held = self.some(Reservation.objects.filter(status="held"))
        confirm(reservation_id=held.pk, actor=SYSTEM, now=self.now)

    def release(self):
        release(reservation_id=self.some(Reservation.objects.filter(status="held")).pk, actor=SYSTEM, now=self.now)

    def book(self):
        provider = self.random.choice(self.providers)
        starts_at, service = self.time(provider)
        client = self.random.choice(self.clients)
        appoint(provider, starts_at, client=client, now=self.now, service_id=service and service.pk)

    def take_action(self):
        appointment = self.some(Appointment.objects.filter(status__in=("pending", "scheduled")))
        actions = [each for each in allowed_actions(appointment, SYSTEM, self.now) if TRANSITIONS[each].target]
        take_action(appointment_id=appointment.pk, action=self.random.choice(actions), actor=SYSTEM, now=self.now)

    def move(self):
        appointment = self.some(Appointment.objects.filter(status__in=("pending", "scheduled")))
        starts_at, _service = self.time(appointment.provider)
        reschedule(appointment_id=appointment.pk, starts_at=starts_at, actor=SYSTEM, now=self.now)

    def give(self):
        appointment = self.some(Appointment.objects.filter(status__in=("pending", "scheduled")))
        starts_at = self.random.choice([None, self.time(appointment.provider)[0]])
        client = self.random.choice(self.clients)
        change(appointment_id=appointment.pk, client_id=client.pk, starts_at=starts_at, actor=SYSTEM, now=self.now)

    def edit(self):
        appointment = self.some(Appointment.objects.all())
        changes = {"reminder_offsets": self.random.choice([["3 hours"], None, []])}
        edit(appointment_id=appointment.pk, changes=changes, actor=SYSTEM, now=self.now)

    def expire(self):
        expire_due(now=self.now)

    def hours(self):
        provider = self.random.choice(self.providers)
        hours = self.random.sample(ALWAYS, 5)
        set_working_hours(provider_id=provider.pk, hours=hours, actor=SYSTEM, now=self.now)

    def policy(self):
        provider = self.random.choice(self.providers)
        changes = {"slot_minutes": self.random.choice([10, 15, 30, 60])}
        set_policy(provider_id=provider.pk, changes=changes, actor=SYSTEM, now=self.now)

    def away(self):
        provider = self.random.choice(self.providers)
        day = (self.now + timedelta(days=self.random.randint(0, 6))).date()
        fields = {"start_date": day, "end_date": day}
        made = take_time_off(provider_id=provider.pk, fields=fields, actor=SYSTEM, now=self.now).made
        if self.random.random() < 0.5:
            end_time_off(time_off=made, actor=SYSTEM, now=self.now)

    def series(self):
        provider = self.random.choice(self.providers)
        starts_at, _service = self.time(provider)
        client = self.random.choice(self.clients)
        wanted = SeriesSpec(provider_id=provider.pk, client_id=client.pk, rrule="FREQ=DAILY;COUNT=4", starts=starts_at)
        create_series(wanted=wanted, policy=ConflictPolicy.SKIP_CONFLICTS, actor=SYSTEM, now=self.now)

    def extend(self):
        extend_all(now=self.now)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_named_whatever_was_done(seed):
    walk, done = Walk(seed), []
    for _number in range(50):
        done.append(walk.step())
        assert inspect(now=walk.now) == [], done

    assert Appointment.objects.exists()


# --- The command and the job ----------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    try:
        call_command("check_schedule", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@time_machine.travel(NOON, tick=False)
def test_command_is_content_with_what_is_well(appointment):
    assert run() == (0, f"All is well: {len(invariants)} checks.\n")
    assert run("--json") == (0, "[]\n")


@time_machine.travel(NOON, tick=False)
def test_command_names_the_rows_and_fails(appointment):
    pk = free_though_claimed(appointment, None)
    problem = f"it is free, but reservation {appointment.reservation_id} claims its time"

    assert run() == (1, f"claims_have_their_slots: booking_slot {pk}: {problem}\n")
    code, out = run("--json")
    assert (code, json.loads(out)) == (
        1,
        [{"check": "claims_have_their_slots", "table": "booking_slot", "pk": pk, "problem": problem}],
    )


@pytest.mark.django_db(transaction=True)
def test_inspect_cannot_change_anything(monkeypatch):
    def look(now):
        ProviderFactory()
        return []

    monkeypatch.setitem(invariants, "made_up", ("accounts_provider", look))

    with pytest.raises(DatabaseError, match="read-only"):
        inspect(now=NOON)


@time_machine.travel(NOON, tick=False)
def test_job_tells_staff_what_it_found(appointment, settings, caplog, client):
    settings.ADMINS = [("", "boss@example.org")]
    pk = free_though_claimed(appointment, None)

    with caplog.at_level(logging.ERROR):
        assert inspection() == 1

    [kept] = Inspection.objects.all()
    assert (kept.at, kept.found, kept.broken[0]["pk"]) == (NOON, 1, pk)
    assert f"booking_slot {pk}" in caplog.text
    assert [(each.to, f"booking_slot {pk}" in each.text) for each in owed_mails()] == [("boss@example.org", True)]
    assert mail.outbox == []
    client.force_login(UserFactory(superuser=True))
    assert (
        f"booking_slot {pk}" in client.get(reverse("admin:common_inspection_change", args=[kept.pk])).content.decode()
    )


@time_machine.travel(NOON, tick=False)
def test_job_that_finds_nothing_only_says_that_it_looked(appointment, caplog):
    assert inspection() == 0

    assert list(Inspection.objects.values_list("found", "broken")) == [(0, [])]
    assert (len(owed_mails()), caplog.text) == (0, "")
