"""The common part of all imports: read a file, check each row, and import all rows or the valid ones.

An app describes its rows in a `Sheet`. A preview is the import itself, rolled back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.errors import DomainError, NotAllowed
from scheduler_project.common.files.cells import Cells, Column
from scheduler_project.common.files.csv_export import csv_lines
from scheduler_project.common.files.csv_reader import NOT_READ, Row, RowRefused, read_csv
from scheduler_project.common.operations import operation, preview, undo

T = TypeVar("T")


M = TypeVar("M", bound=models.Model)


Key = tuple[Any, ...]


BATCH = 500


CHANGED_AT_ONCE = 100
"""Rows per statement: PostgreSQL compares every value line of an UPDATE … FROM (VALUES …) with every row."""


class RowOutcome(models.TextChoices):
    """Outcomes of a row."""

    NEW = "new", gettext_lazy("new")
    CHANGED = "changed", gettext_lazy("changed")
    UNCHANGED = "unchanged", gettext_lazy("unchanged")
    REMOVED = "removed", gettext_lazy("removed")
    REFUSED = "refused", gettext_lazy("rejected")


class ImportPolicy(models.TextChoices):
    """Policies for the valid rows if some are refused."""

    ALL_OR_NOTHING = "all_or_nothing", gettext_lazy("all or nothing")
    ROW_BY_ROW = "row_by_row", gettext_lazy("row by row")


@dataclass
class Result:
    """The outcome of one row in an import or a preview. `row` is None for something that the file lacks."""

    row: Row | None
    outcome: RowOutcome
    about: str = ""
    says: str = ""
    refusals: list[DomainError] = field(default_factory=list)

    @classmethod
    def refused(cls, row: Row, refusals: Iterable[DomainError], about: str = "") -> "Result":
        return cls(row, RowOutcome.REFUSED, about, refusals=list(refusals))


@dataclass
class ImportReport:
    """The outcomes of all rows, in order.

    `done` is false for a preview, and if all-or-nothing refused the file.
    """

    results: list[Result]
    done: bool

    def counts(self) -> dict[RowOutcome, int]:
        return {outcome: sum(result.outcome == outcome for result in self.results) for outcome in RowOutcome}

    def of(self, outcome: RowOutcome) -> list[Result]:
        return [result for result in self.results if result.outcome == outcome]


@dataclass(frozen=True)
class ImportOptions:
    """The actor, the time and the options of an import. `chosen` are the values of the sheet's options, by name."""

    actor: Any
    now: datetime
    chosen: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """An option of an import, as a checkbox."""

    name: str
    label: str | Promise
    help_text: str | Promise = ""
    permission: str = ""


@dataclass(frozen=True)
class Sheet:
    """A kind of row that can be imported by users with all of `permissions`.

    `work` imports rows with the given options, in a transaction of its own, and returns the outcome of each. `parts`
    divides the rows into transactions, if one does not take all: rows in different parts do not affect each other. If
    it `takes_turns`, one import waits for another. `read` parses a file that is no CSV into rows. Rows are exported if
    they fulfil `exported`, in their `order`.
    """

    name: str
    model: type[models.Model]
    title: str | Promise
    columns: tuple[Column, ...]
    permissions: tuple[str, ...]
    work: Callable[[list[Row], ImportOptions], list[Result]]
    parts: Callable[[list[Row], ImportOptions], Iterable[list[Row]]] | None = None
    read: Callable[[bytes, dict[str, Any]], list[Row]] | None = None
    exported: models.Q = field(default_factory=models.Q)
    order: tuple[str, ...] = ("pk",)
    takes_turns: bool = False
    options: tuple[Option, ...] = ()
    suffix: str = "csv"

    def rows(self, content: bytes, options: dict[str, Any]) -> list[Row]:
        """Return the rows of a file. Raises FileRefused."""
        if self.read:
            return self.read(content, options)
        return read_csv(content, columns=self.header, required=self.needed)

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def needed(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.is_needed)

    def export(self, rows: models.QuerySet) -> Iterator[Sequence[Any]]:
        """Yield rows in the file's format, read by one statement."""
        found = rows.filter(self.exported).values_list(*(column.value or column.name for column in self.columns))
        for values in found.iterator(chunk_size=2000):
            row = dict(zip(self.header, values, strict=True))
            yield [column.write(row[column.name], row) for column in self.columns]

    def everything(self) -> Iterator[Sequence[Any]]:
        """Yield all existing rows in the file's format."""
        return self.export(self.model._default_manager.order_by(*self.order))  # noqa: SLF001


