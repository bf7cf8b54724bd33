"""Events and reminders on their way from the outbox to a real webhook, and SMS to a real gateway."""

import json
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
import time_machine
from rest_framework.test import APIClient
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from reminders.channels.registry import CHANNELS
from reminders.dispatch import attempts
from reminders.enums import AttemptOutcome, MessageStatus
from reminders.models import WebhookEndpoint
from reminders.webhooks.operations import disable_endpoint, enable_endpoint, replay
from tests.factories import (
    NOON,
    SYSTEM,
    EventMessageFactory,
    MessageFactory,
    WebhookEndpointFactory,
    appoint,
    at,
    open_provider,
)
from tests.reminders.helpers import send
from tests.reminders.servers import answer
from tests.slow.races.running import together, wrapped

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_machine(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    settings.WEBHOOK_PORTS = []
    settings.WEBHOOK_ALLOW_HTTP = True


@pytest.fixture
def endpoint(http_server):
    return WebhookEndpointFactory(provider=open_provider(horizon_days=7), url=f"{http_server.url}/hooks")


def owed(endpoint, **fields):
    return EventMessageFactory(
        endpoint=endpoint, status=MessageStatus.PENDING, **{"useful_until": NOON + timedelta(days=9), **fields}
    )


def test_booking_is_told_to_a_webhook_signed(endpoint, http_server):
    appointment = appoint(endpoint.provider, at("2026-03-05 09:00"))

    with time_machine.travel(NOON, tick=False):
        send(NOON)
        [got] = http_server.got
        told = Webhook(endpoint.secret).verify(got.body, got.headers)

    assert (got.path, told["type"], told["data"]["id"]) == ("/hooks", "appointment.booked", appointment.pk)


def test_every_try_is_the_same_but_for_its_time(endpoint, http_server):
    message = owed(endpoint)
    http_server.tricks.append(answer(500))

    send(NOON)
    send(NOON + timedelta(hours=1))

    first, second = http_server.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{message.key.hex}"
    message.refresh_from_db()
    assert message.status == MessageStatus.SENT
    assert [attempt.outcome for attempt in message.attempts.all()] == [AttemptOutcome.FAILED, AttemptOutcome.SENT]


def test_failure_is_noted_and_success_forgets_it(endpoint, http_server):
    owed(endpoint)
    http_server.tricks.append(answer(500))

    send(NOON)
    endpoint.refresh_from_db()
    assert endpoint.failing_since == NOON
    send(NOON + timedelta(hours=1))
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_gone_is_asked_no_more(endpoint, http_server):
    messages = [owed(endpoint) for _ in range(2)]
    http_server.tricks.append(answer(410))

    send(NOON)
    send(NOON + timedelta(hours=1))

    assert len(http_server.got) == 1
    assert WebhookEndpoint.objects.get().disabled_reason == "It answered 410 Gone."
    for message in messages:
        message.refresh_from_db()
    assert [message.status for message in messages] == [MessageStatus.FAILED] * 2


def test_what_is_owed_to_a_disabled_webhook_fails_and_can_be_replayed(endpoint, http_server):
    message = owed(endpoint)
    disable_endpoint(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)

    send(NOON)
    message.refresh_from_db()
    assert (message.status, message.error, http_server.got) == (MessageStatus.FAILED, "The webhook is disabled.", [])

    enable_endpoint(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)
    replay(message_id=message.pk, actor=SYSTEM, now=NOON)
    send(NOON)
    assert json.loads(http_server.got[0].body)["type"] == "appointment.booked"


def test_dead_webhook_keeps_no_other_waiting(endpoint, http_server, closed_port):
    dead = WebhookEndpointFactory(url=f"http://127.0.0.1:{closed_port}/")
    for _ in range(3):
        owed(dead)
    owed(endpoint)

    assert send(NOON) == 1


def test_sms_goes_out_with_what_the_gateway_calls_it(settings, http_server):
    settings.SMS_GATEWAY = "twilio"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "token", "+15005550006"
    settings.TWILIO_API_URL = http_server.url
    http_server.tricks.append(answer(201, b'{"sid": "SM1"}'))
    message = MessageFactory(
        channel="sms", status=MessageStatus.PENDING, appointment__reservation__client__phone="+4930901820"
    )

    assert send(NOON) == 1

    attempt = message.attempts.get()
    assert (attempt.outcome, attempt.reference, attempt.address) == (AttemptOutcome.SENT, "SM1", "+4930901820")


@pytest.mark.django_db(transaction=True)
def test_report_that_comes_before_its_sending_is_settled_is_not_lost(settings, monkeypatch):
    settings.TWILIO_AUTH_TOKEN, settings.SITE_URL = "token", "https://book.example.org"
    message = MessageFactory(
        channel="sms", status=MessageStatus.PENDING, appointment__reservation__client__phone="+4930901820"
    )
    told = threading.Event()

    def twilio() -> int:
        form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
        signature = RequestValidator("token").compute_signature("https://book.example.org/api/sms/status", form)
        told.set()
        return (
            APIClient()
            .post(
                "/api/sms/status",
                urlencode(form),
                content_type="application/x-www-form-urlencoded",
                headers={"X-Twilio-Signature": signature},
            )
            .status_code
        )

    def dispatcher() -> int:
        return send(NOON)

    @contextmanager
    def connect():
        yield SimpleNamespace(send=lambda outgoing: "SM1")

    def slowly():
        told.wait(10)
        time.sleep(0.3)

    monkeypatch.setattr(CHANNELS["sms"], "connect", connect)
    with wrapped(attempts, "record_attempt", before=slowly):
        assert together(twilio, dispatcher) == [204, 1]

    assert message.attempts.get().outcome == AttemptOutcome.DELIVERED
