"""`/me/reminders/`: a client's reminder preferences."""

from datetime import time

import pytest
from allauth.account.models import EmailAddress

from reminders.enums import OptOutSource
from reminders.models import OptOut, Preferences
from reminders.preferences.operations import opt_out
from tests.factories import NOON, ClientFactory, DeliveryAttemptFactory, MessageFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon"), pytest.mark.provider(horizon_days=14)]

PATH = "/me/reminders/"


@pytest.fixture
def booker(db):
    return ClientFactory(email="ada@example.org", user__email="ada@example.org", phone="+4930901820")


@pytest.fixture
def mine(client, booker):
    client.force_login(booker.user)
    return client


def save(mine, **changes):
    sent = {"channels": ["email"], "phone": "+49 30 901820", "language": "", "quiet_from": "", "quiet_until": ""}
    return mine.post(PATH, sent | changes)


def test_reminders_starts_with_the_sites_channels(mine):
    assert mine.get(PATH).context["form"].initial["channels"] == ["email"]


def test_reminders_keeps_what_was_chosen(mine, booker):
    answer = save(mine, channels=["sms", "email"], language="de", quiet_from="22:00", quiet_until="07:00")

    said = Preferences.objects.get(client=booker)
    assert answer.url == PATH
    assert (said.channels, said.language, said.quiet_from, said.quiet_until) == (
        ["email", "sms"],
        "de",
        time(22),
        time(7),
    )


def test_reminders_leaves_the_sites_channels_to_the_site(mine, booker):
    save(mine, language="fr")

    assert Preferences.objects.get(client=booker).channels is None


def test_reminders_can_be_none_at_all(mine, booker):
    save(mine, channels=[])

    assert Preferences.objects.get(client=booker).channels == []


def test_reminders_changes_the_phone(mine, booker):
    save(mine, phone="+49 30 901821")

    booker.refresh_from_db()
    assert str(booker.phone) == "+4930901821"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"),
        ({"phone": "12"}, "phone"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"language": "tlh"}, "language"),
    ],
)
def test_reminders_refuses_at_the_field_and_keeps_what_was_typed(mine, changes, field):
    answer = save(mine, **changes)

    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert all(form[name].value() == value for name, value in changes.items())
    assert not Preferences.objects.exists()


def test_reminders_shows_since_when_and_from_where_an_address_opted_out(mine):
    opt_out(channel="email", address="ada@example.org", source=OptOutSource.ONE_CLICK, now=NOON)
    EmailAddress.objects.update(verified=True)

    page = mine.get(PATH).content.decode()

    assert "No reminders since 2 March 2026" in page
    assert "unsubscribe button" in page


def test_reminders_stops_and_takes_back(mine):
    EmailAddress.objects.update(verified=True)
    mine.post(PATH, {"do": "stop", "channel": "email"})
    stopped = OptOut.objects.standing().get()
    mine.post(PATH, {"do": "back", "channel": "email"})

    assert (stopped.address, stopped.source) == ("ada@example.org", OptOutSource.PAGE)
    assert not OptOut.objects.standing().exists()


def test_reminders_leaves_a_stop_by_sms_to_the_number(mine, booker):
    told = MessageFactory(appointment__reservation__client=booker, channel="sms")
    DeliveryAttemptFactory(message=told, address="+4930901820", outcome="delivered")
    opt_out(channel="sms", address="+4930901820", source=OptOutSource.SMS, now=NOON)

    page = mine.get(PATH).content.decode()
    mine.post(PATH, {"do": "back", "channel": "email"})

    assert "START" in page
    assert OptOut.objects.standing().count() == 1


def test_reminders_costs_at_most_fifteen_queries(mine, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        mine.get(PATH)


def test_reminders_asks_strangers_to_log_in(client):
    assert client.get(PATH).url == f"/account/login/?next={PATH}"


def test_reminders_offer_sms_where_something_sends_them_and_to_who_has_chosen_them(mine, booker, settings):
    def offered():
        return [value for value, _label in mine.get(PATH).context["form"].fields["channels"].choices]

    assert offered() == ["email", "sms"]
    settings.SMS_GATEWAY = "none"
    assert offered() == ["email"]
    Preferences.objects.create(client=booker, channels=["sms"], updated_at=NOON)
    assert offered() == ["email", "sms"]
