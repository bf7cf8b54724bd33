"""The translations: every string of the source has one in every language, which keeps what is to be filled in.

`make messages` brings the catalogues up to date; nothing here needs GNU gettext.
"""

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

from scheduler_project.embedded import PROJECT

LOCALE = PROJECT / "locale"
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\{.*?\}\}|`[^`]*`")
FUNCTIONS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
"""Django's functions that mark texts to translate, with the positions of context, singular and plural."""

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def catalogue(language: str) -> Catalog:
    return read_po(BytesIO((LOCALE / language / "LC_MESSAGES/django.po").read_bytes()), locale=language)


def messages(language: str) -> list[Message]:
    return [message for message in catalogue(language) if message.id]


def forms(of: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """A string, or its singular and plural."""
    return (of,) if isinstance(of, str) else tuple(of)


def sources() -> Iterator[tuple[Path, bytes]]:
    """Yield the Python of the code, and of the templates as Django converts them."""
    for app in ("accounts", "analytics", "booking", "reminders", "scheduler_project"):
        for path in sorted((PROJECT / app).rglob("*.py")):
            yield path, path.read_bytes()
    for path in sorted((PROJECT / "templates").rglob("*.*")):
        lines = templatize(path.read_text()).splitlines()
        yield path, "\n".join(line.strip() for line in lines).encode()  # Python minds how they are indented.


def marked() -> set[tuple[str | None, str]]:
    """Context and string (of two forms the first) of all that is marked in the source."""
    return {
        (context, forms(found)[0])
        for _path, source in sources()
        for _line, found, _comments, context in extract("python", BytesIO(source), keywords=FUNCTIONS)
    }


@in_every_language
def test_catalogue_has_every_string_of_the_source_and_no_other(language):
    there = {(message.context, forms(message.id)[0]) for message in messages(language)}

    assert {"missing": marked() - there, "needless": there - marked()} == {"missing": set(), "needless": set()}


@in_every_language
def test_every_string_is_translated_and_none_guessed(language):
    assert [message.id for message in messages(language) if message.fuzzy or not all(forms(message.string))] == []


@in_every_language
def test_translations_keep_what_is_filled_in(language):
    """And the line breaks and spaces at either end. Of a plural the form for many counts."""
    changed = {}
    for message in messages(language):
        original, translated = forms(message.id)[-1], forms(message.string)[-1]
        if sorted(PLACEHOLDER.findall(original)) != sorted(PLACEHOLDER.findall(translated)):
            changed[original] = translated
        if original[:1].isspace() != translated[:1].isspace() or original[-1:].isspace() != translated[-1:].isspace():
            changed[original] = translated

    assert changed == {}


@in_every_language
def test_compiled_catalogue_says_what_the_written_one_does(language):
    with (LOCALE / language / "LC_MESSAGES/django.mo").open("rb") as file:
        compiled = GNUTranslations(file)

    def said(message: Message) -> tuple[str, ...]:
        one, *many = forms(message.id)
        if many:
            return tuple(compiled.ngettext(one, many[0], number) for number in (1, 2))
        return (compiled.pgettext(message.context, one) if message.context else compiled.gettext(one),)

    assert {message.id: said(message) for message in messages(language)} == {
        message.id: forms(message.string) for message in messages(language)
    }
