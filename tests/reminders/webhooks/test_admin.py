"""Webhooks in the admin: secrets are shown once and on no other page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reminders.models import WebhookEndpoint
from tests.factories import NOON, EventMessageFactory, ProviderFactory, WebhookEndpointFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

URL = "https://practice.example.org/hooks"


@pytest.fixture
def endpoint(db):
    return WebhookEndpointFactory(events=["reminder.due"])


def url(page, *args):
    return reverse(f"admin:reminders_webhookendpoint_{page}", args=args)


def told(response):
    return [str(message) for message in response.context["messages"]]


def errors(response):
    return {field: list(found) for field, found in response.context["adminform"].form.errors.items()}


def act(office, action, *rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return office.post(url("changelist"), data, follow=True)


def test_adding_tells_the_secret_this_once(office):
    provider = ProviderFactory()

    page = office.post(url("add"), {"provider": provider.pk, "url": URL, "events": ["reminder.due"]}, follow=True)

    made = WebhookEndpoint.objects.get()
    assert (made.provider, made.url, made.events, made.created_at) == (provider, URL, ["reminder.due"], NOON)
    assert [made.secret in message for message in told(page)] == [True, False]
    for later in (url("changelist"), url("change", made.pk), url("history", made.pk), url("delete", made.pk)):
        assert made.secret not in office.get(later).content.decode()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "ftp://example.org"}, "url"),
        ({"events": ["appointment.eaten"]}, "events"),
        ({"provider": ""}, "provider"),
    ],
)
def test_adding_refuses_on_the_field_at_fault(office, given, field):
    page = office.post(url("add"), {"provider": ProviderFactory().pk, "url": URL, **given})

    assert list(errors(page)) == [field]
    assert not WebhookEndpoint.objects.exists()


def test_adding_refuses_the_same_address_twice(office, endpoint):
    page = office.post(url("add"), {"provider": endpoint.provider_id, "url": endpoint.url})

    assert list(errors(page)) == ["url"]


def test_changing_keeps_provider_and_secret(office, endpoint):
    given = {"url": URL, "description": "Ours", "provider": ProviderFactory().pk}

    office.post(url("change", endpoint.pk), given, follow=True)

    changed = WebhookEndpoint.objects.get()
    assert (changed.url, changed.description, changed.events) == (URL, "Ours", [])
    assert (changed.provider_id, changed.secret) == (endpoint.provider_id, endpoint.secret)


def test_rotating_tells_the_new_secret_and_keeps_the_old_for_a_day(office, endpoint):
    page = act(office, "rotate", endpoint)

    rotated = WebhookEndpoint.objects.get()
    assert rotated.secret in told(page)[0]
    assert (rotated.previous_secret, rotated.previous_until) == (endpoint.secret, NOON + timedelta(days=1))


def test_disables_and_enables(office, endpoint):
    act(office, "disable", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at == NOON

    act(office, "enable", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_deletes_with_its_deliveries(office, endpoint):
    EventMessageFactory(endpoint=endpoint)

    act(office, "delete_selected", endpoint, post="yes")

    assert not WebhookEndpoint.objects.exists()


def test_leads_to_its_deliveries(office, endpoint):
    mine, _other = EventMessageFactory(endpoint=endpoint), EventMessageFactory()
    link = f"{reverse('admin:reminders_message_changelist')}?endpoint__id__exact={endpoint.pk}"

    assert link in office.get(url("changelist")).content.decode()
    assert list(office.get(link).context["cl"].result_list) == [mine]


def test_list_is_narrowed_by_state(office, endpoint):
    failing = WebhookEndpointFactory(failing_since=NOON)
    disabled = WebhookEndpointFactory(failing_since=NOON, disabled_at=NOON)

    def found(state):
        return list(office.get(url("changelist"), {"state": state}).context["cl"].result_list)

    assert [found(state) for state in ("well", "failing", "disabled")] == [[endpoint], [failing], [disabled]]
    assert len(found("nonsense")) == 3


def test_list_costs_the_same_at_one_row_and_at_many(office, endpoint):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert office.get(url("changelist")).status_code == 200
        return len(queries)

    few = cost()
    WebhookEndpointFactory.create_batch(4)
    assert cost() == few
