"""Tables as files: CSV whose cells no spreadsheet runs, and JSON, both written while their rows are read."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What the cells begin with that a spreadsheet would run (OWASP, “CSV injection”)."""

BOM = "\ufeff"
"""By which Excel knows UTF-8."""


def csv_safe(value: Any) -> Any:
    """A cell as it is written: text that a spreadsheet would run gets an apostrophe. `csv_plain` takes it off again."""
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
    """A cell as it was before `csv_safe`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file (RFC 4180), one by one."""
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow([csv_safe(name) for name in header])
    for row in rows:
        yield writer.writerow([csv_safe(value) for value in row])


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A CSV file to save as `name`, sent while `rows` are read."""
    return _file(name, "text/csv; charset=utf-8", csv_lines(header, rows))


def json_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """The same rows as a JSON list of objects."""
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
