"""Parsing of pages as people see them: text, links, buttons."""

import re
from html import unescape


def reminded(*rows, kept=()):
    """Return the form data of rows that set the offsets of reminders, each with a number and a unit."""
    return {
        "reminder_offsets": "own",
        "reminder_offsets_number": [number for number, _unit in rows],
        "reminder_offsets_unit": [unit for _number, unit in rows],
        "reminder_offsets_kept": list(kept),
    }


def text_of(answer):
    """Return the text of a page, with single blanks."""
    page = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", page).split()))


def links_of(answer):
    return [unescape(link) for link in re.findall(r'<a [^>]*href="([^"]*)"', answer.content.decode())]


def times_of(answer):
    """Return the offered times: the value of each button, and its accessible name."""
    found = re.findall(r'name="at" value="([^"]+)" aria-label="([^"]+)"', answer.content.decode())
    return {value: unescape(label) for value, label in found}
