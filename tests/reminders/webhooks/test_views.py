"""`/dashboard/webhooks/`."""

import pytest

from reminders.enums import MessageStatus
from reminders.models import WebhookEndpoint
from tests.factories import (
    NOON,
    AppointmentFactory,
    DeliveryAttemptFactory,
    EventMessageFactory,
    ReservationFactory,
    WebhookEndpointFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]


WEBHOOKS = "/dashboard/webhooks/"

ALL = {"url": "https://hooks.example.org/all", "description": "The practice's own"}


@pytest.fixture
def endpoint(provider):
    return WebhookEndpointFactory(provider=provider)


@pytest.fixture
def told(provider, endpoint):
    """An event it was told."""
    appointment = AppointmentFactory(reservation=ReservationFactory(provider=provider))
    return EventMessageFactory(appointment=appointment, endpoint=endpoint)


def test_a_webhook_is_added_and_its_secret_shown_once(dashboard, provider):
    answer = dashboard.post(WEBHOOKS, ALL | {"events": ["appointment.booked"]})

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.provider, endpoint.url, endpoint.events) == (provider, ALL["url"], ["appointment.booked"])
    assert endpoint.secret in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    for path in (WEBHOOKS, f"{WEBHOOKS}{endpoint.pk}/"):
        assert endpoint.secret not in dashboard.get(path).content.decode()


@pytest.mark.parametrize("url", ["https://me:secret@hooks.example.org/", "https://localhost/", "nonsense", ""])
def test_a_webhook_with_a_bad_address_is_refused_with_what_was_typed(dashboard, url):
    answer = dashboard.post(WEBHOOKS, ALL | {"url": url})

    assert answer.context["form"].errors["url"]
    assert "The practice&#x27;s own" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_webhook_there_is_already_is_refused(dashboard, endpoint):
    answer = dashboard.post(WEBHOOKS, ALL | {"url": endpoint.url})

    assert answer.context["form"].errors
    assert WebhookEndpoint.objects.count() == 1


def test_a_webhook_is_changed(dashboard, endpoint):
    dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", ALL | {"do": "save"})

    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description) == (ALL["url"], ALL["description"])


def test_a_webhook_gets_a_new_secret_shown_once(dashboard, endpoint):
    answer = dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "rotate"})

    old = endpoint.secret
    endpoint.refresh_from_db()
    assert endpoint.secret != old
    assert endpoint.secret in answer.content.decode()


def test_a_webhook_is_disabled_and_enabled(dashboard, endpoint):
    dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "disable"})
    endpoint.refresh_from_db()
    assert endpoint.disabled_at == NOON

    dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "enable"})
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_a_webhook_is_deleted(dashboard, endpoint):
    dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "remove"})

    assert not WebhookEndpoint.objects.exists()


def test_a_delivery_is_sent_once_more(dashboard, endpoint, told):
    answer = dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "replay", "message": told.pk})

    told.refresh_from_db()
    assert answer.status_code == 302
    assert told.status == MessageStatus.PENDING


@pytest.mark.parametrize("message", ["0", "x", "", "²", "9" * 40])
def test_a_delivery_there_is_not_is_not_found(dashboard, endpoint, message):
    answer = dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "replay", "message": message})

    assert answer.status_code == 404


def test_a_delivery_of_another_webhook_is_not_found(dashboard, endpoint):
    other = EventMessageFactory()

    assert dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "replay", "message": other.pk}).status_code == 404


def test_nothing_is_sent_once_more_to_a_disabled_webhook_and_the_page_says_why(dashboard, endpoint, told):
    dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "disable"})

    answer = dashboard.post(f"{WEBHOOKS}{endpoint.pk}/", {"do": "replay", "message": told.pk})

    assert answer.status_code == 409
    assert "This webhook is disabled" in answer.content.decode()


@pytest.mark.parametrize("deed", ["", "save", "rotate", "disable", "remove", "replay"])
def test_another_providers_webhook_is_not_there(dashboard, deed):
    other = WebhookEndpointFactory()

    assert dashboard.get(f"{WEBHOOKS}{other.pk}/").status_code == 404
    assert dashboard.post(f"{WEBHOOKS}{other.pk}/", {"do": deed}).status_code == 404


def test_deliveries_cost_the_same_with_many_rows(dashboard, provider, endpoint, told, django_assert_max_num_queries):
    for _number in range(20):
        message = EventMessageFactory(appointment=told.appointment, endpoint=endpoint)
        DeliveryAttemptFactory(message=message)

    with django_assert_max_num_queries(9):
        dashboard.get(f"{WEBHOOKS}{endpoint.pk}/")
