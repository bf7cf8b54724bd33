"""Webhooks of providers: secrets, URLs, and disabling."""

import base64
import logging
from datetime import timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from reminders.enums import MessageKind, MessageStatus
from reminders.invariants import INVARIANTS
from reminders.models import Message, WebhookEndpoint
from reminders.outbox.errors import NotRetryable, TooLate
from reminders.webhooks.errors import BadAddress, EndpointDisabled, EndpointExists, TooManyEndpoints, UnknownEvent
from reminders.webhooks.events import EVENTS
from reminders.webhooks.operations import (
    MOST,
    OVERLAP,
    add_endpoint,
    change_endpoint,
    disable_endpoint,
    enable_endpoint,
    end_endpoints,
    note_failure,
    note_success,
    remove_endpoint,
    replay,
    rotate_secret,
)
from reminders.webhooks.payloads import envelope, event_data, signing_secrets
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.models import Outage
from scheduler_project.common.outages import open_outage
from tests.factories import (
    NOON,
    SYSTEM,
    AppointmentFactory,
    ClientFactory,
    EventMessageFactory,
    MessageFactory,
    ProviderFactory,
    ServiceFactory,
    WebhookEndpointFactory,
    actor_of,
    appoint,
    at,
    minutes,
    open_provider,
)
from tests.groups import FRONT_DESK, MANAGER, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.provider(calendar=False)]

URL = "https://practice.example.org/hooks"
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def endpoint(provider):
    return WebhookEndpointFactory(provider=provider)


def add(provider, *, actor=SYSTEM, **fields):
    return add_endpoint(provider_id=provider.pk, fields={"url": URL, **fields}, actor=actor, now=NOON)


# --- Adding and changing ----------------------------------------------------------------------------------------------


def test_add_makes_a_secret_of_its_own(provider):
    first, second = add(provider), add(provider, url=f"{URL}/2")

    assert first.secret != second.secret
    assert len(base64.b64decode(first.secret.removeprefix("whsec_"))) == 32
    assert Webhook(first.secret)
    assert WebhookEndpoint.objects.get(pk=first.pk).secret == first.secret


def test_add_tells_of_everything_unless_events_are_chosen(provider):
    made = add(provider)

    assert [made.wants(event) for event in EVENTS] == [True] * len(EVENTS)


def test_add_keeps_each_event_once_in_their_order(provider):
    chosen = ["reminder.due", "appointment.booked", "reminder.due"]

    assert add(provider, events=chosen).events == ["appointment.booked", "reminder.due"]


def test_add_refuses_unknown_events_and_lists_those_there_are(provider):
    with pytest.raises(UnknownEvent) as caught:
        add(provider, events=["appointment.booked", "appointment.eaten"])

    assert (caught.value.field, caught.value.details) == ("events", {"events": list(EVENTS)})


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "http://example.org", "https://a:b@example.org", "https://10.0.0.1"]
)
def test_add_refuses_addresses_no_webhook_may_have(provider, settings, url):
    settings.WEBHOOK_ALLOW_HTTP = False

    with pytest.raises(BadAddress) as caught:
        add(provider, url=url)

    assert caught.value.field == "url"


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "app.localhost", "printer.local", "db.internal", "router.home.arpa"),
        *(
            "intranet",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "[::1]",
            "[fd00::1]",
        ),
    ],
)
def test_add_refuses_names_that_plainly_are_local(provider, settings, host):
    with pytest.raises(BadAddress):
        add(provider, url=f"https://{host}/hooks")

    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert add(provider, url=f"https://{host}/hooks").url


@pytest.mark.parametrize("host", ["local.example.org", "internal-hooks.example.org", "8.8.8.8", "[2606:4700::1111]"])
def test_add_takes_public_names_and_addresses(provider, host):
    assert add(provider, url=f"https://{host}/hooks").url


def test_add_refuses_the_same_address_twice_for_one_provider(provider):
    add(provider)
    add(ProviderFactory())

    with pytest.raises(EndpointExists) as caught:
        add(provider)

    assert caught.value.field == "url"


def test_add_refuses_one_too_many(provider):
    for number in range(MOST - 1):
        WebhookEndpointFactory(provider=provider, url=f"{URL}/{number}")
    add(provider)

    with pytest.raises(TooManyEndpoints):
        add(provider, url=f"{URL}/more")


