"""Messages about an appointment that goes to another client: both clients, the provider, and webhooks."""

import pytest
import vobject
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.privacy.operations import erase_client
from booking.appointments.enums import Action
from booking.appointments.operations import change, edit, reschedule, take_action
from booking.links import appointment_link
from reminders.enums import MessageKind, MessageStatus
from reminders.models import Message, Preferences
from reminders.outbox.operations import retry
from tests.conftest import logged_in
from tests.factories import NOON, SYSTEM, ClientFactory, ServiceFactory, WebhookEndpointFactory, actor_of, appoint, at
from tests.looking import broken_promises
from tests.reminders.helpers import notices, reminders, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_people"), pytest.mark.provider(horizon_days=7)]

NINE, TEN = at("2026-03-05 09:00"), at("2026-03-05 10:00")


@pytest.fixture
def ada():
    client = ClientFactory(name="Ada", email="ada@example.org")
    EmailAddress.objects.create(user=client.user, email=client.email, verified=True)
    return client


@pytest.fixture
def ben(provider):
    return ClientFactory(owner=provider, user=None, name="Ben", email="ben@example.org")


@pytest.fixture
def made(provider, ada):
    """Thursday, 09:00, of which both sides have read."""
    made = appoint(provider, NINE, client=ada, title="Left knee", description="It hurts.", overrides=["notice"])
    send(NOON)
    mail.outbox.clear()
    return made


def give(made, client, **more):
    return change(appointment_id=made.pk, client_id=client.pk, actor=SYSTEM, now=NOON, **more)


def mail_to(address):
    (found,) = [each for each in mail.outbox if each.to[0].endswith(f"<{address}>")]
    return found


def entry_in(message):
    calendar = vobject.readOne(message.attachments[0].content)
    return str(calendar.method.value), calendar.vevent


def test_former_client_reads_that_it_is_cancelled_and_the_new_one_and_the_provider_that_it_is_booked(made, ben):
    give(made, ben)

    assert notices(made) == [
        ("booked", "client", "email"),
        ("booked", "provider", "email"),
        ("cancelled", "client", "email"),
    ]


def test_new_client_of_an_appointment_to_be_approved_reads_that_it_waits(provider, ada, ben):
    service = ServiceFactory(needs_approval=True, providers=[provider])
    made = appoint(provider, NINE, client=ada, service_id=service.pk)

    give(made, ben)

    assert [kind for kind, who, _ in notices(made) if who == "client"] == ["cancelled", "pending"]


def test_reminders_are_those_of_the_new_client(made, ben):
    Preferences.objects.create(client=ben, channels=["email"], updated_at=NOON)
    assert len(reminders(made)) == 2

    given = give(made, ben)

    assert len(reminders(made)) == len(reminders(made, status="cancelled")) == 2
    pending = Message.objects.filter(kind=MessageKind.REMINDER, status=MessageStatus.PENDING)
    assert set(pending.values_list("reservation", flat=True)) == {given.reservation_id}
    assert broken_promises() == {}


def test_mail_to_the_former_client_has_the_time_and_title_they_knew(made, ben):
    give(made, ben, starts_at=TEN, texts={"title": "Ben's elbow"})
    send(NOON)

    parting = mail_to("ada@example.org")
    assert parting.subject == "Cancelled: Left knee, Thursday, 5 March 2026, 09:00 (UTC)"
    assert "Ben" not in parting.body
    assert "/a/" not in parting.body


def test_calendar_of_the_former_client_drops_the_entry(made, ben):
    give(made, ben, starts_at=TEN, texts={"description": "Bring a towel."})
    send(NOON)

    method, entry = entry_in(mail_to("ada@example.org"))
    assert (method, entry.status.value, entry.dtstart.value) == ("CANCEL", "CANCELLED", NINE)
    assert not hasattr(entry, "description")


def test_calendar_of_one_mailbox_keeps_the_entry_whichever_mail_comes_first(made, ben):
    give(made, ben)
    send(NOON)

    (_, cancelled), (_, booked) = (entry_in(mail_to(f"{name}@example.org")) for name in ("ada", "ben"))
    assert cancelled.uid.value == booked.uid.value
    assert made.sequence < int(cancelled.sequence.value) < int(booked.sequence.value)


