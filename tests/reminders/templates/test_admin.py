"""Message templates in the admin: started from the text in use, previewed, tested, saved through the operations."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reminders.models import MessageTemplate
from reminders.templates.texts import VARIABLES
from tests.factories import NOON, MessageTemplateFactory, ProviderFactory, UserFactory
from tests.groups import FRONT_DESK, MANAGER, browser_of, staff_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

MINE = {
    "provider": "",
    "kind": "booked",
    "channel": "email",
    "recipient": "client",
    "language": "en",
    "subject": "See you on {{ start }}",
    "body": "Hello {{ client_name }}",
}


def url(name, *args):
    return reverse(f"admin:reminders_messagetemplate_{name}", args=args)


def told(response):
    return [str(message) for message in response.context["messages"]]


def errors(response):
    return {field: list(found) for field, found in response.context["adminform"].form.errors.items()}


# --- List and form ----------------------------------------------------------------------------------------------------


def test_lists_finds_and_narrows(office):
    MessageTemplateFactory(provider=ProviderFactory(name="Ada"))
    MessageTemplateFactory(subject="Something else")

    pages = {
        query: office.get(f"{url('changelist')}?{query}").content.decode().count("field-subject")
        for query in ("", "q=ada", "q=else", "kind=booked", "kind=moved", "language=de", "channel=sms")
    }

    assert pages == {
        "": 2,
        "q=ada": 1,
        "q=else": 1,
        "kind=booked": 2,
        "kind=moved": 0,
        "language=de": 0,
        "channel=sms": 0,
    }


def test_list_asks_a_constant_number_of_queries(office):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            office.get(url("changelist"))
        return len(captured)

    MessageTemplateFactory(provider=ProviderFactory())
    one = queries()
    for _ in range(10):
        MessageTemplateFactory(provider=ProviderFactory())

    assert queries() == one


def test_adding_begins_with_what_for_and_goes_on_from_the_words_in_use(office):
    asked = office.get(url("add"))
    assert list(asked.context["form"].fields) == ["provider", "kind", "channel", "recipient", "language"]

    which = {"provider": "", "kind": "moved", "channel": "email", "recipient": "provider", "language": "de"}
    page = office.get(url("add"), which)

    initial = page.context["adminform"].form.initial
    assert {name: initial[name] for name in which} == which
    assert initial["subject"].startswith("Verschoben: ")
    assert initial["body"].startswith("Guten Tag {{ provider_name }},")


def test_adding_asks_again_for_what_cannot_be(office):
    page = office.get(url("add"), {"kind": "nonsense", "provider": "x"})

    assert {"kind", "channel", "language", "provider"} <= set(page.context["form"].errors)


def test_adding_asks_again_for_what_is_never_sent(office):
    which = {"provider": "", "kind": "reminder", "channel": "sms", "recipient": "provider", "language": "de"}

    page = office.get(url("add"), which)

    assert "We never send this message" in str(page.context["form"].errors["kind"])


def test_form_lists_the_variables(office):
    page = office.get(url("change", MessageTemplateFactory().pk)).content.decode()

    assert all(f"<code>{{{{ {name} }}}}</code>" in page for name in VARIABLES)


def test_saves_changes_and_deletes(office):
    office.post(url("add"), MINE)
    row = MessageTemplate.objects.get()
    assert (row.subject, row.provider) == ("See you on {{ start }}", None)

    office.post(url("change", row.pk), {**MINE, "body": "Bye", "provider": ProviderFactory(name="Ada").pk})
    row.refresh_from_db()
    assert (row.body, row.provider.name) == ("Bye", "Ada")

    office.post(url("delete", row.pk), {"post": "yes"})
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": "{{ nobody }}"}, "body"),
        ({"subject": "{% x %}"}, "subject"),
        ({"subject": ""}, "subject"),
        ({"channel": "sms"}, "subject"),
        ({"kind": "hold"}, "body"),
    ],
)
def test_refuses_words_on_the_field_they_stand_in(office, change, field):
    page = office.post(url("add"), {**MINE, **change})

    assert list(errors(page)) == [field]
    assert not MessageTemplate.objects.exists()


def test_refuses_a_second_one_for_the_same(office):
    MessageTemplateFactory()

    page = office.post(url("add"), MINE)

    assert errors(page) == {
        "__all__": [
            (
                "A template already exists for this provider, kind, channel, recipient and language. Edit that one "
                "instead."
            )
        ]
    }


# --- Trying out -------------------------------------------------------------------------------------------------------


def test_preview_shows_what_stands_in_the_form(office):
    MessageTemplateFactory()

    page = office.post(url("preview"), {**MINE, "language": "fr", "body": "<b> {{ client_name }}"})

    letter = page.context["preview"].letter
    assert letter.subject == "See you on jeudi 5 mars 2026 à 09:00 (UTC)"
    assert letter.text.startswith("<b> Alex Exemple")
    text = page.content.decode()
    assert "&lt;b&gt; Alex Exemple" in text
    assert "<b>" not in text
    assert MessageTemplate.objects.count() == 1


def letter_url(page):
    return page.context["letter_url"]


def test_preview_frames_the_html_which_may_do_nothing_but_look_like_itself(office):
    page = office.post(url("preview"), {**MINE, "body": "<script>{{ client_name }}"})
    letter = office.get(letter_url(page))

    assert f'<iframe class="letter" sandbox src="{letter_url(page)}"' in page.content.decode()
    assert policy_of(page)["frame-src"] == "'self'"
    assert letter.content.decode() == page.context["preview"].letter.html
    assert "&lt;script&gt;<bdi>Alex Sample</bdi>" in letter.content.decode()
    assert policy_of(letter) == {
        "sandbox": "",
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "frame-ancestors": "'self'",
    }
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"


def policy_of(response):
    parts = [part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _space, value in parts}


def test_preview_of_a_text_message_frames_nothing(office):
    page = office.post(url("preview"), {**MINE, "channel": "sms", "subject": ""})

    assert page.context["preview"].letter.text == "Hello Alex Sample"
    assert (letter_url(page), "<iframe" in page.content.decode()) == ("", False)


def test_letter_is_shown_for_ten_minutes(office):
    shown = letter_url(office.post(url("preview"), MINE))

    with time_machine.travel(NOON + timedelta(minutes=10), tick=False):
        assert office.get(shown).status_code == 200
    with time_machine.travel(NOON + timedelta(minutes=10, seconds=1), tick=False):
        assert office.get(shown).status_code == 404


def test_letter_is_for_nobody_but_who_previews_it(office):
    shown = letter_url(office.post(url("preview"), MINE))
    colleague, dashboard = browser_of(staff_of(MANAGER)), browser_of(staff_of(FRONT_DESK))

    assert (colleague.get(shown).status_code, dashboard.get(shown).status_code) == (404, 403)
    assert "/login/" in Browser().get(shown).headers["Location"]


@pytest.mark.parametrize("change", [{"body": "{{ nobody }}"}, {"kind": "x"}, {"provider": "x"}, {"subject": ""}])
def test_preview_says_what_is_wrong(office, change):
    page = office.post(url("preview"), {**MINE, **change})

    assert (page.status_code, page.context["preview"]) == (200, None)
    assert re.search('class="(errornote|error)"', page.content.decode())


def test_preview_is_asked_for_by_the_form_alone(office):
    assert office.get(url("preview")).status_code == 302


def test_preview_needs_permission():
    browser = Browser()
    browser.force_login(UserFactory(staff=True))

    assert browser.post(url("preview"), MINE).status_code == 403


def test_sends_a_test_of_what_stands_in_the_form(office, mailoutbox):
    page = office.post(url("preview"), {**MINE, "_send": "yes"})

    assert told(page) == ["Test sent to boss@example.org."]
    assert [mail.subject for mail in mailoutbox] == ["Test: See you on Thursday, 5 March 2026, 09:00 (UTC)"]


def test_sends_tests_of_chosen_words(office, mailoutbox):
    rows = [MessageTemplateFactory(), MessageTemplateFactory(language="de")]

    page = office.post(
        url("changelist"), {"action": "send_tests", "_selected_action": [row.pk for row in rows]}, follow=True
    )

    assert told(page) == ["Tests sent to your own address: 2."]
    assert len(mailoutbox) == 2


def test_tells_of_a_mail_server_that_does_not_answer(office):
    row = MessageTemplateFactory()
    chosen = {"action": "send_tests", "_selected_action": [row.pk]}

    with patch.object(EmailBackend, "send_messages", side_effect=TimeoutError("timed out")):
        one = told(office.post(url("preview"), {**MINE, "_send": "yes"}))
        many = told(office.post(url("changelist"), chosen, follow=True))

    why = "The test could not be sent: The mail server does not answer: timed out"
    assert (one, many) == ([why], [f"{row}: {why}"])
