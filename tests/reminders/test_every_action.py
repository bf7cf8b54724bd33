"""Every action of the table has its events for webhooks, and the notices it is to have."""

from datetime import timedelta

import pytest

from booking.appointments.messages import success_message
from booking.appointments.operations import change, reschedule, take_action
from booking.appointments.transitions import CALLED_OFF, ENDS, TRANSITIONS, Action
from reminders.dispatch.skipping import STANDING
from reminders.enums import NOTICES, MessageKind, notice_of
from reminders.models import Message
from reminders.webhooks.events import APPOINTMENT_EVENTS, EVENTS, event_name
from tests.factories import NOON, SYSTEM, ClientFactory, WebhookEndpointFactory, appoint, at
from tests.reminders.helpers import notices

NINE = at("2026-03-04 09:00")
BOTH_SIDES = [("client", "email"), ("provider", "email")]
SILENT = {Action.COMPLETE, Action.MISS, Action.REOPEN}
"""Actions of which nobody is notified."""


@pytest.fixture(params=Action)
def action(request):
    return request.param


@pytest.fixture
def done(provider, action):
    """An appointment, and what was owed once the action was taken on it."""
    made = appoint(provider, NINE, overrides=["notice"])
    made.status = TRANSITIONS[action].sources[0]
    made.save(update_fields=["status"])
    Message.objects.all().delete()
    WebhookEndpointFactory(provider=provider)
    if action == Action.RESCHEDULE:
        return reschedule(appointment_id=made.pk, starts_at=at("2026-03-04 11:00"), actor=SYSTEM, now=NOON)
    if action == Action.REASSIGN:
        return change(appointment_id=made.pk, client_id=ClientFactory().pk, actor=SYSTEM, now=NOON)
    begun = NINE + timedelta(minutes=1) if action in SILENT else NOON
    return take_action(appointment_id=made.pk, action=action, actor=SYSTEM, now=begun)


def test_webhooks_are_told(action, done):
    event = TRANSITIONS[action].event
    (told,) = Message.objects.filter(appointment=done, kind=MessageKind.EVENT)

    assert told.details["type"] == event_name(event, done.status)
    assert told.details["type"] in EVENTS


def test_client_and_provider_are_notified_but_of_silent_actions(action, done):
    kind = notice_of(TRANSITIONS[action].event, done.status)
    parting = [(MessageKind.CANCELLED, "client", "email")] if action == Action.REASSIGN else []

    assert (kind is None) == (action in SILENT)
    assert notices(done) == ([] if kind is None else sorted([*parting, *((kind, *side) for side in BOTH_SIDES)]))


def test_user_reads_whether_the_client_is_notified(action, done):
    said = success_message(action, done) if TRANSITIONS[action].target else ""

    assert ("notified" in said) == (action not in SILENT and TRANSITIONS[action].target is not None)


def test_action_without_a_notice_asks_the_user_to_tell_the_client(provider, monkeypatch):
    monkeypatch.delitem(NOTICES, TRANSITIONS[Action.APPROVE].event)

    said = success_message(Action.APPROVE, appoint(provider, NINE, overrides=["notice"]))

    assert "notified" not in said
    assert "Please tell them yourself" in said


def test_notices_and_webhooks_are_of_events_there_are():
    events = {row.event for row in TRANSITIONS.values()}
    names = {event_name(event, ENDS.get(event, "")) for event in events}

    assert NOTICES.keys() <= events
    assert names | {"appointment.booked", "appointment.pending", "appointment.edited"} == APPOINTMENT_EVENTS.keys()


def test_notice_that_it_does_not_take_place_stands_while_it_is_so():
    assert {STANDING[NOTICES[event]] for event in CALLED_OFF} == {(ENDS[event],) for event in CALLED_OFF}
