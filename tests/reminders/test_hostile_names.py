"""Hostile names in every mail: they add no element, no header, no line and no link."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
import time_machine
from icalendar import Calendar

from accounts.mails.emails import reset_mail_text
from accounts.mails.notices import Notice, notify
from accounts.providers.approval import decide
from reminders.channels.base import TemplateText
from reminders.channels.email.channel import mime_message
from reminders.enums import MessageKind, Recipient
from reminders.templates.texts import default_texts
from tests.factories import NOON, ProviderFactory, UserFactory
from tests.reminders.helpers import owed_mails, send_account_mails
from tests.reminders.templates.test_composer import a_message, sent

NAMES = {
    "an element": "<img src=x onerror=alert(1)>",
    "a script": '"></p><script>alert(1)</script>',
    "an entity": "Ann &lt;b&gt; &amp; &#106;",
    "an attribute": "' onmouseover='alert(1)",
    "a header": "Ann\r\nBcc: all@example.org",
    "a header in bare CR": "Ann\rBcc: all@example.org",
    "a body": "Ann\r\n\r\n<p>Pay here",
    "a line of Unicode": "Ann\u2028Bcc: all@example.org\x85X: y",
    "an encoded word": "=?utf-8?q?Ann=0D=0ABcc=3A_all=40example=2Eorg?=",
    "an address": '"Ann" <evil@example.org>, bob@example.org',
    "a group": "Ann: evil@example.org;",
    "an address with a comment": "Ann (x) <evil@example.org",
    "a link": "https://evil.example/x?a=1&b=2",
    "a domain": "www.evil.example",
    "a bare domain": "evil.com",
    "a script as a link": "javascript:alert(1)",
    "an email": "evil@example.org",
    "a variable": "{{ client_email }} {{ confirm_link }}",
    "a template": "{% load i18n %}{{ request.user }}",
    "a format": "%(site)s %s {0.__class__} $name",
    "an override": "Ann\u202egro.live",
    "from right to left": "עדה 5",
    "very long": "Ann" * 50,
}
FACTS = ("client", "provider", "title", "reason")
MAILS = [(kind, to) for (channel, to), kinds in default_texts().items() if channel == "email" for kind in kinds]
every_mail = pytest.mark.parametrize(("kind", "recipient"), MAILS)
every_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


class Document(HTMLParser):
    """The elements of a document, where its links lead, and what it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.said = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _value in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.said += data


def both(kind: MessageKind, recipient: Recipient, name: str):
    """A mail in which everybody is called so, and one in which nobody is."""
    return [sent(a_message(kind, recipient=recipient, **dict.fromkeys(FACTS, called))) for called in (name, "Ann")]


def on_the_wire(outgoing) -> EmailMessage:
    return message_from_bytes(mime_message(outgoing).message().as_bytes(), policy=policy.default)


def shown(name: str) -> str:
    """A name as it is read: on one line, without what turns others around."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", " ".join(name.split()))


@every_name
@every_mail
def test_name_is_no_html_and_no_link(kind, recipient, name):
    with time_machine.travel(NOON, tick=False):  # links say when they were signed
        hostile, harmless = (Document(outgoing.html) for outgoing in both(kind, recipient, name))

    assert hostile.tags == harmless.tags
    assert hostile.links == harmless.links
    assert shown(name) in hostile.said


@every_name
@every_mail
def test_name_adds_no_line_to_the_text(kind, recipient, name):
    hostile, harmless = both(kind, recipient, name)

    assert len(hostile.text.splitlines()) == len(harmless.text.splitlines())
    assert shown(name) in hostile.text


@every_name
@every_mail
def test_name_adds_no_header_and_nobody_who_gets_the_mail(kind, recipient, name):
    hostile, harmless = (on_the_wire(outgoing) for outgoing in both(kind, recipient, name))

    assert hostile.keys() == harmless.keys()
    assert [address.addr_spec for address in hostile["To"].addresses] == [
        address.addr_spec for address in harmless["To"].addresses
    ]
    assert len(str(hostile["Subject"]).splitlines()) == 1
    assert [part.get_content_type() for part in hostile.walk()] == [part.get_content_type() for part in harmless.walk()]


@every_name
def test_name_is_read_as_it_is_written_in_the_headers(name):
    outgoing, _harmless = both(MessageKind.BOOKED, Recipient.CLIENT, name)
    mail = on_the_wire(outgoing)

    assert mail["To"].addresses[0].display_name == " ".join(name.split())
    assert mail["Subject"].strip() == outgoing.subject
    assert shown(name) in outgoing.subject


@every_name
def test_name_adds_nothing_to_the_calendar_entry(name):
    hostile, harmless = (
        [
            event
            for part in on_the_wire(outgoing).walk()
            if part.get_content_type() == "text/calendar"
            for event in Calendar.from_ical(part.get_content()).walk()
        ]
        for outgoing in both(MessageKind.BOOKED, Recipient.CLIENT, name)
    )

    assert [sorted(part.keys()) for part in hostile] == [sorted(part.keys()) for part in harmless]
    assert [part.get("ATTENDEE") for part in hostile] == [part.get("ATTENDEE") for part in harmless]


@pytest.mark.usefixtures("at_noon")  # Links are signed with the time.
@every_name
def test_name_in_words_of_a_providers_own_is_no_link_either(name):
    words = TemplateText("{{ client_name }}", "See {{ client_name }}, https://ours.example/{{ provider_name }}")
    custom_texts = {(5, "booked", "email", "client", "en"): words}

    parcels = [sent(a_message(**dict.fromkeys(FACTS, called)), custom_texts) for called in (name, "Ann")]

    hostile, harmless = (Document(outgoing.html) for outgoing in parcels)
    assert hostile.tags == harmless.tags
    assert hostile.links == harmless.links


# --- Mails about a login ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@every_name
def test_mails_about_a_login_do_not_say_what_it_is_called(name, mailoutbox):
    user = UserFactory(name=name)
    for notice in Notice:
        notify(user, notice, now=NOON)
    told = [f"{mail.subject} {mail.text}" for mail in owed_mails()]
    told.append(reset_mail_text(user, "en").text)

    assert len(told) == len(Notice) + 1
    assert [text for text in told if name in text or shown(name) in text] == []


@pytest.mark.django_db
@every_name
def test_reason_of_a_decision_is_no_html_and_no_header(name, mailoutbox):
    """It may lead somewhere: staff write it."""
    for reason in (name, "Ann"):
        decide(ProviderFactory(name=name), approved=False, reason=reason, now=NOON)
    send_account_mails(lambda: NOON)

    hostile, harmless = (message_from_bytes(mail.message().as_bytes(), policy=policy.default) for mail in mailoutbox)
    assert hostile.keys() == harmless.keys()
    html = Document(hostile.get_body(("html",)).get_content())
    assert set(html.tags) - {"br", "p"} == set(Document(harmless.get_body(("html",)).get_content()).tags) - {"br", "p"}
    assert name.split()[0] in html.said
