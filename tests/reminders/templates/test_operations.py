"""Custom message templates: saved, previewed, tested."""

import smtplib
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction

from reminders.channels.base import TemplateText
from reminders.enums import Recipient
from reminders.models import MessageTemplate
from reminders.preferences.errors import NotVerified
from reminders.templates.composer import render
from reminders.templates.errors import BadWords, NotSent, TemplateExists
from reminders.templates.operations import in_use, preview_template, remove_template, save_template, send_test
from reminders.templates.texts import default_texts
from scheduler_project.common.errors import DomainError, NotAllowed, NotFound
from tests.factories import NOON, SYSTEM, ClientFactory, MessageTemplateFactory, ProviderFactory, actor_of, verified
from tests.groups import MANAGER, staff_of

pytestmark = pytest.mark.django_db

MINE = {"kind": "booked", "channel": "email", "language": "en", "subject": "See you", "body": "On {{ start }}"}


@pytest.fixture
def ada():
    return ProviderFactory(name="Ada")


@pytest.fixture
def boss():
    return actor_of(staff_of(MANAGER, email="boss@example.org", timezone="Europe/Berlin"))


def refused(wanted: type[DomainError], **arguments) -> str | None:
    """The field at fault, nothing having been saved."""
    with pytest.raises(wanted) as error, transaction.atomic():
        save_template(**arguments)
    return error.value.field


HOLD = {"kind": "hold", "channel": "email", "language": "en", "body": "Confirm: {{ confirm_link }} {{ confirm_code }}"}


@pytest.mark.parametrize("secret", ["confirm_code", "confirm_link"])
def test_save_refuses_a_subject_that_confirms_the_reservation_for_whoever_reads_it(ada, secret):
    fields = {**HOLD, "subject": f"Your code: {{{{ {secret} }}}}"}

    assert refused(BadWords, fields=fields, actor=actor_of(ada)) == "subject"


# --- Keeping ----------------------------------------------------------------------------------------------------------


def test_save_by_a_provider_is_theirs(ada):
    made = save_template(fields=MINE, actor=actor_of(ada))

    assert MessageTemplate.objects.get() == made
    assert (made.provider, made.recipient, made.subject) == (ada, Recipient.CLIENT, "See you")


def test_save_by_staff_is_the_sites_or_whose_they_say(boss, ada):
    assert save_template(fields=MINE, actor=boss).provider is None
    assert save_template(fields={**MINE, "provider": ada}, actor=boss).provider == ada


def test_save_is_refused_for_somebody_else(ada):
    assert refused(NotAllowed, fields={**MINE, "provider": ProviderFactory()}, actor=actor_of(ada)) == "provider"
    assert refused(NotAllowed, fields=MINE, actor=actor_of(ClientFactory())) == "provider"
    assert not MessageTemplate.objects.exists()


def test_save_cannot_give_words_away(ada):
    own = MessageTemplateFactory(provider=ada)

    fields = {"provider": ProviderFactory()}
    assert refused(NotAllowed, template_id=own.pk, fields=fields, actor=actor_of(ada)) == "provider"
    assert save_template(template_id=own.pk, fields={"provider": None}, actor=actor_of(ada)).provider == ada


def test_save_changes_the_fields_given(ada):
    own = MessageTemplateFactory(provider=ada)

    changed = save_template(template_id=own.pk, fields={"body": "Bye"}, actor=actor_of(ada))

    own.refresh_from_db()
    assert (own.body, own.subject, changed.pk) == ("Bye", MessageTemplateFactory.subject, own.pk)


