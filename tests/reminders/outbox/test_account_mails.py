"""Mails about an account in the outbox: sent ahead of all others, kept no longer than needed, shown to nobody."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.actors import Actor, Source
from accounts.mails.operations import owe, owe_reset_link
from reminders.dispatch.attempts import AttemptResult, record_attempt
from reminders.dispatch.leases import take_leases
from reminders.enums import MessageKind, MessageStatus, OptOutSource, Recipient
from reminders.models import Message
from reminders.outbox.errors import NotRetryable
from reminders.outbox.operations import retry
from reminders.preferences.operations import opt_out
from scheduler_project.common import outages
from scheduler_project.common.models import Outage
from tests.accounts.helpers import mails
from tests.conftest import logged_in
from tests.factories import NOON, PASSWORD, MessageFactory, ProviderFactory, UserFactory
from tests.reminders.helpers import account_messages, send

pytestmark = pytest.mark.django_db

migration = import_module("reminders.migrations.0013_account_mails")


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
    owe(to="ada@example.org", subject="Tea", text="Is ready.\0 http://localhost:8000/account/key/4711/", now=NOON)
    return Message.objects.get()


def sends(seconds: int) -> int:
    return send(NOON + timedelta(seconds=seconds))


# --- Sending ----------------------------------------------------------------------------------------------------------


def test_send_mails_the_text_and_keeps_nothing_of_it(owed, mailoutbox):
    sent = send(NOON)

    (mail,) = mailoutbox
    assert (sent, mail.to, mail.subject) == (1, ["ada@example.org"], "Tea")
    assert mail.body == "Is ready. http://localhost:8000/account/key/4711/"
    assert mail.extra_headers == {"Message-ID": f"<{owed.key}@localhost>", "Auto-Submitted": "auto-generated"}
    assert '<a href="http://localhost:8000/account/key/4711/">' in mail.alternatives[0].content
    assert not Message.objects.exists()


def test_send_leaves_what_somebody_else_is_sending(owed, settings):
    take_leases(channel="email", now=NOON, limit=50, urgent=True)

    assert sends(settings.SEND_LEASE_SECONDS - 1) == 0
    assert sends(settings.SEND_LEASE_SECONDS) == 1


def test_send_of_what_was_erased_meanwhile_records_nothing(owed):
    [leased] = take_leases(channel="email", now=NOON, limit=50, urgent=True)
    account_messages().delete()

    assert record_attempt(AttemptResult(leased, "ada@example.org", NOON, 5), now=NOON) is None


def test_send_waits_while_the_mail_server_is_down_and_counts_nothing(owed, no_mail_server):
    owe(to="bob@example.org", subject="Tea", text="Is ready.", now=NOON)

    assert [sends(0), sends(5), sends(10)] == [0, 0, 0]

    assert set(Message.objects.values_list("failures", flat=True)) == {0}
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
    assert Message.objects.exists()

    sends(3 * 24 * 3600 + 600)

    assert not Message.objects.exists()
    assert f"The mail {owed.key} is given up: It was too late to be useful." in caplog.text


def test_link_to_set_a_password_is_tried_for_as_long_as_it_leads_somewhere(settings):
    settings.PASSWORD_RESET_TIMEOUT = 3600
    owe_reset_link(email="ada@example.org", now=NOON)

    assert Message.objects.get().useful_until == NOON + timedelta(hours=1)


def test_link_to_set_a_password_is_dropped_without_a_word_where_nobody_has_the_email(caplog, mailoutbox):
    owe_reset_link(email="ada@example.org", now=NOON)

    assert send(NOON) == 0
    assert (list(Message.objects.all()), mailoutbox) == ([], [])
    assert "given up" not in caplog.text


def test_send_that_is_refused_for_now_is_tried_again_more_and_more_seldom(owed, smtp_server):
    smtp_server.on["RCPT"] = "450 4.2.0 greylisted"
    waits, now = [], NOON
    for _ in range(8):
        send(now)
        owed.refresh_from_db()
        waits.append((owed.next_at - now).total_seconds() / 60)
        now = owed.next_at

    for waited, minutes in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert minutes <= waited <= 1.25 * minutes
    assert (owed.failures, owed.attempts.count()) == (8, 8)


def test_send_that_is_refused_for_good_is_given_up(owed, smtp_server, caplog):
    smtp_server.on["RCPT"] = "550 5.1.1 no such mailbox"

    sends(0)

    assert not Message.objects.exists()
    assert f"The mail {owed.key} is given up: 550 5.1.1 no such mailbox" in caplog.text


def test_send_goes_on_after_one_that_cannot_be_sent(mailoutbox):
    for to in ("two\nlines@example.org", "ada@example.org"):
        owe(to=to, subject="Tea", text="Is ready.", now=NOON)

    assert send(NOON) == 1
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]


def test_mails_and_reminders_share_what_is_known_of_the_mail_server(owed):
    outages.open_outage("email", error="connection refused", now=NOON)
    MessageFactory(status="pending")
    assert sends(5) == 0

    assert sends(30) == 2


def test_send_goes_to_an_address_that_opted_out_too(owed, mailoutbox):
    opt_out(channel="email", address="ada@example.org", source=OptOutSource.LINK, now=NOON)

    assert send(NOON) == 1


def test_a_notice_survives_any_name_of_a_browser(client, booker):
    client.force_login(booker.user)
    new = {"oldpassword": PASSWORD, "password1": "microseconds-of-rope", "password2": "microseconds-of-rope"}

    client.post("/account/password/change/", new, HTTP_USER_AGENT="Mo\0zilla")

    assert [mail.to for mail in mails()] == [[booker.user.email]]


# --- Nobody reads them ------------------------------------------------------------------------------------------------


def test_admin_lists_them_and_shows_no_text(owed, office):
    page = office.get(reverse("admin:reminders_message_change", args=[owed.pk]))
    found = office.get(reverse("admin:reminders_message_changelist"), {"q": "ada@example.org"})

    assert (page.status_code, found.status_code) == (200, 200)
    assert "ada@example.org" in found.content.decode()
    assert "Is ready" not in page.content.decode() + found.content.decode()
    assert "4711" not in page.content.decode() + found.content.decode()


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_admin_exports_them_without_their_text(owed, office, kind):
    export = office.get(f"{reverse('admin:reminders_message_changelist')}export/{kind}/")

    exported = b"".join(export.streaming_content).decode()
    assert str(owed.due_at.year) in exported
    assert "4711" not in exported


@pytest.mark.parametrize("lookup", ["mail__text__contains", "mail__to", "mail__has_key"])
def test_admin_filters_by_nothing_in_them(owed, office, lookup):
    found = office.get(reverse("admin:reminders_message_changelist"), {lookup: "4711"})

    assert (found.status_code, found.headers.get("Location", "")[-4:]) in [(302, "?e=1"), (400, "")]


def test_admin_refuses_to_send_one_again_among_others(owed, office):
    chosen = {"action": "send_again", "_selected_action": [owed.pk]}

    answer = office.post(reverse("admin:reminders_message_changelist"), chosen)

    assert answer.status_code == 200
    assert "4711" not in answer.content.decode()


def test_api_lists_them_for_staff_without_their_text(owed, staff_api):
    [row] = staff_api.get("/api/reminders?kind=account").json()["results"]

    assert (row["id"], row["kind"], row["recipient"]) == (owed.pk, "account", "mailbox")
    assert (row["reservation"], row["appointment"]) == (None, None)
    assert "4711" not in str(row)


@pytest.mark.parametrize("path", ["/api/reminders?kind=any", "/api/reminders?kind=account"])
def test_api_shows_them_neither_to_a_provider_nor_to_their_owner(owed, booker, path):
    booker.user.email = booker.email = "ada@example.org"
    booker.user.save()
    booker.save()

    for user in (ProviderFactory().user, booker.user):
        assert logged_in(user).get(path).json()["results"] == []
        assert logged_in(user).get(f"/api/reminders/{owed.pk}").status_code == 404


def test_retry_is_for_messages_that_failed(owed):
    with pytest.raises(NotRetryable):
        retry(message_id=owed.pk, actor=Actor(UserFactory(superuser=True), Source.ADMIN), now=NOON)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": MessageStatus.FAILED},
        {"channel": "sms"},
        {"recipient": Recipient.CLIENT},
        {"mail": None},
        {"kind": MessageKind.BOOKED, "recipient": Recipient.CLIENT, "mail": None},
    ],
)
def test_database_keeps_them_apart(owed, fields):
    with pytest.raises(IntegrityError, match="message_account_is_apart"):
        Message.objects.filter(pk=owed.pk).update(**fields)


# --- Those of before --------------------------------------------------------------------------------------------------

TABLE_OF_BEFORE = """
CREATE TABLE accounts_mail (
    id uuid PRIMARY KEY, "to" varchar(254) NOT NULL, language varchar(10) NOT NULL, subject text NOT NULL,
    text text NOT NULL, failures smallint NOT NULL, created_at timestamptz NOT NULL, next_at timestamptz NOT NULL,
    useful_until timestamptz NOT NULL)
