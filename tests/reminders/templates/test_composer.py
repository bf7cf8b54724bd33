"""Composing messages: the right text, in the recipient's language and timezone, and safe."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from html.parser import HTMLParser
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils.translation import override

from accounts.actors import Source
from accounts.models import Client, Provider, User
from booking.models import Appointment, Reservation, Service
from booking.reservations.codes import code_of
from booking.reservations.guests import give_details, hold_as_visitor
from reminders.channels.base import OutgoingMessage, TemplateText
from reminders.channels.email.channel import mime_message
from reminders.enums import MessageKind, Recipient
from reminders.models import Message, Preferences
from reminders.templates.composer import CustomTexts, compose, templates_for, time_in_words, variables_of, words_of
from reminders.templates.texts import default_texts
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.pages.formats import SHORT
from tests.factories import NOON, MessageTemplateFactory, ProviderFactory, at, minutes

START = at("2026-03-03 09:00")
LANGUAGES = [code for code, _name in settings.LANGUAGES]
ALL = [(kind, *which) for which, kinds in default_texts().items() for kind in kinds]
HOSTILE = 'Ann "The, <b>Hat</b>" O\'Neill; {{ reason }}\r\nBcc: all@example.org'


def a_message(kind=MessageKind.BOOKED, channel="email", recipient=Recipient.CLIENT, *, language="en", **facts):
    """A message about a made-up appointment, in no database. `facts` are names, a reason, a timezone."""
    zone = facts.get("timezone", "Europe/London")
    user = User(email="doctor@example.org", name="Dr. Ada", timezone=zone)
    client = Client(name=facts.get("client", "Kim"), email="kim@example.org", phone="+442079460123", timezone=zone)
    client.preferences = Preferences(language=language)
    reservation = Reservation(
        pk=7,
        provider=Provider(pk=5, name=facts.get("provider", "Dr. Ada"), user=user),
        client=client,
        service=Service(name="Visit"),
        starts_at=START,
        ends_at=START + minutes(30),
        expires_at=NOON + minutes(30),
    )
    appointment = Appointment(
        reservation=reservation,
        title=facts.get("title", "Check-up"),
        cancellation_reason=facts.get("reason", ""),
        status="scheduled",
        created_at=NOON,
        updated_at=NOON,
    )
    details = {"from": (START - timedelta(days=1)).isoformat()} if kind == MessageKind.MOVED else {}
    held = kind in (MessageKind.HOLD, MessageKind.HOLD_EXPIRED)
    return Message(
        key=uuid4(),
        kind=kind,
        channel=channel,
        recipient=recipient,
        reservation=reservation,
        appointment=None if held else appointment,
        details=details,
    )


def sent(message: Message, custom_texts: CustomTexts | None = None) -> OutgoingMessage:
    return compose(message, custom_texts=custom_texts or {}, now=NOON)


@pytest.fixture(params=LANGUAGES)
def language(request, settings):
    """The language of the recipient, whoever it is."""
    settings.LANGUAGE_CODE = request.param
    return request.param


# --- Times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "zone", "long", "short"),
    [
        (
            "en",
            "Europe/London",
            "Tuesday, 3 March 2026, 09:00 (Europe/London)",
            "Tue 3 Mar 2026, 09:00 (Europe/London)",
        ),
        (
            "de",
            "Europe/Berlin",
            "Dienstag, 3. März 2026, 10:00 Uhr (Europe/Berlin)",
            "Di., 03.03.2026, 10:00 Uhr (Europe/Berlin)",
        ),
        ("fr", "Asia/Tokyo", "mardi 3 mars 2026 à 18:00 (Asia/Tokyo)", "mar. 03/03/2026, 18:00 (Asia/Tokyo)"),
    ],
)
def test_told_is_local_names_the_zone_and_speaks_the_language(code, zone, long, short):
    with override(code):
        assert (time_in_words(START, ZoneInfo(zone)), time_in_words(START, ZoneInfo(zone), SHORT)) == (long, short)


def test_told_follows_the_clock_over_a_change():
    zone = ZoneInfo("Europe/Berlin")

    assert [time_in_words(at(text), zone)[-28:] for text in ("2026-03-29 00:59", "2026-03-29 01:00")] == [
        "rch 2026, 01:59 (Europe/Berlin)"[-28:],
        "rch 2026, 03:00 (Europe/Berlin)"[-28:],
    ]


# --- Every message there is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "Snow."])
@pytest.mark.parametrize(("kind", "channel", "recipient"), ALL)
def test_written_has_no_gaps(language, kind, channel, recipient, reason):
    outgoing = sent(a_message(kind, channel, recipient, language=language, reason=reason))

    for text in (outgoing.subject, outgoing.text):
        assert not re.search(r"[{}]|[^\S\n]{2}|\(\)|None|: *$|, *$|\n\n\n", text.replace("\n-- \n", "\n", 1)), text
    assert (bool(outgoing.subject), bool(outgoing.html)) == (channel == "email",) * 2
    assert "{{" not in outgoing.html
    assert reason in outgoing.text or kind not in (MessageKind.CANCELLED, MessageKind.DECLINED)


@pytest.mark.parametrize("kind", default_texts()["sms", Recipient.CLIENT])
def test_written_as_a_text_message_fits_into_one(language, kind):
    assert len(sent(a_message(kind, "sms", language=language, reason="Snow.")).text) <= 160


@pytest.mark.parametrize("kind", default_texts()["email", Recipient.PROVIDER])
def test_written_tells_each_side_of_the_other(kind):
    to_client = sent(a_message(kind, recipient=Recipient.CLIENT))
    to_provider = sent(a_message(kind, recipient=Recipient.PROVIDER))

    assert (to_client.address, to_client.to_name) == ("kim@example.org", "Kim")
    assert to_client.text.startswith("Hi Kim,")
    assert "Dr. Ada" in to_client.text
    assert (to_provider.address, to_provider.to_name) == ("doctor@example.org", "Dr. Ada")
    assert to_provider.text.startswith("Hi Dr. Ada,")
    assert "Kim" in to_provider.subject
    assert "/r/" not in to_provider.text


def test_written_to_a_client_keeps_their_address_to_themselves():
    facts = variables_of(a_message(MessageKind.BOOKED), ZoneInfo("UTC"))

    assert facts.keys().isdisjoint({"client_email", "client_phone"})


def test_written_whole():
    outgoing = sent(a_message(MessageKind.CANCELLED, reason="Snow.", timezone="America/New_York"))

    assert outgoing.subject == "Cancelled: Check-up, Tuesday, 3 March 2026, 4:00 AM (America/New_York)"
    assert outgoing.text == (
        "Hi Kim,\n\nYour appointment with Dr. Ada has been cancelled:\n\nCheck-up\nTuesday, 3 March 2026, 4:00 "
        "AM (America/New_York)\n\nReason: Snow.\n\nRemove it from your calendar with the attached file.\n\n"
        "-- \nScheduler\n"
    )


@pytest.mark.parametrize(
    ("channel", "number", "end"),
    [
        ("sms", 3, "Mon 4 May 2026, 10:00 (Europe/London)"),
        ("sms", 4, "and 1 more until Mon 4 May 2026, 10:00 (Europe/London)"),
        ("email", 60, "Monday, 4 May 2026, 10:00 (Europe/London)"),
        ("email", 62, "and 2 more until Monday, 4 May 2026, 10:00 (Europe/London)"),
    ],
)
def test_written_lists_so_many_further_times_and_says_how_many_more(channel, number, end):
    message = a_message(MessageKind.REMINDER, channel)
    last = at("2026-05-04 09:00")
    message.details["others"] = [(last - timedelta(hours=hours)).isoformat() for hours in reversed(range(number))]

    told = sent(message).text.split("Other times: ")[1].split("\n")[0].split("; ")

    assert (len(told), told[-1]) == (min(number, {"sms": 3, "email": 60}[channel] + 1), end)


def test_written_to_a_provider_speaks_their_logins_language_or_the_sites(language):
    message = a_message(recipient=Recipient.PROVIDER)
    of_the_site = sent(message)
    message.reservation.provider.user.language = "fr"

    assert f'lang="{language}"' in of_the_site.html
    assert sent(message).text.startswith("Bonjour Dr. Ada,")


def test_written_html_names_language_and_direction(language):
    assert f'<html lang="{language}" dir="ltr">' in sent(a_message(language=language)).html


def test_written_reminders_can_be_ended_by_one_click():
    outgoing = sent(a_message(MessageKind.REMINDER))
    link = outgoing.headers["List-Unsubscribe"].strip("<>")

    assert f'<a href="{link}"' in outgoing.html
    assert link in outgoing.text


# --- Whatever people are called ---------------------------------------------------------------------------------------


class Shape(HTMLParser):
    """The elements of a document, without what they say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


