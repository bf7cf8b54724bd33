"""`/dashboard/reminders/`: the messages to a provider's clients."""

import pytest

from accounts.models import Client
from booking.links import appointment_link
from reminders.enums import MessageStatus
from scheduler_project.common.outages import open_outage
from tests.factories import (
    NOON,
    AppointmentFactory,
    ClientFactory,
    DeliveryAttemptFactory,
    EventMessageFactory,
    MessageFactory,
    ReservationFactory,
    WebhookEndpointFactory,
    at,
    minutes,
)
from tests.html import reminded
from tests.reminders.helpers import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]


REMINDERS = "/dashboard/reminders/"


@pytest.fixture
def appointment(provider):
    return AppointmentFactory(reservation=ReservationFactory(provider=provider))


def listed(answer):
    return [line["message"] for line in answer.context["lines"]]


def test_messages_about_ones_appointments_are_listed_and_no_others(dashboard, appointment):
    mine = MessageFactory(appointment=appointment)
    MessageFactory()

    assert listed(dashboard.get(REMINDERS)) == [mine]


def test_messages_to_come_are_listed_first_the_next_before_others_then_the_latest(dashboard, appointment):
    past, later, sooner, recent = (
        MessageFactory(appointment=appointment, due_at=NOON + minutes(number)) for number in (-60, 60, 30, 0)
    )

    assert listed(dashboard.get(REMINDERS)) == [sooner, later, recent, past]


@pytest.mark.parametrize(
    ("status", "css_class"),
    [("sent", "good"), ("pending", "pending"), ("failed", "failed"), ("expired", ""), ("cancelled", "")],
)
def test_the_badge_of_a_message_shows_its_status_in_the_list_and_on_its_page(dashboard, appointment, status, css_class):
    message = MessageFactory(appointment=appointment, status=status)
    badge = f'<span class="badge {css_class}">{message.get_status_display()}</span>'

    assert badge in dashboard.get(REMINDERS).content.decode()
    assert badge in dashboard.get(f"{REMINDERS}{message.pk}/").content.decode()


def test_messages_are_narrowed_by_status_and_channel(dashboard, appointment):
    failed = MessageFactory(appointment=appointment, status=MessageStatus.FAILED, channel="sms")
    MessageFactory(appointment=appointment, status=MessageStatus.FAILED)
    MessageFactory(appointment=appointment, channel="sms")

    assert listed(dashboard.get(REMINDERS, {"status": "failed", "channel": "sms"})) == [failed]


def test_messages_are_narrowed_to_one_appointment(dashboard, provider, appointment):
    mine = MessageFactory(appointment=appointment)
    other = ReservationFactory(provider=provider, starts_at=at("2026-03-05 09:00"))
    MessageFactory(appointment=AppointmentFactory(reservation=other))

    answer = dashboard.get(REMINDERS, {"appointment": appointment.pk})

    assert listed(answer) == [mine]
    assert f'href="/dashboard/appointments/{appointment.pk}/"' in answer.content.decode()


@pytest.mark.parametrize("query", [{"status": "nonsense"}, {"channel": "\x00"}, {"appointment": "9" * 30}])
def test_what_cannot_be_read_finds_nothing(dashboard, appointment, query):
    MessageFactory(appointment=appointment)

    answer = dashboard.get(REMINDERS, query)

    assert listed(answer) == []
    assert "No messages match." in answer.content.decode()


def test_page_that_is_not_there_is_the_nearest_that_is(dashboard, appointment):
    mine = MessageFactory(appointment=appointment)

    assert listed(dashboard.get(REMINDERS, {"page": "-1"})) == [mine]


def test_a_message_shows_each_try(dashboard, appointment):
    message = MessageFactory(appointment=appointment, status=MessageStatus.FAILED, error="No such mailbox")
    DeliveryAttemptFactory(message=message, error="550 No such mailbox")

    page = dashboard.get(f"{REMINDERS}{message.pk}/").content.decode()

    assert "550 No such mailbox" in page
    assert "Send again" in page


