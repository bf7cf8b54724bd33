"""Imports in tests: by the system itself and at NOON, by default."""

from scheduler_project.common.files.csv_export import csv_lines
from scheduler_project.common.files.imports import ImportOptions, ImportPolicy, ImportReport, Sheet, carry_out
from tests.factories import NOON, SYSTEM

ROW_BY_ROW, ALL_OR_NOTHING = ImportPolicy.ROW_BY_ROW, ImportPolicy.ALL_OR_NOTHING


def run(sheet: Sheet, text: str | bytes, policy=ROW_BY_ROW, *, actor=SYSTEM, now=NOON, **options) -> ImportReport:
    content = text.encode() if isinstance(text, str) else text
    return carry_out(sheet, content, import_options=ImportOptions(actor, now, options), policy=policy)


def outcomes(report: ImportReport) -> list[str]:
    return [str(result.outcome) for result in report.results]


def refusals(report: ImportReport) -> list[tuple[int, str, str | None]]:
    """Return line, code and field of each refusal."""
    return [
        (result.row.number, refusal.code, refusal.field)
        for result in report.results
        for refusal in result.refusals
        if result.row
    ]


def exported(sheet: Sheet) -> str:
    return "".join(csv_lines(sheet.header, sheet.everything()))
