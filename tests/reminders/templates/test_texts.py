"""Texts of messages: the defaults, custom ones, and the replacement of variables."""

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import override

from reminders.enums import MessageKind, Recipient
from reminders.templates.texts import (
    LINKS,
    VARIABLES,
    default_texts,
    default_words,
    filled,
    filled_html,
    names_in,
    validate_sent,
    validate_words,
)

LANGUAGES = [code for code, _name in settings.LANGUAGES]
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""The alphabet of which 160 characters go into one text message (3GPP TS 23.038)."""

ALL = [(kind, *which) for which, kinds in default_texts().items() for kind in kinds]


# --- Defaults ---------------------------------------------------------------------------------------------------------


def test_there_are_words_for_all_that_is_ever_sent():
    notices = set(MessageKind) - {
        MessageKind.EVENT,
        MessageKind.ACCOUNT,
        MessageKind.REMINDER,
        MessageKind.HOLD,
        MessageKind.HOLD_EXPIRED,
    }

    assert {which: set(kinds) for which, kinds in default_texts().items()} == {
        ("email", Recipient.CLIENT): {*notices, MessageKind.REMINDER, MessageKind.HOLD, MessageKind.HOLD_EXPIRED},
        ("email", Recipient.PROVIDER): notices,
        ("sms", Recipient.CLIENT): {*notices, MessageKind.REMINDER},
    }


@pytest.mark.parametrize(
    ("which", "kinds"),
    [
        ((MessageKind.BOOKED, "sms", Recipient.PROVIDER), "none"),
        (
            (MessageKind.HOLD, "sms", Recipient.CLIENT),
            "reminder, booked, waiting for approval, approved, declined, rescheduled, ",
        ),
    ],
)
def test_validate_names_what_is_sent_instead_of_what_never_is(which, kinds):
    with pytest.raises(ValidationError) as refused:
        validate_sent(*which)

    assert f": {kinds}" in refused.value.message_dict["kind"][0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_default_words_are_such_as_anybody_may_use(language):
    with override(language):
        for kind, channel, recipient in ALL:
            subject, body = default_words(kind, channel, recipient)
            validate_words(str(subject))
            validate_words(str(body))
            assert ("\n" in str(subject), bool(subject)) == (False, channel == "email")


@pytest.mark.parametrize("language", LANGUAGES)
def test_default_text_messages_keep_to_the_alphabet_of_160_characters(language):
    with override(language):
        bodies = [str(default_words(*which).body) for which in ALL if which[1] == "sms"]
        outside = {body: set(body) - GSM_7 for body in bodies}

    assert {body: found for body, found in outside.items() if found} == {}


def test_only_clients_are_asked_to_confirm():
    asking = {which for which in ALL if "confirm_link" in names_in(str(default_words(*which).body))}

    assert asking == {(MessageKind.HOLD, "email", Recipient.CLIENT)}


# --- One's own words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIABLES)
def test_validate_takes_every_variable(name):
    validate_words(f"Hello {{{{ {name} }}}}, {{{{{name}}}}}!")


@pytest.mark.parametrize("text", ["", "Hello", "50 % off", "a < b & “c” #1", "Hello,\n\n{{\ttitle }}\n"])
def test_validate_takes_plain_words(text):
    validate_words(text)


@pytest.mark.parametrize("name", ["client", "Client_name", "client_name_", "__class__", "ħ", "1"])
def test_validate_names_the_unknown_variable_and_lists_the_known(name):
    with pytest.raises(ValidationError) as refused:
        validate_words(f"{{{{ title }}}} {{{{ {name} }}}}")

    assert refused.value.code == "unknown_variable"
    assert f"“{name}”" in refused.value.messages[0]
    assert all(known in refused.value.messages[0] for known in VARIABLES)


@pytest.mark.parametrize(
    "text",
    [
        "{% now 'Y' %}",
        "{# nothing #}",
        "{{ title",
        "title }}",
        "{ title }",
        "{{ title }",
        "{title}",
        "{{}}",
        "{{ }}",
        "{{ title|upper }}",
        "{{ title.upper }}",
        "{{ title reason }}",
        "{{\ntitle }}",
        "{{{ title }}}",
        "{{ title }}}",
        "{{ {{ title }} }}",
    ],
)
def test_validate_refuses_code_and_stray_braces(text):
    with pytest.raises(ValidationError) as refused:
        validate_words(text)

    assert refused.value.code == "braces"


# --- Filling in -------------------------------------------------------------------------------------------------------


def test_filled_replaces_variables_however_they_are_spaced():
    assert filled("{{title}}, {{ title }},{{  title\t}}", {"title": "Check-up"}) == "Check-up, Check-up,Check-up"


def test_filled_replaces_once():
    assert filled("{{ title }}", {"title": "{{ reason }}", "reason": "no"}) == "{{ reason }}"


def test_filled_leaves_out_lines_whose_variables_have_nothing_to_say():
    text = "Hello\n\nReason: {{ reason }}\n\nCall {{ client_phone }} or {{ client_email }}\nBye {{ reason }}"

    assert filled(text, {"client_email": "a@b.org"}) == "Hello\n\nCall  or a@b.org"


def test_filled_leaves_no_more_than_one_empty_line():
    assert filled("a\n\n\n\nb\r\n\r\n\r\nc\n", {}) == "a\n\nb\n\nc"


def test_filled_html_makes_paragraphs_and_escapes_everything():
    html = filled_html("a & <b>\nb\n\n{{ title }}", {"title": "<script>alert('1')</script>"})

    assert html == (
        '<p dir="auto">a &amp; &lt;b&gt;<br>b</p>\n'
        '<p dir="auto"><bdi>&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;</bdi></p>'
    )


def test_filled_html_links_addresses_in_the_words_and_not_in_what_people_call_themselves():
    html = filled_html(
        "{{ client_name }} https://example.org/a?b=1&c=2 {{ client_email }}",
        {"client_name": "http://evil.example", "client_email": "a@evil.example"},
    )

    assert html.count("<a ") == 1
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html


@pytest.mark.parametrize("name", LINKS)
def test_filled_html_makes_a_button_of_a_link(name):
    html = filled_html(f"Here: {{{{ {name} }}}}", {name: 'https://example.org/?a="&b'})

    assert '<a href="https://example.org/?a=&quot;&amp;b" style=' in html
    assert f">{LINKS[name]}</a>" in html


def test_filled_html_leaves_out_what_has_nothing_to_say():
    assert filled_html("Hello\n\nReason: {{ reason }}", {"reason": ""}) == '<p dir="auto">Hello</p>'


def test_filled_html_cannot_be_broken_out_of_from_within_an_address():
    html = filled_html('https://example.org/"><script>{{ title }}', {"title": '"><script>'})

    assert "<script" not in html
