"""Erasing somebody: nothing in the database names them any more, and all that is counted stays."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection

from accounts.errors import AppointmentsComing
from accounts.models import Client, User
from accounts.operations.leaving import leave
from accounts.operations.people import edit_client, edit_user
from booking.enums import Action, Policy, ReservationStatus
from booking.models import Appointment, Reservation
from booking.operations.appointments import act, edit
from booking.operations.series import Wanted, create_series
from reminders.models import Message
from scheduler_project.common.models import Change
from tests.factories import (
    NOON,
    PASSWORD,
    SYSTEM,
    DeliveryAttemptFactory,
    WebhookEndpointFactory,
    appoint,
    at,
    hold,
    open_provider,
)

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=30)


def tables_naming(*words):
    """The tables in some row of which one of these words stands."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*) FROM {table} AS kept WHERE lower(kept::text) LIKE ANY(%s)",
                [[f"%{word.lower()}%" for word in words]],
            )
            if cursor.fetchone()[0]:
                found.add(table)
    return found


WORDS = ("Wilhelmina", "wilma@", "4930901820", "left knee", "hay fever")


@pytest.fixture
def provider(db):
    return open_provider(horizon_days=10)


def live_a_life(client, provider):
    """Everything that could be kept about a client, in every place that keeps something."""
    WebhookEndpointFactory(provider=provider)
    known = {"name": "Wilhelmina", "email": "wilma@example.org", "phone": "+4930901820", "notes": "Her left knee."}
    edit_client(client_id=client.pk, changes=known, actor=SYSTEM)
    came = appoint(
        provider, at("2026-03-04 09:00"), client=client, actor=SYSTEM, title="Wilhelmina", description="Hay fever."
    )
    edit(appointment_id=came.pk, changes={"title": "Left knee of Wilhelmina"}, actor=SYSTEM, now=NOON)
    act(appointment_id=came.pk, action=Action.COMPLETE, actor=SYSTEM, now=at("2026-03-04 10:00"))
    off = appoint(provider, at("2026-03-05 09:00"), client=client, actor=SYSTEM)
    act(appointment_id=off.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON, reason="Hay fever again.")
    wanted = Wanted(
        provider_id=provider.pk,
        client_id=client.pk,
        rrule="FREQ=DAILY;COUNT=2",
        starts=at("2026-03-04 12:00"),
        title="Wilhelmina, weekly",
        description="Left knee.",
    )
    create_series(wanted=wanted, policy=Policy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON)
    for appointment in Appointment.objects.filter(status="scheduled"):
        act(appointment_id=appointment.pk, action=Action.MISS, actor=SYSTEM, now=LATER - timedelta(days=1))
    Reservation.objects.filter(client=client).update(note="Hay fever.")
    Message.objects.update(status="sent", sent_at=NOON)
    for message in Message.objects.exclude(recipient="provider")[:3]:
        DeliveryAttemptFactory(message=message, address="wilma@example.org", error="550 wilma@example.org is unknown")
    Message.objects.filter(recipient="client").update(error="550 wilma@example.org is unknown")
    LogEntry.objects.log_actions(
        user_id=provider.user_id, queryset=[client], action_flag=CHANGE, change_message="Wilhelmina", single_object=True
    )


def test_leaving_leaves_nothing_that_names_the_person(provider, booker):
    live_a_life(booker, provider)
    User.objects.filter(pk=booker.user_id).update(email="wilma@example.com")
    before = tables_naming(*WORDS)
    counted = list(Appointment.objects.order_by("pk").values_list("pk", "status", "reservation__service"))
    assert len(before) > 8

    leave(user_id=booker.user_id, password=PASSWORD, now=LATER)

    assert tables_naming(*WORDS) == set()
    assert list(Appointment.objects.order_by("pk").values_list("pk", "status", "reservation__service")) == counted


def test_leaving_keeps_in_the_trail_that_things_changed(provider, booker):
    edit_user(user_id=booker.user_id, changes={"name": "Wilhelmina"})

    leave(user_id=booker.user_id, password=PASSWORD, now=LATER)

    trail = Change.objects.filter(table_name="accounts_client", row_id=booker.pk).order_by("pk")
    assert list(trail.values_list("kind", "face", "changes"))[1:] == [
        ("update", "command", {"name": None}),
        ("update", "command", {"name": None, "email": None}),
    ]


def test_leaving_ends_holds(provider, booker):
    held = hold(provider, at("2026-03-04 09:00"), client=booker)

    leave(user_id=booker.user_id, password=PASSWORD, now=NOON)

    held.refresh_from_db()
    assert held.status == ReservationStatus.RELEASED


def test_leaving_is_refused_while_a_series_goes_on(provider, booker):
    wanted = Wanted(provider_id=provider.pk, client_id=booker.pk, rrule="FREQ=YEARLY", starts=at("2026-03-04 12:00"))
    series = create_series(wanted=wanted, policy=Policy.ALL_OR_NOTHING, actor=SYSTEM, now=NOON).series
    for appointment in series.appointments.all():
        act(appointment_id=appointment.pk, action=Action.COMPLETE, actor=SYSTEM, now=at("2026-03-04 14:00"))

    with pytest.raises(AppointmentsComing):
        leave(user_id=booker.user_id, password=PASSWORD, now=LATER)

    assert Client.objects.get(pk=booker.pk).name == booker.name
