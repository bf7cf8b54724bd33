"""Checks that nothing is booked twice, lost or forgotten."""

import json
from collections import Counter
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduler_project.common.db.invariants import MOST, as_dict, inspect, invariants


class Command(BaseCommand):
    help = (
        "Look whether the database keeps its promises: no overlaps, claims that match slots, appointments that match "
        "their history, reminders that are owed. Changes nothing; ends with 1 and names the rows if it does not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="name the rows as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = inspect(now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps([as_dict(row) for row in broken], indent=1))
        else:
            for row in broken:
                self.stdout.write(f"{row.check}: {row.table} {row.pk}: {row.problem}")
            for name, count in Counter(row.check for row in broken).items():
                if count == MOST:
                    self.stdout.write(f"{name}: only the first {MOST} rows are named.")
        if broken:
            raise CommandError(f"{len(broken)} rows are not as they should be.", returncode=1)
        if not options["json"]:
            self.stdout.write(f"All is well: {len(invariants)} checks.")
