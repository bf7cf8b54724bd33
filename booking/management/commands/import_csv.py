"""Imports clients, services, working hours or appointments from a CSV file."""

from typing import Any

from django.core.management import CommandParser

from booking.imports.commands import ImportCommand
from booking.imports.kinds import SHEETS


class Command(ImportCommand):
    help = "Import a CSV file (columns: docs/reference/import-columns.md). The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sheet", choices=list(SHEETS))
        parser.add_argument("file")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(SHEETS[options["sheet"]], options["file"], options)
