"""Parsing of uploaded tables: strict, within limits, with reasons for refusals."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from scheduler_project.common.errors import DomainError, ErrorKind
from scheduler_project.common.files.csv_export import BOM, csv_plain

SEPARATORS = (",", ";", "\t")


NOT_READ = "error"
"""The column with errors added by `imports.rejects`; ignored when the corrected file is uploaded again."""


LONGEST_CELL = 20_000


LONGEST_HEADER = 20_000


MOST_COLUMNS = 100


SHOWN = 5
"""Number of names listed in a refusal."""


class FileRefused(DomainError):
    """A refusal to read the file at all; the code is the reason."""

    message = gettext_lazy("We can't read this file.")

    def __init__(self, code: str, message: str, kind: ErrorKind = ErrorKind.INVALID) -> None:
        super().__init__(message, field="file")
        self.code, self.kind = code, kind


@dataclass
class Row:
    """One row of a file: its first line, its cells by column, and the errors found so far."""

    number: int
    cells: dict[str, str]
    refusals: list[DomainError] = field(default_factory=list)


def check_size(size: int) -> None:
    """Raise FileRefused (`file_too_large`) if the number of bytes exceeds the limit."""
    if size > settings.IMPORT_MAX_BYTES:
        says = _("The file is %(size).1f MB. The limit is %(most).1f MB; split it into smaller files.")
        sizes = {"size": size / 1e6, "most": settings.IMPORT_MAX_BYTES / 1e6}
        raise FileRefused("file_too_large", says % sizes, ErrorKind.TOO_LARGE)


def check_number(number: int) -> None:
    """Raise FileRefused (`too_many_rows`) if the number of rows exceeds the limit."""
    if number > settings.IMPORT_MAX_ROWS:
        says = _("The file has more than %d rows. Split it into smaller files.")
        raise FileRefused("too_many_rows", says % settings.IMPORT_MAX_ROWS, ErrorKind.TOO_LARGE)


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark, or in Windows-1252, as Excel saves it."""
    if b"\0" in content or content.startswith(b"PK\x03\x04"):
        raise FileRefused("not_text", _("This isn't a text file. In Excel, save it as “CSV UTF-8”."))
    for encoding in ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding).removeprefix(BOM)
        except UnicodeDecodeError:
            continue
        if not text.strip():
            raise FileRefused("file_empty", _("The file is empty."))
        return text
    raise FileRefused("unknown_encoding", _("The file's encoding isn't UTF-8 or Windows-1252. Save it as UTF-8."))


def read_csv(content: bytes, *, columns: Collection[str], required: Collection[str]) -> list[Row]:
    """Return the non-empty rows of a CSV file with a header line, separated by commas, semicolons or tabs.

    Raises FileRefused for unknown, duplicate or missing columns, before any row is read.
    """
    check_size(len(content))
    text = decoded(content)
    header, separator = _header(text, columns)
    _check_header(header, columns, required)
    rows = []
    for number, cells in _records(text, separator, skip=1):
        if any(cell.strip() for cell in cells):
            rows.append(_row(number, header, cells))
            check_number(len(rows))
    if not rows:
        raise FileRefused("file_empty", _("The file has no rows below its column names."))
    return rows


def _header(text: str, columns: Collection[str]) -> tuple[list[str], str]:
    """Return the column names and the separator, which is the one that gives most known columns."""
    line = text.lstrip("\r\n")[: LONGEST_HEADER + 1]
    best: tuple[list[str], str] = ([], SEPARATORS[0])
    known = -1
    for separator in SEPARATORS:
        first = next(_records(line.splitlines()[0], separator), (1, []))[1]
        names = [name.strip().lower().replace(" ", "_") for name in first]
        found = len(set(names) & set(columns))
        if found > known:
            best, known = (names, separator), found
    return best


def _check_header(header: Sequence[str], columns: Collection[str], required: Collection[str]) -> None:
    if len(header) > MOST_COLUMNS or sum(map(len, header)) > LONGEST_HEADER:
        raise FileRefused("too_many_columns", _("The file has more than %d columns.") % MOST_COLUMNS)
    unknown = [name for name in header if name not in columns and name != NOT_READ]
    if not set(header) & set(columns):
        says = _(
            "The first line doesn't name any of these columns: %s. Check that this is a CSV file with column names."
        )
        raise FileRefused("not_csv", says % ", ".join(columns))
    if unknown:
        says = ngettext("Unknown column: %s.", "Unknown columns: %s.", len(unknown))
        raise FileRefused("unknown_columns", says % _few(unknown))
    missing = [name for name in columns if name in required and name not in header]
    if missing:
        says = ngettext("This column is missing: %s.", "These columns are missing: %s.", len(missing))
        raise FileRefused("missing_columns", says % ", ".join(missing))
    twice = sorted(name for name, number in Counter(header).items() if number > 1)
    if twice:
        raise FileRefused("repeated_columns", _("Columns that appear more than once: %s.") % ", ".join(twice))


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name[:40]}”" for name in names[:SHOWN])
    return shown + (_(" and %d more") % (len(names) - SHOWN) if len(names) > SHOWN else "")


def _records(text: str, separator: str, skip: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line (counted from 1) and the cells of each non-empty record, without the first `skip` ones."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells and skip:
                skip -= 1
            elif cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        says = _("The file isn't valid CSV from line %d: a quote isn't closed or is in the wrong place.")
        raise FileRefused("not_csv", says % begins) from error


def _row(number: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    row = Row(number, {name: csv_plain(cell).strip() for name, cell in zip(header, cells, strict=False)})
    row.cells |= dict.fromkeys(header[len(cells) :], "")
    row.cells.pop(NOT_READ, None)
    if any(cell.strip() for cell in cells[len(header) :]):
        says = _("This row has %(cells)d cells, but the file has %(columns)d columns.")
        row.refusals.append(RowRefused("too_many_cells", says % {"cells": len(cells), "columns": len(header)}))
    long = next((name for name, cell in row.cells.items() if len(cell) > LONGEST_CELL), None)
    if long:
        row.refusals.append(RowRefused("too_long", _("At most %d characters.") % LONGEST_CELL, field=long))
        row.cells[long] = row.cells[long][:100]
    return row


class RowRefused(DomainError):
    """A refusal to import a row; the code is the reason."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.code = code