def test_add_refuses_a_provider_who_is_not_there(provider):
    with pytest.raises(NotFound):
        add_endpoint(provider_id=0, fields={"url": URL}, actor=SYSTEM, now=NOON)


def test_change_changes_what_is_given_and_keeps_the_secret(endpoint):
    changed = change_endpoint(endpoint_id=endpoint.pk, fields={"events": ["reminder.due"]}, actor=SYSTEM, now=NOON)

    assert (changed.events, changed.url, changed.secret) == (["reminder.due"], endpoint.url, endpoint.secret)


def test_change_refuses_what_adding_refuses(provider, endpoint):
    taken = WebhookEndpointFactory(provider=provider)
    for fields, error in [
        ({"url": "https://127.0.0.1/"}, BadAddress),
        ({"url": taken.url}, EndpointExists),
        ({"events": ["x"]}, UnknownEvent),
    ]:
        with pytest.raises(error):
            change_endpoint(endpoint_id=endpoint.pk, fields=fields, actor=SYSTEM, now=NOON)


DEEDS = {
    "change": lambda pk, actor: change_endpoint(endpoint_id=pk, fields={}, actor=actor, now=NOON),
    "rotate": lambda pk, actor: rotate_secret(endpoint_id=pk, actor=actor, now=NOON),
    "enable": lambda pk, actor: enable_endpoint(endpoint_id=pk, actor=actor, now=NOON),
    "disable": lambda pk, actor: disable_endpoint(endpoint_id=pk, actor=actor, now=NOON),
    "remove": lambda pk, actor: remove_endpoint(endpoint_id=pk, actor=actor, now=NOON),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_only_its_provider_and_staff_with_the_permission_do_anything_with_a_webhook(endpoint, deed):
    for other in (ProviderFactory(), ClientFactory(), staff_of(FRONT_DESK)):
        with pytest.raises(NotAllowed):
            DEEDS[deed](endpoint.pk, actor_of(other))
    with pytest.raises(NotFound):
        DEEDS[deed](0, SYSTEM)

    DEEDS[deed](endpoint.pk, actor_of(endpoint.provider))
    DEEDS[deed](WebhookEndpointFactory().pk, actor_of(staff_of(MANAGER)))


def test_add_is_for_the_provider_and_staff(provider):
    with pytest.raises(NotAllowed):
        add(provider, actor=actor_of(ProviderFactory()))

    assert add(provider, actor=actor_of(provider))


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_rotate_signs_with_both_secrets_for_a_day(endpoint):
    rotated = rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)

    assert rotated.secret != endpoint.secret
    assert signing_secrets(rotated, NOON) == (rotated.secret, endpoint.secret)
    assert signing_secrets(rotated, NOON + OVERLAP - MOMENT) == (rotated.secret, endpoint.secret)
    assert signing_secrets(rotated, NOON + OVERLAP) == (rotated.secret,)


def test_rotate_twice_forgets_the_oldest(endpoint):
    first = rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)
    second = rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON + minutes(1))

    assert signing_secrets(second, NOON + minutes(1)) == (second.secret, first.secret)


# --- Failing ----------------------------------------------------------------------------------------------------------


def fail(endpoint, now, *, gone=False):
    note_failure(endpoint_id=endpoint.pk, now=now, gone=gone)
    endpoint.refresh_from_db()
    return endpoint.failing_since, endpoint.disabled_at


def test_failure_is_remembered_from_the_first(endpoint):
    assert fail(endpoint, NOON) == (NOON, None)
    assert fail(endpoint, NOON + DAY) == (NOON, None)


def test_days_of_nothing_but_failures_disable(endpoint, settings):
    settings.WEBHOOK_DISABLE_AFTER_DAYS = 5
    fail(endpoint, NOON)

    assert fail(endpoint, NOON + 5 * DAY - MOMENT) == (NOON, None)
    assert fail(endpoint, NOON + 5 * DAY) == (NOON, NOON + 5 * DAY)
    assert endpoint.disabled_reason == "Every delivery has failed since 2026-03-02 12:00 UTC."
    assert not WebhookEndpoint.objects.active().exists()


