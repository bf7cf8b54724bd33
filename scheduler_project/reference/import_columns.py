"""The columns of imports. The prose is in the page itself; its tables are made from the sheets."""

import re
from pathlib import Path

from django.conf import settings

from booking.imports.kinds import SHEETS
from scheduler_project.common.files.cells import Column
from scheduler_project.reference import markdown

PAGE = Path(settings.BASE_DIR) / "docs" / "reference" / "import-columns.md"

TABLE = re.compile(r"(<!-- columns of (\w+):[^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)


def page() -> str:
    """Return the page, each of its tables as the sheet has it."""
    made = {name: markdown.table(("column", "cells"), map(_row, sheet.columns)) for name, sheet in SHEETS.items()}
    return TABLE.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}", PAGE.read_text(encoding="utf-8"))


def _row(column: Column) -> tuple[str, str]:
    return markdown.code(column.name), "; ".join(filter(None, ["needed" if column.is_needed else "", column.about]))