"""

KEY = "7e57ed00-0000-4000-8000-000000000000"


def migrate():
    with connection.schema_editor() as editor:
        migration.carry(apps, editor)
        migration.forget(apps, editor)


def test_migration_carries_what_waits(mailoutbox):
    with connection.cursor() as cursor:
        cursor.execute(TABLE_OF_BEFORE)
        cursor.execute(
            "INSERT INTO accounts_mail VALUES (%s, 'ada@example.org', 'de', 'Tee', 'Ist fertig.', 2, %s, %s, %s)",
            [KEY, NOON, NOON + timedelta(minutes=4), NOON + timedelta(days=3)],
        )

    migrate()

    message = Message.objects.get()
    assert (str(message.key), message.failures, message.created_at) == (KEY, 2, NOON)
    assert (message.next_at, message.useful_until) == (NOON + timedelta(minutes=4), NOON + timedelta(days=3))
    assert (sends(239), sends(240)) == (0, 1)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject, mail.body) == (["ada@example.org"], "Tee", "Ist fertig.")
    assert mail.extra_headers["Message-ID"] == f"<{KEY}@localhost>"
    assert '<html lang="de"' in mail.alternatives[0].content
    assert "accounts_mail" not in connection.introspection.table_names()


def test_migration_carries_a_link_to_set_a_password(mailoutbox):
    UserFactory(email="ada@example.org")
    with connection.cursor() as cursor:
        cursor.execute(TABLE_OF_BEFORE)
        cursor.execute(
            "INSERT INTO accounts_mail VALUES (%s, 'ada@example.org', 'en', '', '', 0, %s, %s, %s)",
            [KEY, NOON, NOON, NOON + timedelta(hours=1)],
        )

    migrate()

    assert send(NOON) == 1
    assert "/password/reset/" in mailoutbox[0].body


def test_migration_ends_the_task_that_sent_them():
    with connection.cursor() as cursor:
        cursor.execute(TABLE_OF_BEFORE)
    every, _new = IntervalSchedule.objects.get_or_create(every=5, period="seconds")
    PeriodicTask.objects.create(name="send-mails", task="accounts.tasks.send_mails", interval=every)
    kept = PeriodicTask.objects.create(name="mine", task="reminders.tasks.dispatch_reminders", interval=every)

    migrate()

    assert list(PeriodicTask.objects.filter(name__in=("send-mails", "mine"))) == [kept]