def carry_out(
    sheet: Sheet, content: bytes, *, import_options: ImportOptions, policy: ImportPolicy | None
) -> ImportReport:
    """Import a file, or preview it (no policy): import part by part, and roll back.

    All-or-nothing is one transaction, rolled back if a single row is refused. Row by row, each part is a transaction,
    in which each refused row is rolled back separately. Raises NotAllowed; FileRefused; TryAgain.
    """
    if not all(map(import_options.actor.may, sheet.permissions)):
        raise NotAllowed
    rows = sheet.rows(content, import_options.chosen)
    whole = policy == ImportPolicy.ALL_OR_NOTHING
    results = []
    for part in sheet.parts(rows, import_options) if sheet.parts and not whole else [rows]:
        carry_out_part = partial(_carry_out, sheet, part, import_options, whole=whole)
        results += preview(carry_out_part) if policy is None else carry_out_part()
    results.sort(key=lambda result: result.row.number if result.row else len(rows) * 1000)
    refused = any(result.outcome == RowOutcome.REFUSED for result in results)
    return ImportReport(results, done=policy is not None and not (whole and refused))


@operation
def _carry_out(sheet: Sheet, rows: list[Row], import_options: ImportOptions, *, whole: bool) -> list[Result]:
    if sheet.takes_turns:
        take_turns(sheet.name)
    results = sheet.work(rows, import_options)
    if whole and any(result.outcome == RowOutcome.REFUSED for result in results):
        undo()
    return results


def rejects(sheet: Sheet, report: ImportReport) -> str:
    """Return the refused rows as a file in the original format, with an added column for the reason."""
    refused = [result for result in report.of(RowOutcome.REFUSED) if result.row]
    given = [name for name in sheet.header if any(result.row and name in result.row.cells for result in refused)]
    rows = [[*(result.row.cells.get(name, "") for name in given), why(result)] for result in refused if result.row]
    return "".join(csv_lines([*given, NOT_READ], rows))


def why(result: Result) -> str:
    """Return the errors of a row: field, text and code of each."""
    return " ".join(
        f"{refusal.field}: {refusal.message} [{refusal.code}]"
        if refusal.field
        else f"{refusal.message} [{refusal.code}]"
        for refusal in result.refusals
    )


def take_turns(name: str) -> None:
    """Block other imports of these rows until the transaction ends."""
    with connection.cursor() as cursor:  # The ORM has no advisory locks.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"import {name}"])


def repeated(row: Row, key: Key, seen: dict[Key, Row]) -> RowRefused | None:
    """Return the refusal of a row that repeats an earlier row, else None."""
    first = seen.setdefault(key, row)
    return None if first is row else RowRefused("repeated", _("Duplicates line %d of this file.") % first.number)


class Changes(Generic[M]):
    """New and changed rows of a model, gathered while a file is read, and then written in few statements."""

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self.seen: dict[Key, Row] = {}
        self.new: list[M] = []
        self.changed: list[M] = []
        self.columns: set[str] = set()

    def take(self, cells: Cells, draft: dict[str, Any], *about: str) -> Result:
        """Apply the draft of a row, unless its cells are refused; `about` are the columns that name the row."""
        called = " · ".join(cells.text(column)[:60] for column in about if cells.text(column))
        try:
            outcome, says = (RowOutcome.REFUSED, ()) if cells.refusals else self.apply(cells, draft)
        except DomainError as refusal:
            cells.refusals.append(refusal)
        if cells.refusals:
            return Result.refused(cells.row, cells.refusals, called)
        return Result(cells.row, outcome, called, ", ".join(says))

    def apply(self, cells: Cells, draft: dict[str, Any]) -> tuple[RowOutcome, Iterable[str]]:
        """Gather what a row changes, and return the names of what differs. Raises DomainError."""
        raise NotImplementedError

    def check_first(self, row: Row, *keys: Key) -> None:
        """Raise RowRefused if an earlier row has one of the keys."""
        again = [refusal for key in keys if (refusal := repeated(row, key, self.seen))]
        if again:
            raise again[0]

    def change(self, row: M, wanted: dict[str, Any]) -> None:
        for name, value in wanted.items():
            setattr(row, name, value)
        if wanted:
            self.changed.append(row)
            self.columns |= wanted.keys()

    def write(self) -> None:
        rows = self.model._default_manager  # noqa: SLF001
        rows.bulk_create(self.new, batch_size=BATCH)
        if self.changed:
            rows.bulk_update(self.changed, sorted(self.columns), batch_size=CHANGED_AT_ONCE)