def test_success_starts_the_count_anew(endpoint):
    fail(endpoint, NOON)
    note_success(endpoint_id=endpoint.pk, now=NOON + DAY)

    assert fail(endpoint, NOON + 5 * DAY) == (NOON + 5 * DAY, None)


def test_gone_disables_at_once(endpoint):
    assert fail(endpoint, NOON, gone=True) == (NOON, NOON)
    assert endpoint.disabled_reason == "It answered 410 Gone."


def test_failure_of_one_disabled_changes_nothing(endpoint):
    disable_endpoint(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON)

    assert fail(endpoint, NOON + DAY, gone=True) == (None, NOON)
    assert endpoint.disabled_reason == "Disabled by hand."


def test_notes_about_one_that_was_deleted_are_nothing():
    note_failure(endpoint_id=0, now=NOON, gone=True)
    note_success(endpoint_id=0, now=NOON)


def test_enable_tells_again_as_if_nothing_had_failed(endpoint):
    fail(endpoint, NOON, gone=True)

    enabled = enable_endpoint(endpoint_id=endpoint.pk, actor=SYSTEM, now=NOON + DAY)

    assert (enabled.disabled_at, enabled.disabled_reason, enabled.failing_since) == (None, "", None)
    assert fail(endpoint, NOON + 9 * DAY) == (NOON + 9 * DAY, None)


# --- Replaying --------------------------------------------------------------------------------------------------------


def again(message, *, actor=SYSTEM, now=NOON + DAY) -> Message:
    return replay(message_id=message.pk, actor=actor, now=now)


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.EXPIRED])
def test_replay_sends_the_same_once_more(status):
    message = EventMessageFactory(status=status, failures=3, error="No", sent_at=NOON)
    body = envelope(message)

    replayed = again(message)

    assert (replayed.status, replayed.next_at, replayed.failures, replayed.error) == ("pending", NOON + DAY, 0, "")
    assert replayed.useful_until == NOON + 4 * DAY
    replayed.refresh_from_db()
    assert (replayed.key, envelope(replayed)) == (message.key, body)


@pytest.mark.parametrize("status", [MessageStatus.PENDING, MessageStatus.CANCELLED])
def test_replay_refuses_what_is_on_its_way_or_withdrawn(status):
    with pytest.raises(NotRetryable):
        again(EventMessageFactory(status=status))


def test_replay_refuses_a_reminder_of_what_has_begun():
    reminder = {"kind": MessageKind.REMINDER, "offset": "1 hour", "details": {}}
    message = EventMessageFactory(status=MessageStatus.FAILED, **reminder)

    with pytest.raises(TooLate):
        again(message, now=message.useful_until)
    assert again(message, now=message.useful_until - MOMENT).useful_until == message.useful_until


def test_replay_refuses_while_the_webhook_is_disabled():
    with pytest.raises(EndpointDisabled):
        again(EventMessageFactory(endpoint__disabled_at=NOON))


def test_replay_is_for_the_provider_and_staff():
    message = EventMessageFactory()

    with pytest.raises(NotAllowed):
        again(message, actor=actor_of(ProviderFactory()))
    assert again(message, actor=actor_of(message.endpoint.provider))


def test_replay_knows_messages_to_webhooks_only():
    for pk in (0, MessageFactory(status=MessageStatus.FAILED).pk):
        with pytest.raises(NotFound):
            replay(message_id=pk, actor=SYSTEM, now=NOON)


# --- What is told -----------------------------------------------------------------------------------------------------


def test_envelope_is_the_same_bytes_however_the_row_was_got():
    data = {"type": "appointment.moved", "data": {"zeta": 1, "a": {"longer": 1, "b": "ü"}}}
    made = EventMessageFactory(details=data, created_at=NOON + MOMENT)

    told = envelope(made)

    assert told == envelope(Message.objects.get(pk=made.pk))
    assert orjson.loads(told) == {
        "type": "appointment.moved",
        "timestamp": "2026-03-02T12:00:00.000001Z",
        "data": data["data"],
    }


