"""The base of the commands that import: it reads the file, imports it, and reports row by row."""

from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.actors import Actor, Source
from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.csv_reader import check_size
from scheduler_project.common.files.imports import (
    ImportOptions,
    ImportPolicy,
    RowOutcome,
    Sheet,
    carry_out,
    rejects,
    why,
)

MARKS = {
    RowOutcome.NEW: "+",
    RowOutcome.CHANGED: "~",
    RowOutcome.UNCHANGED: "=",
    RowOutcome.REMOVED: "-",
    RowOutcome.REFUSED: "!",
}


class ImportCommand(BaseCommand):
    """Imports a file. Ends with status 1 if rows were refused."""

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--dry-run", action="store_true", help="Show what would happen to each row; change nothing.")
        how.add_argument("--all-or-nothing", action="store_true", help="Import nothing if a single row is refused.")
        how.add_argument("--row-by-row", action="store_true", help="Import the good rows, report the others.")
        parser.add_argument(
            "--rejects", metavar="FILE", help="Write the refused rows there, with a column that says why."
        )
        parser.add_argument("--outside-hours", action="store_true", help="Book outside the hours as well. Recorded.")
        parser.add_argument("--past", action="store_true", help="Take over the past as well. Recorded.")
        parser.add_argument("--add-clients", action="store_true", help="Add clients there are not.")
        parser.add_argument("--tell", action="store_true", help="Tell both sides, and webhooks, of what is imported.")

    def run(self, sheet: Sheet, file: str, chosen: dict[str, Any], more: dict[str, Any] | None = None) -> None:
        path = Path(file)
        try:
            check_size(path.stat().st_size)
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except DomainError as refusal:
            raise CommandError(f"{refusal.message} [{refusal.code}]") from refusal
        policy = None
        if not chosen["dry_run"]:
            policy = ImportPolicy.ALL_OR_NOTHING if chosen["all_or_nothing"] else ImportPolicy.ROW_BY_ROW
        options = {option.name: chosen[option.name] for option in sheet.options} | (more or {})
        import_options = ImportOptions(Actor(None, Source.COMMAND), timezone.now(), options)
        try:
            report = carry_out(sheet, content, import_options=import_options, policy=policy)
        except DomainError as refusal:
            raise CommandError(f"{refusal.message} [{refusal.code}]") from refusal
        for result in report.results:
            if result.outcome != RowOutcome.UNCHANGED or chosen["verbosity"] > 1:
                line = result.row.number if result.row else ""
                says = why(result) if result.outcome == RowOutcome.REFUSED else result.says
                self.stdout.write(f"{MARKS[result.outcome]} {line:>5} {result.about} {says}".rstrip())
        counts = ", ".join(f"{number} {outcome}" for outcome, number in report.counts().items() if number)
        self.stdout.write(f"{counts}. " + ("Done." if report.done else "Nothing was changed."))
        refused = report.of(RowOutcome.REFUSED)
        if chosen["rejects"] and refused:
            Path(chosen["rejects"]).write_text(rejects(sheet, report), encoding="utf-8", newline="")
        if refused:
            raise CommandError(f"Refused rows: {len(refused)}.")
