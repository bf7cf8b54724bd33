"""Refusals as models read them: those of the API, each with what to do. All texts are those of the documentation."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError

from scheduler_project.common.api.errors import ExceptionFormatter
from scheduler_project.documentation.guides import DOCS, ERRORS

STATUSES = DOCS / "howto" / "api" / "4-errors.md"
"""The page that says what to do, by the status of an answer."""

OF_A_CHECK = "A field failed this check. The refusal names it in `attr`, and says in `detail` what it must be."
"""The message of codes that the reference lists without one: those of fields."""


def refusal(error: APIException) -> dict[str, Any]:
    """Return an error of ours as the API writes it."""
    context: Any = {}  # the formatter reads nothing of it
    return explained(ExceptionFormatter(error, context, error).run() or {}, error.status_code)


def explained(body: dict[str, Any], status: int) -> dict[str, Any]:
    """Return a refusal of the API with its status, and what to do."""
    return {**body, "status": status, "do": what_to_do().get(status, "")}


def explain(code: Any) -> dict[str, Any]:
    """Return what there is to know about a code. Raises ValidationError for one that there is not."""
    rows = [row for row in codes() if row["code"] == code]
    if not rows:
        raise ValidationError({"code": [_("Unknown code.")]}, code="invalid_choice")
    return {"code": code, "meanings": rows}


@cache
def what_to_do() -> dict[int, str]:
    return {int(status): row["do"] for row in tables(STATUSES) for status in row["status"].split(", ")}


@cache
def codes() -> list[dict[str, Any]]:
    """Return all codes of the API with their status, the fields they are about, their usual message, where they occur
    and what to do. Codes of imported files have no status."""
    return [
        {
            "code": row["code"].strip("`"),
            "status": int(row.get("status", 400)),
            "fields": re.findall(r"\w+", row.get("field", "")),
            "message": row.get("message", OF_A_CHECK),
            "about": row["heading"] if "message" in row else "Any request",
            "do": row["do"],
        }
        for row in tables(ERRORS)
        if "status" in row or "message" not in row
    ]


def tables(page: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the tables of a page of docs/: each with its cells by the names of their columns."""
    heading, names = "", None
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            names = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if names is None:
            names = cells
        elif not all(set(cell) <= {"-"} for cell in cells):
            yield {**dict(zip(names, cells, strict=True)), "heading": heading}
