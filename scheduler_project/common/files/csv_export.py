"""Export of tables: CSV without cells that spreadsheets run as formulas, and JSON, both streamed."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters at the beginning of a cell that make a spreadsheet run it (OWASP, “CSV injection”)."""


BOM = "\ufeff"
"""The byte order mark by which Excel recognizes UTF-8."""


def csv_safe(value: Any) -> Any:
    """Return a cell for a CSV file: formulas get an apostrophe, which `csv_plain` removes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    elif isinstance(value, dict):
        value = orjson.dumps(value).decode()
    text = str(value)
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def csv_plain(text: str) -> str:
    """Return the original of a cell written by `csv_safe`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


class _Echo:
    """A file-like object that returns what is written."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180)."""
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow([csv_safe(name) for name in header])
    for row in rows:
        yield writer.writerow([csv_safe(value) for value in row])


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Return a CSV file named `name`, streamed while `rows` are read."""
    return _file(name, "text/csv; charset=utf-8", csv_lines(header, rows))


def json_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Return a JSON file named `name`, a list of objects, streamed while `rows` are read."""
    return _file(name, "application/json", _json_lines(header, rows))


def _json_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    before = b"[\n"
    for row in rows:
        yield before + orjson.dumps(dict(zip(header, row, strict=True)), default=str)
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def _file(name: str, kind: str, parts: Iterable[str] | Iterable[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
