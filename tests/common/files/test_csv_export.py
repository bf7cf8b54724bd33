"""CSV that no spreadsheet runs, and that comes back as it was."""

import csv
from io import StringIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_project.common.files.csv_export import BOM, csv_lines, csv_plain, csv_response, csv_safe, json_response
from tests.factories import NOON


@pytest.mark.parametrize("first", "=+-@\t\r\n")
def test_keeps_a_cell_from_being_run(first):
    assert csv_safe(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (-1, -1),
        (-0.5, -0.5),
        ([1, 2], "1, 2"),
        ({"a": 1}, '{"a":1}'),
        (NOON, "2026-03-02 12:00:00+00:00"),
        (NOON.date(), "2026-03-02"),
        ("Kim", "Kim"),
        ("'Kim'", "'Kim'"),
    ],
)
def test_writes_values(value, cell):
    assert csv_safe(value) == cell


@given(st.text())
def test_takes_off_what_it_put_on(text):
    assert csv_plain(csv_safe(text)) == text


@given(st.text())
def test_no_cell_begins_as_a_formula(text):
    assert not csv_safe(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_writes_what_csv_readers_read():
    rows = [["Müller, “A”", 'says "yes"'], ["two\nlines", "=1"]]

    text = "".join(csv_lines(["a", "b"], rows))

    assert text.startswith(BOM)
    assert list(csv.reader(StringIO(text.removeprefix(BOM), newline=""))) == [
        ["a", "b"],
        ["Müller, “A”", 'says "yes"'],
        ["two\nlines", "'=1"],
    ]


def test_sends_a_file_while_its_rows_are_read():
    read = []

    def rows():
        for number in range(3):
            read.append(number)
            yield [number]

    parts = iter(csv_response("x.csv", ["n"], rows()).streaming_content)

    assert [next(parts), next(parts)] == [f"{BOM}n\r\n".encode(), b"0\r\n"]
    assert read == [0]


@pytest.mark.parametrize("rows", [[], [[1, NOON]], [[1, None], [2, "=1"]]])
def test_sends_json(rows):
    body = b"".join(json_response("x.json", ["a", "b"], iter(rows)).streaming_content)

    assert orjson.loads(body) == orjson.loads(orjson.dumps([dict(zip("ab", row, strict=True)) for row in rows]))
