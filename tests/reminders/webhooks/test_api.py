"""The API of webhooks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders.enums import AttemptOutcome, MessageKind, MessageStatus
from reminders.models import WebhookEndpoint
from reminders.webhooks.events import EVENTS
from tests.booking.answers import refusal
from tests.conftest import logged_in
from tests.factories import (
    NOON,
    DeliveryAttemptFactory,
    EventMessageFactory,
    ProviderFactory,
    UserFactory,
    WebhookEndpointFactory,
    minutes,
)
from tests.groups import FRONT_DESK, MANAGER, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.provider(calendar=False), pytest.mark.usefixtures("at_noon")]

URL = "https://practice.example.org/hooks"


@pytest.fixture
def staff(db):
    """Staff who may change webhooks."""
    return staff_of(MANAGER)


@pytest.fixture
def endpoint(provider):
    return WebhookEndpointFactory(provider=provider)


@pytest.fixture
def delivered(endpoint):
    message = EventMessageFactory(
        endpoint=endpoint, status=MessageStatus.FAILED, failures=3, error="500 Oh", sent_at=None
    )
    DeliveryAttemptFactory(message=message, outcome=AttemptOutcome.FAILED, address=endpoint.url, error="500 Oh")
    return message


def test_create_shows_the_secret_this_once(provider, provider_api):
    made = provider_api.post("/api/webhooks", {"url": URL, "events": ["reminder.due", "appointment.booked"]})

    secret = WebhookEndpoint.objects.get().secret
    row = {
        "id": WebhookEndpoint.objects.get().pk,
        "provider": provider.pk,
        "url": URL,
        "description": "",
        "events": ["appointment.booked", "reminder.due"],
        "failing_since": None,
        "disabled_at": None,
        "disabled_reason": "",
        "created_at": "2026-03-02T12:00:00Z",
    }
    assert (made.status_code, made.json()) == (201, {**row, "secret": secret})
    one = f"/api/webhooks/{row['id']}"
    for later in (provider_api.get(one), provider_api.patch(one, {"url": URL}), provider_api.post(f"{one}/enable")):
        assert later.json() == row
    assert provider_api.get("/api/webhooks").json()["results"] == [row]


def test_staff_say_whose(provider, staff_api):
    assert refusal(staff_api.post("/api/webhooks", {"url": URL})) == (400, "required", "provider")
    assert refusal(staff_api.post("/api/webhooks", {"url": URL, "provider": 0})) == (400, "min_value", "provider")

    made = staff_api.post("/api/webhooks", {"url": URL, "provider": provider.pk})

    assert (made.status_code, made.json()["provider"]) == (201, provider.pk)


def test_provider_adds_for_nobody_else(provider_api):
    answer = provider_api.post("/api/webhooks", {"url": URL, "provider": ProviderFactory().pk})

    assert refusal(answer) == (404, "not_found", "provider")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "required", "url")),
        ({"url": "x"}, (400, "invalid", "url")),
        ({"url": "ftp://example.org/"}, (400, "bad_address", "url")),
        ({"url": "https://10.0.0.1/"}, (400, "bad_address", "url")),
        ({"url": "https://a:b@example.org/"}, (400, "bad_address", "url")),
        ({"url": f"https://example.org/{'x' * 500}"}, (400, "max_length", "url")),
        ({"url": URL, "events": ["appointment.eaten"]}, (400, "invalid_choice", "events.0")),
        ({"url": URL, "events": "reminder.due"}, (400, "not_a_list", "events")),
        ({"url": URL, "description": "a\nb"}, (400, "control_characters", "description")),
    ],
)
def test_create_refuses(provider_api, body, refused):
    assert refusal(provider_api.post("/api/webhooks", body)) == refused


def test_same_address_twice_is_a_conflict(provider_api, endpoint):
    other = WebhookEndpointFactory(provider=endpoint.provider)

    assert refusal(provider_api.post("/api/webhooks", {"url": endpoint.url})) == (409, "endpoint_exists", "url")
    changed = provider_api.patch(f"/api/webhooks/{other.pk}", {"url": endpoint.url})
    assert refusal(changed) == (409, "endpoint_exists", "url")


def test_repeated_create_makes_one_and_shows_its_secret_once(provider_api):
    first, second = (
        provider_api.post("/api/webhooks", {"url": URL}, headers={"Idempotency-Key": "once"}) for _ in range(2)
    )

    assert second.json() == {**first.json(), "secret": None}
    assert WebhookEndpoint.objects.get().secret == first.json()["secret"]


def test_patch_changes_what_is_sent(provider_api, endpoint):
    body = {"events": [], "description": "Ours", "provider": endpoint.provider_id, "disabled_at": None}

    row = provider_api.patch(f"/api/webhooks/{endpoint.pk}", body).json()

    assert (row["events"], row["description"], row["provider"]) == ([], "Ours", endpoint.provider_id)


@pytest.mark.parametrize(("name", "code"), [("provider", "read_only_field"), ("secret", "unknown_field")])
def test_patch_refuses_what_stays_as_it_is(provider_api, endpoint, name, code):
    body = {"description": "Ours", name: ProviderFactory().pk}

    assert refusal(provider_api.patch(f"/api/webhooks/{endpoint.pk}", body)) == (400, code, name)
    assert WebhookEndpoint.objects.get().description != "Ours"


def test_rotate_shows_the_new_secret(provider_api, endpoint):
    answer = provider_api.post(f"/api/webhooks/{endpoint.pk}/rotate")

    assert answer.json()["secret"] == WebhookEndpoint.objects.get().secret != endpoint.secret


def test_disable_and_enable(provider_api, endpoint):
    disabled = provider_api.post(f"/api/webhooks/{endpoint.pk}/disable").json()
    enabled = provider_api.post(f"/api/webhooks/{endpoint.pk}/enable").json()

    assert (disabled["disabled_at"], disabled["disabled_reason"]) == ("2026-03-02T12:00:00Z", "Disabled by hand.")
    assert (enabled["disabled_at"], enabled["disabled_reason"]) == (None, "")


def test_delete_deletes(provider_api, endpoint):
    assert provider_api.delete(f"/api/webhooks/{endpoint.pk}").status_code == 204
    assert not WebhookEndpoint.objects.exists()


def test_list_is_ones_own_and_staff_see_all(provider_api, staff_api, booker_api, endpoint):
    WebhookEndpointFactory()

    assert [api.get("/api/webhooks").json()["count"] for api in (provider_api, staff_api, booker_api)] == [1, 2, 0]


def test_list_is_narrowed_and_ordered(staff_api):
    first, second = (
        WebhookEndpointFactory(url="https://b.example.org/"),
        WebhookEndpointFactory(url="https://a.example.org/", disabled_at=NOON),
    )

    def found(query):
        return [row["id"] for row in staff_api.get(f"/api/webhooks?{query}").json()["results"]]

    assert found(f"provider={first.provider_id}") == [first.pk]
    assert (found("disabled=true"), found("disabled=false")) == ([second.pk], [first.pk])
    assert found("ordering=url") == [second.pk, first.pk]


# --- Deliveries -------------------------------------------------------------------------------------------------------


def test_deliveries_tell_what_was_told_and_every_try(provider_api, endpoint, delivered):
    EventMessageFactory()

    answer = provider_api.get(f"/api/webhooks/{endpoint.pk}/deliveries")

    assert answer.json()["results"] == [
        {
            "id": delivered.pk,
            "webhook_id": f"msg_{delivered.key.hex}",
            "event": "appointment.booked",
            "appointment": delivered.appointment_id,
            "status": "failed",
            "error": "500 Oh",
            "failures": 3,
            "created_at": "2026-03-02T12:00:00Z",
            "due_at": "2026-03-02T12:00:00Z",
            "next_try_at": None,
            "sent_at": None,
            "attempts": [
                {
                    "at": "2026-03-02T12:00:00Z",
                    "milliseconds": 25,
                    "address": endpoint.url,
                    "outcome": "failed",
                    "reference": "",
                    "error": "500 Oh",
                }
            ],
        }
    ]


def test_deliveries_are_narrowed_and_ordered(provider_api, endpoint, delivered):
    sent = EventMessageFactory(
        endpoint=endpoint, details={"type": "appointment.moved"}, created_at=NOON + minutes(1), due_at=NOON + minutes(1)
    )
    reminder = EventMessageFactory(
        endpoint=endpoint, kind=MessageKind.REMINDER, offset="1 day", details={}, created_at=NOON + minutes(2)
    )

    def found(query):
        answer = provider_api.get(f"/api/webhooks/{endpoint.pk}/deliveries?{query}")
        return [row["id"] for row in answer.json()["results"]]

    assert found("") == [reminder.pk, sent.pk, delivered.pk]
    assert found("status=failed") == [delivered.pk]
    assert found("event=appointment.moved") == [sent.pk]
    assert found("event=reminder.due") == [reminder.pk]
    assert found("ordering=created_at") == [delivered.pk, sent.pk, reminder.pk]
    assert found("page_size=1&page=2") == [sent.pk]


def test_list_and_deliveries_cost_the_same_at_one_row_and_at_many(provider_api, endpoint, delivered):
    paths = ["/api/webhooks", f"/api/webhooks/{endpoint.pk}/deliveries"]

    def costs():
        counted = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert provider_api.get(path).status_code == 200
            counted.append(len(queries))
        return counted

    few = costs()
    for _ in range(3):
        WebhookEndpointFactory(provider=endpoint.provider)
        DeliveryAttemptFactory.create_batch(2, message=EventMessageFactory(endpoint=endpoint))
    assert costs() == few


def test_replay_sends_it_once_more(provider_api, endpoint, delivered):
    answer = provider_api.post(f"/api/webhooks/{endpoint.pk}/deliveries/{delivered.pk}/replay")

    row = answer.json()
    assert (answer.status_code, row["id"], row["status"], row["failures"]) == (202, delivered.pk, "scheduled", 0)
    assert row["next_try_at"] == "2026-03-02T12:00:00Z"
    assert row["webhook_id"] == f"msg_{delivered.key.hex}"
    assert len(row["attempts"]) == 1
    again = provider_api.post(f"/api/webhooks/{endpoint.pk}/deliveries/{delivered.pk}/replay")
    assert refusal(again) == (409, "not_retryable", None)


def test_replay_of_another_webhooks_delivery_is_not_found(staff_api, endpoint):
    other = EventMessageFactory()

    answer = staff_api.post(f"/api/webhooks/{endpoint.pk}/deliveries/{other.pk}/replay")

    assert refusal(answer) == (404, "not_found", None)


def test_replay_while_disabled_is_a_conflict(provider_api, endpoint, delivered):
    provider_api.post(f"/api/webhooks/{endpoint.pk}/disable")

    answer = provider_api.post(f"/api/webhooks/{endpoint.pk}/deliveries/{delivered.pk}/replay")

    assert refusal(answer) == (409, "endpoint_disabled", None)


def test_events_there_are_are_documented(api):
    schema = api.get("/api/schema?format=json").content.decode()

    assert all(event in schema for event in EVENTS)


def test_users_who_are_neither_see_none():
    assert logged_in(UserFactory()).get("/api/webhooks").json()["count"] == 0


def test_adding_is_for_who_has_a_calendar_and_staff(booker_api, staff_api):
    for caller in (booker_api, logged_in(UserFactory())):
        assert refusal(caller.post("/api/webhooks", {"url": URL})) == (403, "not_allowed", None)
    assert refusal(staff_api.post("/api/webhooks", {"url": URL})) == (400, "required", "provider")


def test_webhooks_are_not_for_the_front_desk(provider, endpoint):
    desk_api = logged_in(staff_of(FRONT_DESK))

    assert desk_api.get("/api/webhooks").json()["count"] == 0
    assert desk_api.post(f"/api/webhooks/{endpoint.pk}/rotate").status_code == 404
    assert desk_api.post("/api/webhooks", {"url": URL, "provider": provider.pk}).status_code == 403
    assert list(WebhookEndpoint.objects.values_list("pk", "secret")) == [(endpoint.pk, endpoint.secret)]
