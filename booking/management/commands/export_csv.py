"""Exports clients, services, working hours or appointments as CSV."""

from typing import Any

from django.core.management import BaseCommand, CommandParser

from booking.imports.kinds import SHEETS
from scheduler_project.common.files.csv_export import csv_lines


class Command(BaseCommand):
    help = "Write a CSV file to the standard output, with the columns that import_csv reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sheet", choices=list(SHEETS))

    def handle(self, *args: Any, **options: Any) -> None:
        sheet = SHEETS[options["sheet"]]
        for line in csv_lines(sheet.header, sheet.everything()):
            self.stdout.write(line, ending="")
