"""The mails accounts owes: sent outside of the request, tried again, and never twice at once."""

import socket
from datetime import datetime, timedelta
from functools import partial

import pytest

from accounts.models import Mail
from accounts.operations.mails import BACKOFF, LEASE, TRIES, claim, owe, send_due
from accounts.tasks import send_mails, wake_sender
from scheduler_project.celery import app
from tests.accounts.helpers import mails
from tests.factories import NOON, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def _no_mail_server(settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        yield


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


@pytest.mark.usefixtures("_no_mail_server")
def test_send_tries_again_later_when_the_mail_server_is_down(owed):
    sent = send_due(clock=lambda: NOON)

    owed.refresh_from_db()
    assert (sent, owed.failures, owed.next_at) == (0, 1, NOON + BACKOFF)


@pytest.mark.usefixtures("_no_mail_server")
def test_send_gives_up_after_the_last_try_and_says_so(owed, caplog):
    for days in range(TRIES):
        send_due(clock=partial(datetime.__add__, NOON, timedelta(days=days)))

    assert not Mail.objects.exists()
    assert f"The mail {owed.pk} is given up" in caplog.text


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


@pytest.mark.usefixtures("at_once")
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
