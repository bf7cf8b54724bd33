"""Retention: old rows are deleted, and nothing else."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.actors import Source
from accounts.models import Client
from booking.appointments.enums import Event
from booking.appointments.operations import confirm, reschedule
from booking.appointments.unconverted import purge_holds
from booking.availability.slots import extend
from booking.models import Appointment, AppointmentEvent, Reservation, Slot
from booking.reservations.enums import BY_THEMSELVES
from booking.reservations.guests import hold_as_visitor
from booking.reservations.operations import expire_due
from reminders.models import DeliveryAttempt, Message
from scheduler_project.common.db import retention
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.db.retention import forget_old, retained
from scheduler_project.common.models import Change, Inspection
from tests.accounts.helpers import tokens_of
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    HoldFactory,
    MessageFactory,
    ReservationFactory,
    UserFactory,
    appoint,
    at,
    hold,
    open_provider,
)
from tests.slow.races.running import together

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def ended(when, **fields):
    return ReservationFactory(status="expired", closed_at=when, **fields)


def test_forgets_holds_that_came_to_nothing_once_they_are_old():
    old, young = ended(NOON - 90 * DAY - timedelta(seconds=1)), ended(NOON - 90 * DAY)
    held = HoldFactory()

    assert forget_old(now=NOON)["holds that came to nothing"] == 1

    assert set(Reservation.objects.values_list("pk", flat=True)) == {young.pk, held.pk}
    assert Client.objects.filter(pk=old.client_id).exists()


def test_keeps_the_times_an_appointment_was_moved_from(provider, booker):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)
    made = confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON)
    reschedule(appointment_id=made.pk, starts_at=at("2026-03-05 09:00"), actor=SYSTEM, now=NOON)

    forget_old(now=NOON + 400 * DAY)

    assert Reservation.objects.filter(pk=held.pk).exists()
    assert confirm(reservation_id=held.pk, actor=SYSTEM, now=NOON) == made


def test_keeps_cancelled_appointments(provider):
    made = appoint(provider, at("2026-03-04 09:00"))
    Reservation.objects.filter(pk=made.reservation_id).update(status="released", closed_at=NOON)

    forget_old(now=NOON + 400 * DAY)

    assert Appointment.objects.filter(pk=made.pk).exists()


@pytest.mark.parametrize("source", BY_THEMSELVES)
def test_forgets_guests_who_never_booked_and_no_other_clients(provider, source):
    when = at("2026-03-04 09:00")
    time = {"service_id": None, "starts_at": when, "timezone": "UTC", "now": NOON}
    guest = hold_as_visitor(provider_id=provider.pk, visitor=new_reference(), source=source, **time)
    Client.objects.filter(pk=guest.client_id).update(name="Ada", email="ada@example.org")
    expire_due(now=NOON + DAY)
    office = ended(NOON, client=ClientFactory(user=None), face=Source.ADMIN)
    booked = ended(
        NOON,
        client=appoint(provider, when + DAY, actor=SYSTEM, client=ClientFactory(user=None)).client,
        face=Source.PAGE,
    )

    assert purge_holds(now=NOON + 92 * DAY) == 3

    assert not Client.objects.filter(pk=guest.client_id).exists()
    assert Client.objects.filter(pk__in=(office.client_id, booked.client_id)).count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM common_change AS kept WHERE kept::text LIKE '%ada@example.org%'")
        assert cursor.fetchone() == (0,)


def test_forgets_settled_messages_with_their_tries():
    old = MessageFactory(due_at=NOON - 401 * DAY, useful_until=NOON - 401 * DAY)
    DeliveryAttemptFactory(message=old)
    owed = MessageFactory(due_at=NOON - 401 * DAY, useful_until=NOON - 401 * DAY, status="pending")
    young = MessageFactory(due_at=NOON - 400 * DAY)

    assert forget_old(now=NOON)["messages"] == 1

    assert set(Message.objects.values_list("pk", flat=True)) == {owed.pk, young.pk}
    assert not DeliveryAttempt.objects.exists()


def test_keeps_the_trail_for_ever_unless_told_otherwise(settings):
    def told(days):
        return Change.objects.create(
            at=timezone.now() - days * DAY, table_name="accounts_client", row_id=1, kind="update", changes={}
        )

    now, _old, young, youngest = timezone.now(), told(400), told(200), told(20)
    assert forget_old(now=now)["trail"] == 0

    settings.RETAIN_TRAIL_DAYS = 300
    assert forget_old(now=now)["trail"] == 1
    assert set(Change.objects.filter(table_name="accounts_client")) == {young, youngest}
    settings.RETAIN_TRAIL_DAYS = 1
    assert forget_old(now=now)["trail"] == 1
    assert set(Change.objects.filter(table_name="accounts_client")) == {youngest}


def test_keeps_free_slots_of_the_past_as_long_as_told(settings):
    provider = open_provider(horizon_days=4)
    settings.RETAIN_SLOTS_DAYS = 30
    first = Slot.objects.filter(provider=provider).earliest("starts_at")

    extend(schedule_id=provider.schedule.pk, now=first.starts_at + 30 * DAY)
    assert Slot.objects.filter(pk=first.pk).exists()
    extend(schedule_id=provider.schedule.pk, now=first.starts_at + 30 * DAY + timedelta(seconds=1))
    assert not Slot.objects.filter(pk=first.pk).exists()


def test_forgets_what_the_frame_keeps():
    user = UserFactory()
    Session.objects.create(session_key="old", session_data="", expire_date=NOON - DAY)
    Session.objects.create(session_key="live", session_data="", expire_date=NOON + DAY)
    tokens_of(user)
    EmailConfirmation.objects.create(
        email_address=EmailAddress.objects.get(user=user), key="x", created=NOON - 31 * DAY
    )
    Inspection.objects.create(at=NOON - 401 * DAY, seconds=1, found=0, broken=[])

    went = forget_old(now=NOON + DAY * 0)

    assert (went["ended sessions"], went["links to confirm emails"], went["inspections"]) == (1, 1, 1)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["live"]
    assert forget_old(now=NOON + 4000 * DAY)["ended sign-ins"] == 1


def test_a_move_of_which_the_old_time_is_not_known_keeps_nothing_else():
    AppointmentEvent.objects.create(
        appointment=AppointmentFactory(), event=Event.RESCHEDULED, at=NOON, face=Source.PAGE, details={}
    )
    ended(NOON - 100 * DAY)

    assert forget_old(now=NOON)["holds that came to nothing"] == 1


def test_nothing_goes_for_ever_set_to_zero(settings):
    settings.RETAIN_HOLDS_DAYS = settings.RETAIN_MESSAGES_DAYS = 0
    ended(NOON - 4000 * DAY)
    MessageFactory(due_at=NOON - 4000 * DAY)

    went = forget_old(now=NOON)

    assert (went["holds that came to nothing"], went["messages"]) == (0, 0)


def test_goes_in_small_transactions(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _number in range(5):
        ended(NOON - 100 * DAY)

    assert forget_old(now=NOON)["holds that came to nothing"] == 5
    assert sum(forget_old(now=NOON).values()) == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_each_other_no_harm(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    for _number in range(12):
        ended(NOON - 100 * DAY)

    answers = together(lambda: forget_old(now=NOON), lambda: forget_old(now=NOON))

    assert answers.kinds() == {"dict": 2}
    assert sum(answer["holds that came to nothing"] for answer in answers) == 12
    assert not Reservation.objects.exists()


def test_every_app_has_its_part():
    assert set(retained) == {
        "answers to repeated writes",
        "counts of what was sent",
        "ended limits",
        "ended sessions",
        "ended sign-ins",
        "files to import",
        "holds that came to nothing",
        "inspections",
        "links to confirm emails",
        "messages",
        "trail",
        "unused pictures",
        "visitors",
    }