def test_a_failed_message_is_sent_again(dashboard, appointment):
    message = MessageFactory(appointment=appointment, status=MessageStatus.FAILED)

    answer = dashboard.post(f"{REMINDERS}{message.pk}/")

    message.refresh_from_db()
    assert answer.status_code == 302
    assert message.status == MessageStatus.PENDING


def test_a_message_that_was_sent_is_not_sent_again_and_the_page_says_why(dashboard, appointment):
    message = MessageFactory(appointment=appointment)

    answer = dashboard.post(f"{REMINDERS}{message.pk}/")

    assert answer.status_code == 409
    assert str(answer.context["refusal"].message) in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_providers_message_is_not_there(dashboard, method):
    assert getattr(dashboard, method)(f"{REMINDERS}{MessageFactory().pk}/").status_code == 404


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (reminded(("1", "hours"), ("", "days"), ("2", "weeks")), ["14 days", "1 hour"]),
        ({"reminder_offsets": "never"}, []),
        (reminded(("1", "hours")) | {"reminder_offsets": "usual"}, None),
    ],
)
def test_when_clients_are_reminded_is_saved(dashboard, provider, sent, kept):
    dashboard.post(REMINDERS, sent)

    provider.schedule.refresh_from_db()
    assert provider.schedule.reminder_offsets == kept


def test_offsets_that_are_none_are_refused_with_what_was_typed(dashboard):
    answer = dashboard.post(REMINDERS, reminded(("soon", "days")))

    assert answer.context["offsets"].errors["reminder_offsets"]
    assert 'value="soon"' in answer.content.decode()


def test_messages_cost_the_same_with_many_rows(dashboard, provider, django_assert_max_num_queries):
    endpoint = WebhookEndpointFactory(provider=provider)
    for number in range(10):
        reservation = ReservationFactory(provider=provider, starts_at=at(f"2026-04-{number + 1:02} 09:00"))
        appointment = AppointmentFactory(reservation=reservation)
        MessageFactory(appointment=appointment)
        EventMessageFactory(appointment=appointment, endpoint=endpoint)

    with django_assert_max_num_queries(8):
        dashboard.get(REMINDERS)


def test_a_failed_message_shows_its_text_without_keys_and_leads_to_the_clients_address(dashboard, provider):
    client = ClientFactory(user=None, owner=provider, email="typo@example.org")
    held = ReservationFactory(provider=provider, client=client)
    message = MessageFactory(
        appointment=AppointmentFactory(reservation=held), status=MessageStatus.FAILED, error="550 no such mailbox"
    )
    key = appointment_link(message.appointment).rstrip("/").rpartition("/")[2]

    page = dashboard.get(f"{REMINDERS}{message.pk}/").content.decode()

    assert "550 no such mailbox" in page
    assert f"/dashboard/clients/{client.pk}/edit/" in page
    assert client.name in page
    assert "/a/…/" in page
    assert key not in page


def test_a_registered_client_corrects_their_own_address(dashboard, appointment):
    message = MessageFactory(appointment=appointment, status=MessageStatus.FAILED)

    assert "/edit/" not in dashboard.get(f"{REMINDERS}{message.pk}/").content.decode()


def test_a_corrected_address_is_who_it_is_sent_to_again(dashboard, provider, mailoutbox):
    client = ClientFactory(user=None, owner=provider, email="typo@example.org")
    held = ReservationFactory(provider=provider, client=client)
    message = MessageFactory(appointment=AppointmentFactory(reservation=held), status=MessageStatus.FAILED)
    Client.objects.filter(pk=client.pk).update(email="right@example.org")

    dashboard.post(f"{REMINDERS}{message.pk}/")
    send(NOON)

    assert [mail.to for mail in mailoutbox] == [[f"{client.name} <right@example.org>"]]


def test_what_waits_says_for_what(dashboard, appointment):
    MessageFactory(appointment=appointment, status=MessageStatus.PENDING, due_at=NOON)
    open_outage("email", error="The mail server cannot be reached", now=NOON)

    assert "The mail server cannot be reached" in dashboard.get(REMINDERS).content.decode()
