"""Tables as CSV, for programs that people open tables with."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that Excel, LibreOffice and Google Sheets would take for a formula."""

BOM = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""


class _Line:
    """What csv writes into: a line is what was written last."""

    def write(self, text: str) -> str:
        return text


def csv_safe(cell: Any) -> Any:
    """A cell that no program runs: text that begins like a formula gets an apostrophe before it. Numbers stay."""
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.startswith(FORMULAS):
        return f"'{cell}"
    return cell


def csv_lines(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a table, RFC 4180, with a BOM before the first."""
    writer = csv.writer(_Line())
    yield BOM + writer.writerow([csv_safe(cell) for cell in header])
    for row in rows:
        yield writer.writerow([csv_safe(cell) for cell in row])


def csv_response(name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A table to be saved as `name`, which is ours to choose: ASCII without quotes."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
