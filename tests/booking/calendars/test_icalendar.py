"""Mailed invitations: the requirements of RFC 5546, read by an independent parser."""

import re

import pytest
import vobject

from booking.appointments.enums import AppointmentStatus
from booking.calendars.icalendar import to_feed, to_ical, to_invitation
from booking.models import CalendarFeed
from tests.factories import NOON, AppointmentFactory, ClientFactory, ProviderFactory, at, minutes

pytestmark = pytest.mark.django_db

NASTY = 'Who, "the" Doctor; M.D.\r\nATTENDEE:mailto:evil@example.org\t\x0b\x1b\u2028\x85: 🦷'
TAMED = "Who, 'the' Doctor; M.D. ATTENDEE:mailto:evil@example.org : 🦷"


def made(**fields):
    provider = ProviderFactory(name=fields.pop("provider", "Dr. Ada"))
    client = ClientFactory(name=fields.pop("client", "Grace"), email="grace@example.org")
    return AppointmentFactory(reservation__provider=provider, reservation__client=client, **fields)


def invited(appointment, attendee="grace@example.org", name="Grace", **how):
    """The method and the calendar; fails where the two disagree, or the file breaks RFC 5545 §3.1."""
    method, content = to_invitation(appointment, attendee=attendee, name=name, **how)
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)", content)
    calendar = vobject.readOne(content.decode())
    assert calendar.method.value == method
    return method, calendar


def event_of(*args, **how):
    [event] = invited(*args, **how)[1].contents["vevent"]
    return event


@pytest.mark.parametrize(
    ("status", "method", "told"),
    [
        (AppointmentStatus.PENDING, "REQUEST", "TENTATIVE"),
        (AppointmentStatus.SCHEDULED, "REQUEST", "CONFIRMED"),
        (AppointmentStatus.CANCELLED, "CANCEL", "CANCELLED"),
        (AppointmentStatus.DECLINED, "CANCEL", "CANCELLED"),
    ],
)
def test_invitation_says_what_is_to_be_done(status, method, told):
    said, calendar = invited(made(status=status))

    assert (said, calendar.vevent.status.value) == (method, told)


@pytest.mark.parametrize("status", [AppointmentStatus.SCHEDULED, AppointmentStatus.CANCELLED])
def test_invitation_has_all_that_a_request_and_a_cancel_need(status):
    """RFC 5546 §3.2.2 and §3.2.5."""
    appointment = made(status=status, sequence=3, updated_at=NOON + minutes(5))

    event = event_of(appointment)

    assert {name: len(rows) for name, rows in event.contents.items()} == dict.fromkeys(
        "uid dtstamp sequence organizer attendee dtstart dtend summary status created last-modified".split(), 1
    )
    assert event.uid.value == f"{appointment.uid}@scheduler"
    assert event.sequence.value == "3"
    assert event.dtstamp.value == NOON + minutes(5)
    assert (event.dtstart.value, event.dtend.value) == (at("2026-03-03 12:00"), at("2026-03-03 12:30"))


def test_invitation_comes_from_the_site_in_the_providers_name(settings):
    settings.DEFAULT_FROM_EMAIL = '"The Office, Ltd." <office@example.org>'

    organizer = event_of(made()).organizer

    assert (organizer.value, organizer.params) == ("mailto:office@example.org", {"CN": ["Dr. Ada"]})


def test_invitation_asks_for_no_reply():
    attendee = event_of(made()).attendee

    assert attendee.value == "mailto:grace@example.org"
    assert attendee.params == {"CN": ["Grace"], "PARTSTAT": ["ACCEPTED"], "RSVP": ["FALSE"]}


@pytest.mark.parametrize(("for_provider", "other"), [(False, "Dr. Ada"), (True, "Grace")])
def test_invitation_names_whom_one_meets(for_provider, other):
    assert event_of(made(title="First visit"), for_provider=for_provider).summary.value == f"First visit – {other}"


def test_invitation_survives_any_name():
    event = event_of(made(provider=NASTY, title="50, 50; \\o/"), name=NASTY)

    assert event.organizer.params["CN"] == event.attendee.params["CN"] == [TAMED]
    assert event.attendee.value == "mailto:grace@example.org"
    assert event.summary.value == f"50, 50; \\o/ – {TAMED.replace(chr(39), chr(34))}"


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("o'brien+x@example.org", "mailto:o'brien+x@example.org"),
        ("a%b?c&d#e@example.org", "mailto:a%25b%3Fc%26d%23e@example.org"),
        ('"a;b,c"@example.org', "mailto:%22a%3Bb%2Cc%22@example.org"),
    ],
)
def test_invitation_writes_any_address_as_a_uri(address, uri):
    """RFC 6068 §2."""
    assert event_of(made(), attendee=address).attendee.value == uri


def test_invitation_for_somebody_without_a_name_has_their_address():
    assert event_of(made(), name=" \n").attendee.params["CN"] == ["grace@example.org"]


def test_one_appointment_is_the_same_event_everywhere():
    appointment = made(description="Left knee\r\nand right")
    feed = CalendarFeed(client=appointment.client, token="t", created_at=NOON)

    texts = [to_ical(appointment), to_feed(feed, [appointment]), to_invitation(appointment, attendee="a@b", name="")[1]]

    events = [vobject.readOne(text.decode()).vevent for text in texts]
    for name in ("uid", "sequence", "dtstamp", "dtstart", "dtend", "summary", "description", "status"):
        assert len({str(event.contents[name][0].value) for event in events}) == 1
    assert events[0].description.value == "Left knee\nand right"
    assert [b"METHOD" in text for text in texts] == [False, True, True]


@pytest.mark.parametrize(("name", "shown"), [("עדה", "\u2068עדה\u2069"), ("Zoé", "Zoé")])
def test_title_keeps_names_from_turning_it_around(name, shown):
    appointment = made(provider=name, title="Visit")

    assert event_of(appointment).summary.value == f"Visit – {shown}"