@pytest.mark.parametrize("owner", [None, "another"])
def test_save_finds_only_ones_own(ada, owner):
    theirs = MessageTemplateFactory(provider=owner and ProviderFactory())

    refused(NotFound, template_id=theirs.pk, fields={"body": "Mine"}, actor=actor_of(ada))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"body": "{{ nobody }}"}, "body"),
        ({"subject": "{{ nobody }}"}, "subject"),
        ({"body": "{% now %}"}, "body"),
        ({"body": ""}, "body"),
        ({"subject": ""}, "subject"),
        ({"subject": " "}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"channel": "sms"}, "subject"),
        ({"channel": "webhook", "subject": ""}, "channel"),
        ({"kind": "event"}, "kind"),
        ({"language": "tlh"}, "language"),
        ({"recipient": "all"}, "recipient"),
        ({"kind": "hold"}, "body"),
        ({"kind": "hold", "body": "confirm_link"}, "body"),
        ({"kind": "reminder", "recipient": "provider"}, "kind"),
        ({"channel": "sms", "recipient": "provider", "subject": ""}, "kind"),
    ],
)
def test_save_refuses_words_that_could_not_be_sent_as_they_are_meant(boss, fields, field):
    assert refused(BadWords, fields={**MINE, **fields}, actor=boss) == field
    assert not MessageTemplate.objects.exists()


def test_save_takes_a_hold_that_says_where_to_confirm(boss):
    save_template(fields={**MINE, "kind": "hold", "body": "{{confirm_link}}"}, actor=boss)


def test_save_takes_a_text_message_without_a_subject(boss):
    assert save_template(fields={**MINE, "channel": "sms", "subject": ""}, actor=boss).subject == ""


@pytest.mark.parametrize("whose", [None, "ada"])
def test_save_refuses_a_second_one_for_the_same(boss, ada, whose):
    fields = {**MINE, "provider": whose and ada}
    save_template(fields=fields, actor=boss)

    refused(TemplateExists, fields=fields, actor=boss)
    save_template(fields={**fields, "recipient": "provider"}, actor=boss)


@pytest.mark.parametrize(
    ("channel", "subject", "code"),
    [("email", "", "required"), ("email", " ", "required"), ("sms", "Hello", "no_subject")],
)
def test_a_channel_says_if_its_texts_have_a_subject(channel, subject, code):
    template = MessageTemplateFactory.build(channel=channel, subject=subject)

    with pytest.raises(ValidationError) as error:
        template.clean()

    assert error.value.error_dict["subject"][0].code == code


@pytest.mark.parametrize(("channel", "subject", "sent"), [("email", "", "First visit"), ("sms", "Hello", "")])
def test_a_row_that_says_otherwise_does_no_harm(channel, subject, sent):
    facts = {"title": "First visit", "site_name": "Practice"}

    letter = render(TemplateText(subject, "See you"), facts, channel=channel)

    assert letter.subject == sent
    assert "See you" in letter.text


def test_remove_is_for_ones_own(ada):
    own, theirs = MessageTemplateFactory(provider=ada), MessageTemplateFactory(provider=ProviderFactory())
    remove_template(template_id=own.pk, actor=actor_of(ada))

    with pytest.raises(NotFound):
        remove_template(template_id=theirs.pk, actor=actor_of(ada))
    assert MessageTemplate.objects.get() == theirs


# --- Looking ----------------------------------------------------------------------------------------------------------


def a_draft(**fields) -> MessageTemplate:
    return MessageTemplate(**{**MINE, **fields})


def test_preview_is_in_the_templates_language_and_the_askers_timezone(boss):
    shown = preview_template(template=a_draft(language="de", subject="{{ title }}"), actor=boss, now=NOON)

    assert shown.words == ("{{ title }}", "On {{ start }}")
    assert shown.letter.subject == "Erstgespräch"
    assert shown.letter.text.startswith("On Donnerstag, 5. März 2026, 09:00 Uhr (Europe/Berlin)")
    assert '<html lang="de"' in shown.letter.html
    assert not MessageTemplate.objects.exists()


def test_preview_names_the_provider_whose_words_they_are(boss, ada):
    shown = preview_template(template=a_draft(provider=ada, body="{{ provider_name }}"), actor=boss, now=NOON)

    assert shown.letter.text.startswith("Ada\n")


