"""Reading pages as people do: their words, their links, their buttons."""

import re
from html import unescape


def reminded(*rows, kept=()):
    """What the rows send in which one chooses when to be reminded: a number and a unit each."""
    return {
        "reminder_offsets": "own",
        "reminder_offsets_number": [number for number, _unit in rows],
        "reminder_offsets_unit": [unit for _number, unit in rows],
        "reminder_offsets_kept": list(kept),
    }


def text_of(answer):
    """The words of a page, with single blanks."""
    page = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", page).split()))


def links_of(answer):
    return [unescape(link) for link in re.findall(r'<a [^>]*href="([^"]*)"', answer.content.decode())]


def times_of(answer):
    """The times that can be taken: what each button sends, and how it is announced."""
    found = re.findall(r'name="at" value="([^"]+)" aria-label="([^"]+)"', answer.content.decode())
    return {value: unescape(label) for value, label in found}
