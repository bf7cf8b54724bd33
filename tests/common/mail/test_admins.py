"""Mails to ADMINS."""

import pytest
import time_machine
from django.core import mail

from scheduler_project.common.mail.admins import owe_admin_mail
from tests.factories import NOON
from tests.reminders.helpers import owed_mails, send_account_mails

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]


@pytest.fixture(autouse=True)
def _admins(settings):
    settings.ADMINS = [("", "boss@example.org"), ("", "deputy@example.org")]


def owe(subject="Found", text="booking_slot 12: free though claimed"):
    return owe_admin_mail(subject=subject, text=text, now=NOON)


def test_each_of_admins_is_mailed_outside_of_the_request():
    assert owe()

    assert mail.outbox == []
    assert send_account_mails(lambda: NOON) == 2
    assert sorted(message.to[0] for message in mail.outbox) == ["boss@example.org", "deputy@example.org"]


def test_the_same_is_mailed_once_a_day():
    assert [owe(), owe(), owe(text="something else")] == [True, False, True]

    with time_machine.travel(NOON.replace(hour=0).timestamp() + 24 * 60 * 60, tick=False):
        assert owe()

    assert len(owed_mails()) == 6


def test_admins_are_mailed_only_so_often_a_day(settings):
    settings.ADMIN_MAILS_PER_DAY = 2

    assert [owe(text=f"{number} rows") for number in range(4)] == [True, True, False, False]


def test_nobody_is_mailed_where_there_are_no_admins(settings):
    settings.ADMINS = []

    assert not owe()
    assert not owed_mails()


def test_admins_are_mailed_no_secrets(settings):
    owe(text="redis://:hunter2-hunter2@cache/0 is away")

    assert "hunter2" not in owed_mails()[0].text
