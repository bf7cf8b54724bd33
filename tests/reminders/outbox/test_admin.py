"""Reminders in the admin: every page opens, lists stay cheap, and all changes go through the operations."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Client
from reminders.enums import MessageStatus
from reminders.models import Message, Reminder
from reminders.outbox.errors import TooLate
from tests.factories import NOON, appoint, at, open_provider
from tests.reminders.helpers import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]
NINE = at("2026-03-05 09:00")


def some(providers=1):
    for _ in range(providers):
        appoint(open_provider(horizon_days=7), NINE)


MODELS = [model for model in admin.site._registry if model._meta.app_label == "reminders"]


def url(model, page, *args):
    return reverse(f"admin:reminders_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_opens_list_search_and_rows(office, model):
    some()
    send(NOON)

    assert office.get(url(model, "changelist")).status_code == 200
    assert office.get(url(model, "changelist"), {"q": "Client"}).status_code == 200
    for row in model._default_manager.order_by("pk")[:2]:
        assert office.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_list_costs_the_same_at_one_row_and_at_many(office, model):
    some()
    office.get(url(model, "changelist"))
    with CaptureQueriesContext(connection) as few:
        office.get(url(model, "changelist"))
    some(4)

    with CaptureQueriesContext(connection) as many:
        office.get(url(model, "changelist"))

    assert len(many) == len(few), "\n".join(query["sql"] for query in many.captured_queries)


def test_messages_are_not_written_by_hand(office):
    some()
    message = Message.objects.first()

    assert office.get(url(Message, "add")).status_code == 403
    assert office.post(url(Message, "change", message.pk), {}).status_code == 403
    assert office.post(url(Message, "delete", message.pk), {"post": "yes"}).status_code == 403


def test_reminders_have_a_list_of_their_own(office):
    some()

    shown = office.get(url(Reminder, "changelist")).context["cl"].queryset

    assert {row.kind for row in shown} == {"reminder"}
    assert {row.pk for row in shown} == set(Reminder.objects.values_list("pk", flat=True))


def test_notice_is_no_reminder(office):
    some()
    notice = Message.objects.filter(kind="booked").earliest("pk")

    assert office.get(url(Reminder, "change", notice.pk)).status_code == 302


def test_failed_reminder_is_sent_again_from_its_list(office):
    some()
    failed = Reminder.objects.earliest("pk")
    Message.objects.filter(pk=failed.pk).update(status=MessageStatus.FAILED, failures=3)
    chosen = {"action": "send_again", "_selected_action": [failed.pk]}

    office.post(url(Reminder, "changelist"), {**chosen, "answered": "1"}, follow=True)

    failed.refresh_from_db()
    assert failed.status == MessageStatus.PENDING


def test_failed_messages_are_sent_again(office, mailoutbox):
    some()
    one, other = Message.objects.filter(kind="booked")
    Message.objects.filter(pk=one.pk).update(status=MessageStatus.FAILED, failures=3, error="421 busy")

    page = office.post(
        url(Message, "changelist"),
        {"action": "send_again", "_selected_action": [one.pk, other.pk], "answered": "1"},
        follow=True,
    )

    said = [str(message) for message in page.context["messages"]]
    assert said[-1] == "Messages queued to send again: 1."
    assert "Only a message that failed can be sent again." in said[0]
    one.refresh_from_db()
    assert one.status == MessageStatus.PENDING


def test_appointment_says_what_became_of_its_messages_and_sends_what_failed_again(office):
    some()
    message = Message.objects.filter(kind="booked").first()
    Message.objects.filter(pk=message.pk).update(status=MessageStatus.FAILED, failures=3, error="421 busy")
    page = reverse("admin:booking_appointment_change", args=[message.appointment_id])
    text = office.get(page).content.decode()
    assert "421 busy" in text
    assert text.count("Send again</button>") == 1

    answer = office.post(reverse("admin:reminders_message_again", args=[message.pk]), {"next": page})

    message.refresh_from_db()
    assert (answer.url, message.status) == (page, MessageStatus.PENDING)


def test_message_that_would_help_nobody_any_more_says_so(office):
    some()
    message = Message.objects.filter(kind="booked").first()
    Message.objects.filter(pk=message.pk).update(status=MessageStatus.FAILED, useful_until=NOON)

    page = office.post(reverse("admin:reminders_message_again", args=[message.pk]), follow=True)

    assert [str(said) for said in page.context["messages"]] == [TooLate.message]


def test_messages_show_how_much_was_sent_beside_the_limits(office, throttle, settings):
    settings.SEND_LIMITS = {"email": {"sender": (7, 70)}}
    some()
    send(NOON)

    page = office.get(url(Message, "changelist"))

    rows = [(row["channel"], row["hour"], row["hourly"]) for row in page.context["counts"]]
    assert rows[0][:2] == ("email", 2)
    assert ("email", 2, 7) in rows
    assert "2 of 7" in page.content.decode()


def test_message_shows_its_text_and_why_it_failed(office):
    some()
    message = Message.objects.filter(kind="booked", recipient="client").first()
    Message.objects.filter(pk=message.pk).update(status=MessageStatus.FAILED, error="550 no such mailbox")

    page = office.get(url(Message, "change", message.pk)).content.decode()

    assert "550 no such mailbox" in page
    assert message.reservation.client.name in page
    assert "/a/…/" in page


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_text_of_a_message_shows_no_tags_but_its_own(office, channel):
    some()
    message = Message.objects.filter(kind="booked", recipient="client").first()
    Message.objects.filter(pk=message.pk).update(channel=channel)
    Client.objects.update(name="<b>Ada</b>")

    page = office.get(url(Message, "change", message.pk)).content.decode()

    assert "&lt;b&gt;Ada" in page
    assert "&lt;p&gt;" not in page
    assert "<b>Ada</b>" not in page


def test_limits_name_channels_in_the_readers_language(office, throttle):
    some()
    send(NOON)

    page = office.get(url(Message, "changelist"), headers={"accept-language": "de"}).content.decode()

    assert "<td>E-Mail</td>" in page
