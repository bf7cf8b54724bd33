"""Parsing takes time linear in the length of the text, whatever it contains.

Regular expressions and Unicode's sorting of marks block the whole process, even its event loop."""

import json
import time
import unicodedata
from collections.abc import Callable

import pytest

from scheduler_project.common.api.content import DuplicateField, refuse_duplicates
from scheduler_project.common.audit.redaction import SECRET_NAME, redact
from scheduler_project.common.validators import JOINER, MOST_MARKS, composed, has_link

LENGTH = 40_000
SECONDS = 1.0
"""Linear takes a tenth of it, a square many times as much."""

PIECES = [
    "a",
    "a.",
    "-",
    "abc.ab/",
    "www1.",
    "a://",
    "a://b:",
    "token",
    "token ",
    'token="',
    "-eyJaaaaaa",
    "eyJaaaaaa.",
    "password",
    "password.",
    "/password/reset/",
    "secret:\\",
    "\u0301\u0327",
]


def seconds_of(work: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    work(text)
    return time.thread_time() - began


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("work", [has_link, redact, SECRET_NAME.search, composed], ids=lambda work: work.__name__)
def test_text_costs_what_its_length_is(work: Callable[[str], object], piece: str):
    assert seconds_of(work, "a" + piece * (LENGTH // len(piece)) + "!") < SECONDS


def test_unicode_alone_costs_a_square():
    marks = "a" + "\u0301\u0327" * (LENGTH // 2)

    alone = seconds_of(lambda text: unicodedata.normalize("NFC", text), marks)

    assert alone > 5 * seconds_of(composed, marks)


@pytest.mark.parametrize("twice", ["0", "last"])
def test_body_with_many_names_costs_what_its_length_is(twice: str):
    body = json.dumps(dict.fromkeys(map(str, range(LENGTH)))).removesuffix("}") + f', "{twice}": 1, "{twice}": 2}}'

    def read(text: str) -> None:
        with pytest.raises(DuplicateField):
            refuse_duplicates(text.encode())

    assert seconds_of(read, body) < SECONDS


# --- What many marks become -------------------------------------------------------------------------------------------


def test_marks_that_a_language_has_stay_as_they_are():
    text = "A" + "\u0327\u0302" * (MOST_MARKS // 2)

    assert composed(text) == unicodedata.normalize("NFC", text)


def test_marks_beyond_are_parted_and_none_is_lost():
    text = "a" + "\u0301" * (3 * MOST_MARKS) + "b"

    found = composed(text)

    assert found.replace(JOINER, "") == composed("a\u0301")[0] + "\u0301" * (3 * MOST_MARKS - 1) + "b"
    assert composed(found) == found