def test_preview_shows_the_shipped_words_where_one_s_own_have_nothing_to_say(boss):
    shown = preview_template(template=a_draft(body="{{ reason }}"), actor=boss, now=NOON)

    assert shown.words.body == "{{ reason }}"
    assert "is booked" in shown.letter.text


def test_preview_refuses_what_could_not_be_saved(boss, ada):
    with pytest.raises(BadWords):
        preview_template(template=a_draft(kind="hold", channel="sms", subject="", body=""), actor=boss, now=NOON)
    with pytest.raises(BadWords):
        preview_template(template=a_draft(body="{{ nobody }}"), actor=boss, now=NOON)
    with pytest.raises(NotAllowed):
        preview_template(template=a_draft(provider=ProviderFactory()), actor=actor_of(ada), now=NOON)


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
@pytest.mark.parametrize(
    ("kind", "channel", "recipient"), [(kind, *which) for which, kinds in default_texts().items() for kind in kinds]
)
def test_preview_shows_the_words_in_use(kind, channel, recipient, language):
    blank = MessageTemplate(kind=kind, channel=channel, recipient=recipient, language=language)

    shown = preview_template(template=blank, actor=SYSTEM, now=NOON)

    assert shown.words == in_use(blank)
    assert "{{" not in shown.letter.text


def test_words_in_use_are_the_providers_the_sites_or_the_shipped(ada):
    site = MessageTemplateFactory(body="Site")
    MessageTemplateFactory(provider=ada, body="Own")

    found = [in_use(a_draft(provider=who)).body for who in (ada, ProviderFactory(), None)]
    site.delete()

    assert found == ["Own", "Site", "Site"]
    assert in_use(a_draft(language="de")).body.startswith("Guten Tag {{ client_name }}")


# --- Trying out -------------------------------------------------------------------------------------------------------


def test_send_test_mails_it_to_whoever_asks(boss, mailoutbox):
    address = send_test(template=a_draft(subject="{{ title }}", language="fr"), actor=boss, now=NOON)

    (mail,) = mailoutbox
    assert (address, mail.subject) == ("boss@example.org", "Test: Première visite")
    assert mail.to == [f"{boss.user.name} <boss@example.org>"]
    assert mail.body.startswith("On jeudi 5 mars 2026 à 09:00 (Europe/Berlin)")
    assert mail.alternatives[0].mimetype == "text/html"


def test_send_test_mails_a_text_message_as_well(boss, mailoutbox):
    send_test(template=a_draft(channel="sms", subject="", recipient="client"), actor=boss, now=NOON)

    (mail,) = mailoutbox
    assert mail.subject == "Test: booked · SMS · client · English"
    assert (mail.body, mail.alternatives) == ("On Thu 5 Mar 2026, 09:00 (Europe/Berlin)", [])


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"boss@example.org": (550, b"unknown")}),
    ],
)
def test_send_test_says_why_it_could_not(boss, error):
    with patch.object(EmailBackend, "send_messages", side_effect=error), pytest.raises(NotSent) as refused:
        send_test(template=a_draft(), actor=boss, now=NOON)

    assert str(refused.value.message).startswith("The test could not be sent: ")


def test_send_test_has_nobody_to_send_it_to(mailoutbox):
    with pytest.raises(NotAllowed):
        send_test(template=a_draft(), actor=SYSTEM, now=NOON)

    assert mailoutbox == []


def test_send_test_goes_to_no_mailbox_that_never_answered(provider, mailoutbox):
    with pytest.raises(NotVerified):
        send_test(template=a_draft(provider=provider), actor=actor_of(provider), now=NOON)

    assert mailoutbox == []


def test_send_test_goes_to_a_providers_verified_mailbox(provider, mailoutbox):
    verified(provider.user)

    send_test(template=a_draft(provider=provider), actor=actor_of(provider), now=NOON)

    assert len(mailoutbox) == 1
