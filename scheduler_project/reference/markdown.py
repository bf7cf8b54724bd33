"""Markdown for the pages of the reference."""

from collections.abc import Iterable, Sequence

NOTE = "<!-- Made from the code by `make reference`; edit there. -->"


def generated_page(title: str, *parts: str) -> str:
    """Return a page: its title, a note that it is generated, and its parts with a blank line between them."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts)]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. A `|` in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code; "" for an empty text."""
    return f"`{text}`" if text else ""


def block(text: str, language: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text}\n```"
