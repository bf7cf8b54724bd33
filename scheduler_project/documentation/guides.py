"""The guides in front of the reference, docs/howto/api/ in the order of their numbers, and the table of error codes."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings

DOCS = Path(settings.BASE_DIR) / "docs"
ERRORS = DOCS / "reference" / "errors.md"
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
"""A link to another page of docs/, which no reader of the API's documentation has."""


def pages() -> list[Path]:
    return sorted((DOCS / "howto" / "api").glob("[0-9]*.md"))


def put_in_front(result: dict[str, Any]) -> None:
    """Put the guides after the description of the API, each under its heading, and say where error codes are listed."""
    texts = [result["info"]["description"], *(guide(page) for page in pages()), error_codes()]
    result["info"]["description"] = "\n\n".join(texts)
    code = result["components"]["schemas"]["RefusalError"]["properties"]["code"]
    code["description"] += " All are listed under [Error codes](#section/Error-codes)."


def guide(page: Path) -> str:
    """Return a guide without its links into docs/, of which the words stay."""
    return LINK.sub(r"\1", page.read_text(encoding="utf-8")).strip()


def error_codes() -> str:
    """Return the reference of error codes under a heading of its own."""
    return re.sub(r"\A# .*\n\n<!-- .* -->", "# Error codes", guide(ERRORS))
