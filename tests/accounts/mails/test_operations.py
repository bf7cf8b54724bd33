"""The outbox of accounts: mails are sent outside of the request, retried, and never sent twice at once."""

from datetime import datetime, timedelta
from functools import partial

import pytest

from accounts.mails.operations import LEASE, claim, owe, owe_reset_link, send_due
from accounts.models import Mail
from accounts.tasks import send_mails, wake_sender
from reminders.outbox.dispatcher import dispatch
from scheduler_project.celery import app
from scheduler_project.common import outages
from scheduler_project.common.models import Outage
from tests.accounts.helpers import mails
from tests.factories import NOON, PASSWORD, MessageFactory
from tests.reminders.servers import smtp_server

__all__ = ["smtp_server"]

pytestmark = pytest.mark.django_db


class NoMailServer:
    """A mail server that does not answer. `asked` counts the attempts."""

    def __init__(self) -> None:
        self.asked = []

    def open(self):
        self.asked.append(1)
        raise ConnectionRefusedError("connection refused")


@pytest.fixture
def no_mail_server(monkeypatch, settings):
    server = NoMailServer()
    monkeypatch.setattr("django.core.mail.backends.smtp.EmailBackend.open", lambda backend: server.open())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return server


@pytest.fixture
def owed():
    owe(to="ada@example.org", subject="Tea", text="Is ready.\0", now=NOON)
    return Mail.objects.get()


def test_send_mails_the_text_and_forgets_it(owed, mailoutbox):
    sent = send_due(clock=lambda: NOON)

    (mail,) = mailoutbox
    assert (sent, mail.to, mail.subject, mail.body) == (1, ["ada@example.org"], "Tea", "Is ready.")
    assert mail.extra_headers["Message-ID"] == f"<{owed.pk}@localhost>"
    assert not Mail.objects.exists()


def test_send_leaves_what_somebody_else_is_sending(owed, mailoutbox):
    claim(now=NOON)

    assert send_due(clock=lambda: NOON + LEASE - timedelta(seconds=1)) == 0
    assert send_due(clock=lambda: NOON + LEASE) == 1


def sends(seconds: int) -> int:
    return send_due(clock=lambda: NOON + timedelta(seconds=seconds))


def test_send_waits_while_the_mail_server_is_down_and_counts_nothing(owed, no_mail_server):
    owe(to="bob@example.org", subject="Tea", text="Is ready.", now=NOON)

    assert [sends(0), sends(5), sends(10)] == [0, 0, 0]

    assert set(Mail.objects.values_list("failures", flat=True)) == {0}
    assert (Outage.objects.get().key, len(no_mail_server.asked)) == ("email", 1)


def test_send_tries_one_when_the_probe_is_due_and_the_others_follow_once_it_is_answered(
    owed, no_mail_server, mailoutbox, settings
):
    owe(to="bob@example.org", subject="Tea", text="Is ready.", now=NOON)
    sends(0)
    sends(30)
    assert len(no_mail_server.asked) == 2

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert sends(600) == 2
    assert not Outage.objects.exists()


def test_send_is_of_no_use_any_more_once_the_link_has_ended(owed, no_mail_server, caplog):
    sends(0)
    sends(3 * 24 * 3600 - 1)
    assert Mail.objects.exists()

    sends(3 * 24 * 3600 + 600)

    assert not Mail.objects.exists()
    assert f"The mail {owed.pk} is given up: It came too late to help." in caplog.text


def test_link_to_set_a_password_is_tried_for_as_long_as_it_leads_somewhere(settings):
    settings.PASSWORD_RESET_TIMEOUT = 3600
    owe_reset_link(email="ada@example.org", now=NOON)

    assert Mail.objects.get().useful_until == NOON + timedelta(hours=1)


def test_send_that_is_refused_for_now_is_tried_again_more_and_more_seldom(owed, smtp_server):
    smtp_server.on["RCPT"] = "450 4.2.0 greylisted"
    tried, now = [], NOON
    for _ in range(8):
        send_due(clock=partial(datetime.__add__, now, timedelta()))
        owed.refresh_from_db()
        tried.append((owed.next_at - now).total_seconds() / 60)
        now = owed.next_at

    assert tried == [1, 2, 4, 8, 16, 30, 30, 30]
    assert owed.failures == 8


def test_send_that_is_refused_for_good_is_given_up(owed, smtp_server, caplog):
    smtp_server.on["RCPT"] = "550 5.1.1 no such mailbox"

    sends(0)

    assert not Mail.objects.exists()
    assert f"The mail {owed.pk} is given up" in caplog.text


def test_mails_and_reminders_share_what_is_known_of_the_mail_server(owed):
    outages.note_down("email", error="connection refused", now=NOON)
    MessageFactory(status="pending")
    assert (sends(5), dispatch(clock=lambda: NOON + timedelta(seconds=5), parallel=False)) == (0, 0)

    assert sends(30) == 1
    assert dispatch(clock=lambda: NOON + timedelta(seconds=30), parallel=False) == 1


def test_send_goes_on_after_one_that_cannot_be_sent(mailoutbox):
    for to in ("two\nlines@example.org", "ada@example.org"):
        owe(to=to, subject="Tea", text="Is ready.", now=NOON)

    assert send_due(clock=lambda: NOON) == 1
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]


def test_a_notice_survives_any_name_of_a_browser(client, booker):
    client.force_login(booker.user)
    new = {"oldpassword": PASSWORD, "password1": "microseconds-of-rope", "password2": "microseconds-of-rope"}

    client.post("/account/password/change/", new, HTTP_USER_AGENT="Mo\0zilla")

    assert [mail.to for mail in mails()] == [[booker.user.email]]


@pytest.mark.usefixtures("at_once", "at_noon")
def test_a_mail_is_sent_as_soon_as_it_is_owed_for_good(mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        owe(to="ada@example.org", subject="Tea", text="Is ready.", now=NOON)
        assert not mailoutbox

    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]


@pytest.mark.usefixtures("without_redis")
def test_wake_without_redis_raises_nothing(caplog):
    wake_sender()

    assert "could not be rung for" in caplog.text


def test_beat_knows_the_task():
    assert send_mails.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
