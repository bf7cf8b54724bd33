"""Uploaded files: accepted formats, and the codes of refusals."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_project.common.files.csv_reader import FileRefused, read_csv

COLUMNS = ("name", "email", "notes")


def read(content, **more):
    content = content.encode() if isinstance(content, str) else content
    return read_csv(content, columns=COLUMNS, required=more.get("required", ("name",)))


def cells(content):
    return [row.cells for row in read(content)]


def refused(content):
    with pytest.raises(FileRefused) as refusal:
        read(content)
    return refusal.value.code, str(refusal.value.message)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_finds_out_what_parts_the_cells(separator):
    text = f"name{separator}email\nKim{separator}kim@example.org\n"

    assert cells(text) == [{"name": "Kim", "email": "kim@example.org"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_reads_encodings(encoding):
    assert cells("name;notes\nZoë;Größe – 5 €\n".encode(encoding)) == [{"name": "Zoë", "notes": "Größe – 5 €"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_reads_line_ends_and_quoted_newlines(end):
    text = end.join(["name,notes", 'Kim,"one', 'two, ""three"""', "Sam,", ""])

    rows = read(text)

    assert [row.cells["name"] for row in rows] == ["Kim", "Sam"]
    assert rows[0].cells["notes"].splitlines() == ["one", 'two, "three"']
    assert [row.number for row in rows] == [2, 4]


def test_leaves_out_empty_rows_and_fills_short_ones():
    assert cells("Name , E-Mail\n".replace("E-Mail", "EMAIL") + "\n , \nKim\n") == [{"name": "Kim", "email": ""}]


def test_takes_off_the_apostrophe_of_its_own_export():
    assert cells("name,notes\n'=Kim,'+49\n'Kim',''=1\n") == [
        {"name": "=Kim", "notes": "+49"},
        {"name": "'Kim'", "notes": "'=1"},
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b" \n\n", "file_empty"),
        (b"\xef\xbb\xbf", "file_empty"),
        (b"name\n", "file_empty"),
        (b"name\nK\0im\n", "not_text"),
        ("name\nKim\n".encode("utf-16"), "not_text"),
        (b"PK\x03\x04 a workbook", "not_text"),
        (b"name\n\x81\xff\n", "unknown_encoding"),
        (b"%PDF-1.7 whatever", "not_csv"),
        (b"Kim,kim@example.org\n", "not_csv"),
        (b'name,notes\nKim,"never closed\n', "not_csv"),
        (b'name,notes\nKim,"a"b\n', "not_csv"),
        (b"name,nickname\nKim,K\n", "unknown_columns"),
        (b"name,\nKim,K\n", "unknown_columns"),
        (b"email\nkim@example.org\n", "missing_columns"),
        (b"name,email,name\nKim,k,Kim\n", "repeated_columns"),
        (b"name," + b"x," * 10_000 + b"\nKim\n", "too_many_columns"),
        (b"name\n" + b"a" * 200_000 + b"\n", "not_csv"),
    ],
)
def test_refuses_a_file(content, code):
    assert refused(content)[0] == code


def test_names_the_columns_nobody_knows():
    assert refused("name,nickname,=cmd\nKim,K,x\n") == (
        "unknown_columns",
        "Unknown columns: “nickname”, “=cmd”.",
    )


def test_reads_as_many_rows_as_the_setting_allows(settings):
    settings.IMPORT_MAX_ROWS = 3

    assert len(read("name\n" + "Kim\n" * 3)) == 3
    assert refused("name\n" + "Kim\n" * 4)[0] == "too_many_rows"


def test_reads_as_many_bytes_as_the_setting_allows(settings):
    settings.IMPORT_MAX_BYTES = 9

    assert len(read("name\nKim\n")) == 1
    assert refused("name\nKimm\n\n")[0] == "file_too_large"


def test_refuses_a_row_with_cells_beyond_the_columns():
    [row] = read("name,email\nKim,k,x\n")

    assert [(refusal.code, refusal.field) for refusal in row.refusals] == [("too_many_cells", None)]


def test_refuses_a_cell_that_is_too_long():
    [row] = read("name,notes\nKim," + "x" * 20_001 + "\n")

    assert [(refusal.code, refusal.field) for refusal in row.refusals] == [("too_long", "notes")]


@given(st.binary(max_size=300))
def test_reads_or_refuses_whatever_comes(content):
    try:
        rows = read(content)
    except FileRefused:
        return
    assert rows


@given(st.binary(max_size=200))
def test_reads_or_refuses_whatever_follows_the_columns(content):
    with suppress(FileRefused):
        assert read(b"name,email,notes\n" + content)