def test_envelope_of_a_reminder_says_it_is_due():
    message = EventMessageFactory(kind=MessageKind.REMINDER, offset="1 hour", details={})

    told = orjson.loads(envelope(message))

    assert told["type"] == "reminder.due"
    assert told["data"] == {
        "reminder": {"id": message.pk, "channel": "webhook", "offset": "1 hour"},
        "appointment": event_data(message.appointment),
    }


def test_event_data_tells_an_appointment_in_utc():
    service = ServiceFactory()
    appointment = AppointmentFactory(reservation__service=service, timezone="Europe/Berlin", title="Prüfung")
    provider, client = appointment.reservation.provider, appointment.reservation.client

    assert event_data(appointment) == {
        "id": appointment.pk,
        "uid": str(appointment.uid),
        "status": "scheduled",
        "sequence": 0,
        "title": "Prüfung",
        "start_time": "2026-03-03T12:00:00Z",
        "end_time": "2026-03-03T12:30:00Z",
        "timezone": "Europe/Berlin",
        "provider": {"id": provider.pk, "name": provider.name},
        "client": {"id": client.pk, "name": client.name, "email": client.email, "phone": ""},
        "service": {"id": service.pk, "name": service.name},
    }


# --- What is owed follows at once -------------------------------------------------------------------------------------


@pytest.fixture
def coming():
    provider = open_provider(horizon_days=7)
    appoint(provider, at("2026-03-05 09:00"))
    return provider


def owed_by_webhook() -> int:
    return Message.objects.filter(kind=MessageKind.REMINDER, channel="webhook", status=MessageStatus.PENDING).count()


def unplanned() -> list:
    reload = INVARIANTS["appointments_have_their_reminders"][1]
    return list(reload(NOON))


def test_webhook_that_is_added_is_owed_the_coming_reminders_at_once(coming):
    add_endpoint(provider_id=coming.pk, fields={"url": URL}, actor=SYSTEM, now=NOON)

    assert (owed_by_webhook(), unplanned()) == (2, [])


def test_webhook_that_wants_other_events_or_is_disabled_is_owed_what_it_wants(coming):
    endpoint = add_endpoint(provider_id=coming.pk, fields={"url": URL}, actor=SYSTEM, now=NOON)
    which = {"endpoint_id": endpoint.pk, "actor": SYSTEM, "now": NOON}

    change_endpoint(**which, fields={"events": ["appointment.booked"]})
    assert (owed_by_webhook(), unplanned()) == (0, [])
    change_endpoint(**which, fields={"events": []})
    assert (owed_by_webhook(), unplanned()) == (2, [])
    disable_endpoint(**which)
    assert (owed_by_webhook(), unplanned()) == (0, [])
    enable_endpoint(**which)
    assert (owed_by_webhook(), unplanned()) == (2, [])


def test_outage_of_a_webhook_ends_with_its_address_and_with_itself():
    endpoint = WebhookEndpointFactory()
    which = {"endpoint_id": endpoint.pk, "actor": SYSTEM, "now": NOON}
    for change in (
        lambda: change_endpoint(**which, fields={"url": URL}),
        lambda: disable_endpoint(**which),
        lambda: enable_endpoint(**which),
        lambda: remove_endpoint(**which),
    ):
        open_outage(f"webhook:{endpoint.pk}", error="timed out", now=NOON)
        change()
        assert not Outage.objects.exists()


def test_security_log_has_webhooks_that_are_added_given_a_secret_and_removed(
    provider, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level(logging.INFO, "security")
    with django_capture_on_commit_callbacks(execute=True):
        added = add(provider)
        rotate_secret(endpoint_id=added.pk, actor=SYSTEM, now=NOON)
        remove_endpoint(endpoint_id=added.pk, actor=SYSTEM, now=NOON)
        add(provider)
        end_endpoints(provider=provider)
        end_endpoints(provider=provider)

    lines = [record.getMessage() for record in caplog.records if record.name == "security"]
    whose = f"provider={provider.pk}"
    assert lines == [
        f"key.created face=command kind=webhook {whose}",
        f"key.ended face=command kind=webhook_secret {whose}",
        f"key.created face=command kind=webhook_secret {whose}",
        f"key.ended face=command kind=webhook {whose}",
        f"key.created face=command kind=webhook {whose}",
        f"key.ended face=command kind=webhook {whose} count=1",
    ]