def test_mail_to_the_new_client_has_their_link_and_nothing_of_the_former(made, ben):
    given = give(made, ben)
    send(NOON)

    booked = mail_to("ben@example.org")
    assert appointment_link(given) in booked.body
    assert "knee" not in booked.body + booked.subject
    assert "hurts" not in str(booked.attachments[0].content)


def test_time_of_both_changes_is_told_to_each_as_theirs(made, ben):
    give(made, ben, starts_at=TEN)

    assert [kind for kind, *_ in notices(made)] == ["booked", "booked", "cancelled"]
    send(NOON)
    assert "10:00" in mail_to("ben@example.org").subject


def test_what_the_former_client_had_not_read_yet_is_withdrawn(provider, ada, ben):
    made = appoint(provider, NINE, client=ada, overrides=["notice"])

    give(made, ben)

    assert notices(made, status="cancelled") == [("booked", "client", "email"), ("booked", "provider", "email")]


def test_parting_still_goes_out_if_the_new_client_cancels_at_once(made, ben):
    give(made, ben)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=SYSTEM, now=NOON)
    Message.objects.filter(details__has_key="former").update(status=MessageStatus.PENDING)
    send(NOON)

    assert mail_to("ada@example.org").subject.startswith("Cancelled")


def test_parting_that_failed_is_not_sent_again_once_it_is_theirs_again(made, ada, ben):
    give(made, ben)
    Message.objects.filter(details__has_key="former").update(status=MessageStatus.FAILED)
    give(made, ada)
    parting = Message.objects.get(details__has_key="former", reservation__client=ada)

    retry(message_id=parting.pk, actor=SYSTEM, now=NOON)
    send(NOON)

    parting.refresh_from_db()
    assert parting.status == MessageStatus.CANCELLED


def test_former_client_without_an_address_gets_no_message(provider, ben):
    made = appoint(provider, NINE, client=ClientFactory(email="", user=None, owner=provider), overrides=["notice"])

    give(made, ben)

    assert [kind for kind, *_ in notices(made)] == ["booked", "booked"]


def test_webhooks_hear_of_it_once_with_the_new_client(provider, made, ben):
    WebhookEndpointFactory(provider=provider)

    give(made, ben, starts_at=TEN)

    (event,) = Message.objects.filter(kind=MessageKind.EVENT)
    assert event.details["type"] == "appointment.reassigned"
    assert (event.details["data"]["client"]["id"], event.details["data"]["start_time"]) == (
        ben.pk,
        "2026-03-05T10:00:00Z",
    )


@pytest.mark.usefixtures("at_noon")
def test_each_client_sees_only_the_messages_to_them(made, ada):
    other = ClientFactory()
    give(made, other)

    def seen_by(client):
        rows = logged_in(client.user).get("/api/v1/reminders?kind=any").json()["results"]
        return {Message.objects.get(pk=row["id"]).reservation.client_id for row in rows}

    assert seen_by(ada) == {ada.pk}
    assert seen_by(other) == {other.pk}


def test_erasing_the_former_client_erases_what_the_parting_says(made, ada, ben):
    give(made, ben)
    edit(appointment_id=made.pk, changes={"title": "Elbow"}, actor=SYSTEM, now=NOON)

    erase_client(client_id=ada.pk, actor=SYSTEM, now=NOON)

    assert not Message.objects.filter(details__has_key="former").exists()
    assert ("cancelled", "client", "email") in notices(made, status="cancelled")


def test_new_client_moves_it_and_the_provider_reads_of_that(made, ada):
    other = ClientFactory()
    give(made, other)
    send(NOON)
    mail.outbox.clear()

    reschedule(appointment_id=made.pk, starts_at=TEN, actor=actor_of(other), now=NOON)
    send(NOON)

    assert not [each for each in mail.outbox if "ada@example.org" in each.to[0]]
