"""The command that writes the pages of the reference."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from scheduler_project.reference import errors, import_columns, permissions, webhook_events
from scheduler_project.reference import settings as environment

FOLDER = Path(settings.BASE_DIR) / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": environment.page,
    "errors.md": errors.page,
    "webhook-events.md": webhook_events.page,
    "permissions.md": permissions.page,
    "import-columns.md": import_columns.page,
}


class Command(BaseCommand):
    help = "Write the pages of docs/reference/ that are made from the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a page differs from the code")

    def handle(self, **options: Any) -> None:
        differing = {name: text for name in PAGES if text_of(name) != (text := made(name))}
        if options["check"]:
            if differing:
                raise CommandError(f"Not as the code has it: {', '.join(differing)}. Run `make reference`.")
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in differing.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"docs/reference/{name}")


def made(name: str) -> str:
    """Return a page generated from the code, in English whatever language is active."""
    with translation.override("en"):
        return PAGES[name]()


def text_of(name: str) -> str:
    """Return a page as it is in the docs; "" if it is not there."""
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
