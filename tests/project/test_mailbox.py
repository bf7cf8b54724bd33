"""`/mail/`: mails kept as files, to be read on one's own machine."""

import environ
import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives, get_connection

from scheduler_project import embedded, runner
from tests.factories import NOON
from tests.html import links_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(settings, tmp_path):
    settings.MAILBOX = True
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def deliver(subject, text):
    mail = EmailMultiAlternatives(subject, text, "site@example.org", ["ada@example.org"])
    mail.attach_alternative(f"<p>{text}</p>", "text/html")
    get_connection("django.core.mail.backends.filebased.EmailBackend").send_messages([mail])


def test_mails_are_shown_with_links_to_follow(client, box):
    deliver("Please confirm – soon", "Follow http://localhost:8000/r/x/ & confirm")

    answer = client.get("/mail/")

    assert "Please confirm – soon ada@example.org" in text_of(answer)
    assert "http://localhost:8000/r/x/" in links_of(answer)
    assert answer.headers["Cache-Control"] == "no-store"


def test_times_are_the_readers(client, box):
    client.cookies["timezone"] = "Asia/Kolkata"
    with time_machine.travel(NOON, tick=False):
        deliver("Soon", "Soon")

        assert "17:30:00" in text_of(client.get("/mail/"))


def test_mails_run_nothing(client, box):
    deliver("<script>1</script>", "<script>2</script>")

    assert b"<script>" not in client.get("/mail/").content


def test_empty_box_says_so(client, box):
    assert "Nothing yet" in text_of(client.get("/mail/"))


def test_nobody_reads_mails_unless_the_settings_say_so(client, box, settings):
    settings.MAILBOX = False
    deliver("Secret", "Secret")

    assert client.get("/mail/").status_code == 404


def test_mails_are_kept_in_the_folder_the_terminal_names(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded, "home", lambda: tmp_path)
    monkeypatch.setenv("EMAIL_URL", "")
    monkeypatch.setenv("MAILBOX", "on")

    runner.keep_mails(own_database=True)

    assert environ.Env().email_url("EMAIL_URL")["EMAIL_FILE_PATH"] == str(tmp_path / "mail")
    [said] = runner.mails_kept("http://127.0.0.1:8000/mail/")
    assert f"kept in {tmp_path}/mail;" in said


@pytest.mark.parametrize(("gateway", "told"), [("", True), ("twilio", False)])
def test_text_messages_are_kept_in_the_file_the_terminal_names(monkeypatch, tmp_path, gateway, told):
    monkeypatch.setattr(embedded, "home", lambda: tmp_path)
    monkeypatch.setenv("EMAIL_URL", "")
    monkeypatch.setenv("MAILBOX", "on")
    monkeypatch.setenv("SMS_GATEWAY", gateway)
    monkeypatch.setenv("SMS_FILE", "")
    monkeypatch.delenv("SMS_FILE")

    runner.keep_mails(own_database=True)

    file = tmp_path / "sms.txt"
    assert runner.sms_kept() == ([f"Text messages are not sent but kept in {file}"] if told else [])