@pytest.mark.parametrize(
    ("kind", "recipient"), [(kind, recipient) for kind, channel, recipient in ALL if channel == "email"]
)
def test_written_is_safe_whatever_people_are_called(kind, recipient):
    hostile = dict.fromkeys(("client", "provider", "title", "reason"), HOSTILE)
    plain = dict.fromkeys(("client", "provider", "title", "reason"), "Ann")
    outgoing, harmless = (sent(a_message(kind, recipient=recipient, **facts)) for facts in (hostile, plain))

    assert Shape(outgoing.html).tags == Shape(harmless.html).tags
    assert len(outgoing.text.splitlines()) == len(harmless.text.splitlines())
    assert "\n" not in outgoing.subject

    mail = message_from_bytes(mime_message(outgoing).message().as_bytes(), policy=policy.default)
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == [outgoing.address]
    assert [address.display_name for address in mail["To"].addresses] == [" ".join(HOSTILE.split())]
    assert mail["Subject"] == outgoing.subject


# --- Whose words ------------------------------------------------------------------------------------------------------


def test_words_are_the_providers_own_before_the_sites_before_the_shipped():
    message = a_message(MessageKind.BOOKED)
    which = ("booked", "email", "client", "en")
    own, site = TemplateText("Own", "own"), TemplateText("Site", "site")

    assert words_of(message, "en", {(5, *which): own, (None, *which): site}) == own
    assert words_of(message, "en", {(6, *which): own, (None, *which): site}) == site
    assert words_of(message, "de", {(5, *which): own, (None, *which): site}).subject not in ("Own", "Site")


