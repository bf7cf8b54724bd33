"""CSV that programs open without running anything of it."""

import csv
from io import StringIO

import pytest

from scheduler_project.common.sheets import csv_lines, csv_response, csv_safe


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_csv_safe_neutralises_formulas(cell):
    assert csv_safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Ada", "a=1", "", " =1", -5, 0.25, "–"])
def test_csv_safe_leaves_the_rest(cell):
    assert csv_safe(cell) == cell


def test_csv_safe_writes_nothing_for_nothing():
    assert csv_safe(None) == ""


def test_csv_lines_are_read_back_as_they_were():
    text = "".join(csv_lines(["Näme", "n"], [['a "b", c\nd', 1], [None, 2.5]]))

    assert text.startswith("\ufeff")
    assert list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""))) == [
        ["Näme", "n"],
        ['a "b", c\nd', "1"],
        ["", "2.5"],
    ]


def test_csv_response_streams_a_file():
    response = csv_response("days.csv", ["=a"], [])

    assert response.streaming
    assert response.headers["Content-Disposition"] == 'attachment; filename="days.csv"'
    assert response.getvalue() == b"\xef\xbb\xbf'=a\r\n"
