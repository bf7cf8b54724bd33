"""Imports appointments from a calendar file."""

from typing import Any

from django.core.management import CommandParser

from booking.imports.commands import ImportCommand
from booking.imports.kinds import CALENDAR


class Command(ImportCommand):
    help = "Import the events of an iCalendar file as appointments of one provider. The same file changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--provider", required=True, metavar="SLUG", help="Whose calendar it is.")
        parser.add_argument("--client-email", default="", help="The client of events that name nobody.")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        more = {"provider": options["provider"], "client_email": options["client_email"]}
        self.run(CALENDAR, options["file"], options, more)
