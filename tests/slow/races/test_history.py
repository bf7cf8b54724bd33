"""The history of concurrent changes has the order of the locks, and its times never go backwards."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import User
from booking.appointments import operations as appointments
from booking.appointments.enums import Action, Event
from booking.appointments.operations import reschedule, take_action
from booking.models import AppointmentEvent, Service
from scheduler_project.common.models import Change
from tests.factories import NOON, SYSTEM, ServiceFactory, appoint, at
from tests.looking import broken_promises
from tests.slow.races.running import PATIENCE, Pause, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.provider(horizon_days=7)]

NINE, TEN, ELEVEN = at("2026-03-04 09:00"), at("2026-03-04 10:00"), at("2026-03-04 11:00")
LATER = NOON + timedelta(seconds=1)


def in_turn(first, then):
    """Two changes of one appointment: `first` has its locks before `then` asks for them."""
    pause = Pause()
    with pause.after(appointments, "locked_appointment"):
        return together(first, pause.meanwhile(then))


def history(appointment):
    return [(event.event, event.at) for event in appointment.events.all()]


def test_history_of_two_moves_ends_where_the_appointment_is(provider):
    made = appoint(provider, NINE, now=NOON)

    answers = in_turn(
        lambda: reschedule(appointment_id=made.pk, starts_at=TEN, actor=SYSTEM, now=LATER),
        lambda: reschedule(appointment_id=made.pk, starts_at=ELEVEN, actor=SYSTEM, now=NOON),
    )

    assert answers.kinds() == {"Appointment": 2}
    made.refresh_from_db()
    assert made.starts_at == ELEVEN
    assert (made.sequence, made.updated_at) == (2, LATER)
    assert history(made) == [(Event.BOOKED, NOON), (Event.RESCHEDULED, LATER), (Event.RESCHEDULED, LATER)]
    assert made.events.all()[2].details["to"] == "2026-03-04T11:00:00Z"
    assert broken_promises() == {}


def test_history_of_approving_and_cancelling_ends_as_the_appointment_is(provider):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    made = appoint(provider, NINE, service_id=service.pk, now=NOON)
    assert made.status == "pending"

    answers = in_turn(
        lambda: take_action(appointment_id=made.pk, action=Action.APPROVE, actor=SYSTEM, now=LATER),
        lambda: take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON),
    )

    assert answers.kinds() == {"Appointment": 2}
    made.refresh_from_db()
    assert (made.status, made.updated_at) == ("cancelled", LATER)
    assert history(made) == [(Event.BOOKED, NOON), (Event.APPROVED, LATER), (Event.CANCELLED, LATER)]
    assert broken_promises() == {}


def test_history_written_before_times_followed_the_lock_is_read_in_the_order_of_the_lock(provider):
    made = appoint(provider, NINE, now=NOON)
    for start in (TEN, ELEVEN):
        reschedule(appointment_id=made.pk, starts_at=start, actor=SYSTEM, now=LATER)
    last = made.events.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE booking_appointmentevent DISABLE TRIGGER append_only")
        AppointmentEvent.objects.filter(pk=last.pk).update(at=NOON)
        cursor.execute("ALTER TABLE booking_appointmentevent ENABLE TRIGGER append_only")

    assert [event.details.get("to") for event in made.events.all()][1:] == [
        "2026-03-04T10:00:00Z",
        "2026-03-04T11:00:00Z",
    ]
    assert broken_promises() == {}


def test_trail_of_a_row_never_runs_backwards_though_a_transaction_began_earlier():
    service = ServiceFactory()
    begun, written = threading.Event(), threading.Event()

    @transaction.atomic
    def begins_first():
        User.objects.exists()  # From here on now() stands still.
        begun.set()
        assert written.wait(PATIENCE)
        Service.objects.filter(pk=service.pk).update(name="last")

    def writes_first():
        assert begun.wait(PATIENCE)
        Service.objects.filter(pk=service.pk).update(name="first")
        written.set()

    answers = together(begins_first, writes_first)

    assert answers == [None, None]
    trail = Change.objects.filter(table_name="booking_service", row_id=service.pk).order_by("pk")
    times = [change.at for change in trail]
    assert [change.changes.get("name", [None, None])[1] for change in trail][1:] == ["first", "last"]
    assert times == sorted(times)
