"""Mails to a client with an unproven email contain nothing the client wrote except their name."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from accounts.actors import Actor, Source
from booking.appointments.enums import Action
from booking.appointments.operations import book, take_action
from tests.factories import NOON, ClientFactory, ServiceFactory, UserFactory
from tests.reminders.helpers import send

pytestmark = pytest.mark.django_db

BAIT = "You won, see https://evil.example/"
START = NOON + timedelta(days=2)
"""A Wednesday."""


@pytest.fixture
def stranger():
    """The client of a login made with somebody else's email."""
    user = UserFactory(email="victim@example.org")
    return ClientFactory(user=user, email=user.email)


def own(client, face=Source.API) -> Actor:
    return Actor.of(client.user, face)


def booked(provider, client, *, actor=None):
    return book(
        provider_id=provider.pk,
        client_id=client.pk,
        starts_at=START,
        ends_at=None,
        title=BAIT,
        description=BAIT,
        actor=actor or own(client),
        now=NOON,
        service_id=provider.services.get().pk,
    )


def mailed_to(client, mailoutbox, now=NOON) -> str:
    """All that was sent to a client, calendar files too."""
    send(now)
    found = [mail for mail in mailoutbox if client.email in mail.to[0]]
    assert found
    files = [content for mail in found for _name, content, _type in mail.attachments]
    texts = [text for mail in found for text in (mail.subject, mail.body, str(mail.alternatives))]
    unfolded = [(file if isinstance(file, str) else file.decode()).replace("\r\n ", "") for file in files]
    return "\n".join([*texts, *unfolded])


@pytest.fixture(autouse=True)
def _haircut(provider):
    ServiceFactory(name="Haircut", providers=[provider])


def test_booking_mails_a_stranger_none_of_what_was_typed(provider, stranger, mailoutbox):
    booked(provider, stranger)

    told = mailed_to(stranger, mailoutbox)
    assert "evil.example" not in told
    assert provider.services.get().name in told


def test_cancelling_mails_a_stranger_no_reason_of_the_clients(provider, stranger, mailoutbox):
    made = booked(provider, stranger)
    take_action(appointment_id=made.pk, action=Action.CANCEL, actor=own(stranger), now=NOON, reason=BAIT)

    assert "evil.example" not in mailed_to(stranger, mailoutbox)


def test_cancelling_tells_a_stranger_the_providers_reason(provider, stranger, mailoutbox):
    made = booked(provider, stranger)
    take_action(
        appointment_id=made.pk,
        action=Action.CANCEL,
        actor=Actor.of(provider.user, Source.PAGE),
        now=NOON,
        reason="We are ill.",
    )

    told = mailed_to(stranger, mailoutbox)
    assert "We are ill." in told
    assert "evil.example" not in told


def test_a_client_who_proved_their_mailbox_reads_what_they_wrote(provider, stranger, mailoutbox):
    EmailAddress.objects.filter(user=stranger.user).update(verified=True)
    booked(provider, stranger)

    told = mailed_to(stranger, mailoutbox)
    assert told.count("evil.example") >= 4  # subject, text, HTML, calendar


def test_a_client_in_an_address_book_reads_what_their_provider_wrote(provider, mailoutbox):
    kept = ClientFactory(user=None, owner=provider, email="kim@example.org")
    booked(provider, kept, actor=Actor.of(provider.user, Source.PAGE))

    assert "evil.example" in mailed_to(kept, mailoutbox)


def test_the_provider_reads_what_a_stranger_wrote(provider, stranger, mailoutbox):
    booked(provider, stranger)

    assert "evil.example" in mailed_to(provider.user, mailoutbox)