def test_words_for_clients_are_not_told_to_providers():
    custom_texts = {(5, "booked", "email", "client", "en"): TemplateText("Own", "own")}

    assert sent(a_message(recipient=Recipient.PROVIDER), custom_texts).subject.startswith("Booked: ")


def test_words_of_one_s_own_are_used():
    custom_texts = {(5, "booked", "email", "client", "en"): TemplateText("{{ reason }}", "See you, {{ client_name }}!")}

    outgoing = sent(a_message(title="Check-up"), custom_texts)

    assert outgoing.subject == "Check-up"
    assert outgoing.text.startswith(
        "See you, Kim!\n\nView, reschedule or cancel the appointment: http://localhost:8000/a/"
    )


@pytest.mark.parametrize(("reason", "told"), [("Snow.", "Because: Snow."), ("", "has been cancelled")])
def test_words_that_have_nothing_to_say_give_way_to_the_shipped(reason, told):
    custom_texts = {(5, "cancelled", "email", "client", "en"): TemplateText("Cancelled", "Because: {{ reason }}")}

    assert told in sent(a_message(MessageKind.CANCELLED, reason=reason), custom_texts).text


@pytest.mark.django_db
def test_shelf_is_one_query_however_many_messages(django_assert_num_queries):
    ada, bob, eve = (ProviderFactory() for _ in range(3))
    for provider in (None, ada, bob, eve):
        MessageTemplateFactory(provider=provider)
    messages = [Message(reservation=Reservation(provider=provider)) for provider in (ada, bob, ada)]

    with django_assert_num_queries(1):
        custom_texts = templates_for(messages)

    assert {which[0] for which in custom_texts} == {None, ada.pk, bob.pk}


@pytest.mark.parametrize(("name", "shown"), [("עדה", "\u2068עדה\u2069"), ("Zoé", "Zoé")])
def test_written_keeps_names_from_turning_their_line_around(name, shown):
    made = sent(a_message(recipient=Recipient.PROVIDER, client=name))

    assert f"with {shown}, " in made.subject
    assert f"appointment with {shown}:" in made.text
    assert f"<bdi>{name}</bdi>" in made.html


def test_subject_kept_from_before_it_was_refused_shows_no_code(provider):
    held = hold_as_visitor(
        provider_id=provider.pk,
        service_id=None,
        starts_at=at("2026-03-04 09:00"),
        visitor=new_reference(),
        timezone="UTC",
        now=NOON,
        source=Source.API,
    )
    give_details(
        reservation_id=held.pk, name="Ada", email="ada@example.org", note="", by_sms=False, language="en", now=NOON
    )
    MessageTemplateFactory(kind="hold", subject="{{ title }}: {{ confirm_code }}", body="{{ confirm_link }}")
    message = Message.objects.detailed().get(kind="hold")

    composed = compose(message, custom_texts=templates_for([message]), now=NOON)

    code = code_of(message.reservation)
    assert code in composed.text
    assert code not in composed.subject
