"""Stories of a guest, who follows only the links in their mails."""

import re

import pytest
import time_machine
from django.core import mail
from django.test import Client as Browser

from booking.models import Appointment
from booking.reservations.operations import reserve
from reminders.models import OptOut
from tests.factories import NOON, SYSTEM, ClientFactory, at, minutes, open_provider
from tests.reminders.helpers import reminders, send

pytestmark = pytest.mark.django_db
NINE = at("2026-03-04 09:00")


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def guest():
    return ClientFactory(user=None, email="ada@example.org", timezone="Europe/Berlin")


@pytest.fixture
def held(guest):
    provider = open_provider(horizon_days=4)
    return reserve(provider_id=provider.pk, client_id=guest.pk, starts_at=NINE, actor=SYSTEM, now=NOON)


def letters_to(address):
    return [letter for letter in mail.outbox if address in letter.to[0]]


def link_in(letter, word):
    return re.search(rf"http://localhost:8000(/{word}/\S+/)", letter.body)[1]


def post_form(browser, path, do):
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).content.decode())[1]
    return browser.post(path, {"do": do, "csrfmiddlewaretoken": token}, follow=True)


def test_guest_confirms_by_mail_takes_the_file_and_wants_no_reminders(held, guest):
    send(NOON)
    [asking] = letters_to(guest.email)
    browser = Browser(enforce_csrf_checks=True)
    path = link_in(asking, "r")

    Browser().get(path)  # a scanner of links
    assert not Appointment.objects.exists()
    page = post_form(browser, path, "confirm").content.decode()
    made = Appointment.objects.get()
    assert "Your appointment is booked" in page
    assert browser.get(re.search(r'href="(/a/[^"]+\.ics)"', page)[1]).content.startswith(b"BEGIN:VCALENDAR")

    send(NOON + minutes(1))
    assert letters_to(guest.email)[-1].subject.startswith("Booked:")
    send("2026-03-03 09:00")
    reminder = letters_to(guest.email)[-1]
    assert reminder.subject.startswith("Reminder:")
    assert [offset for _, offset, _ in reminders(made)] == ["1 hour"]

    unsubscribe = link_in(reminder, "unsubscribe")
    assert unsubscribe in reminder.extra_headers["List-Unsubscribe"]
    assert reminder.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    answer = Browser(enforce_csrf_checks=True).post(unsubscribe, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert OptOut.objects.get().source == "one_click"
    assert reminders(made) == []

    assert "Resume reminders" in browser.get(unsubscribe).content.decode()
    post_form(browser, unsubscribe, "back")
    assert [offset for _, offset, _ in reminders(made)] == ["1 hour"]


def test_guest_who_comes_too_late_finds_the_time_given_back(held, guest):
    send(NOON)
    path = link_in(letters_to(guest.email)[0], "r")

    with time_machine.travel(held.expires_at, tick=False):
        answer = Browser().get(path)

    assert (answer.status_code, Appointment.objects.count()) == (410, 0)
    assert "Your hold has expired" in answer.content.decode()
