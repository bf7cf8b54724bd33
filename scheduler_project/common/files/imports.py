"""The common part of all imports: read a file, check each row, and import all rows or the valid ones.

An app describes its rows in a `Sheet`. A preview is the import itself, rolled back."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.csv_export import csv_lines
from scheduler_project.common.files.csv_reader import NOT_READ, Row, RowRefused, read_csv
from scheduler_project.common.operations import operation, preview, undo
from scheduler_project.common.pages.forms import field_class, plain
from scheduler_project.common.time.zones import YEARS, read_time, to_utc, zone_names
from scheduler_project.common.validators import composed

T = TypeVar("T")


class RowOutcome(models.TextChoices):
    """Outcomes of a row."""

    NEW = "new", gettext_lazy("new")
    CHANGED = "changed", gettext_lazy("changed")
    UNCHANGED = "unchanged", gettext_lazy("unchanged")
    REMOVED = "removed", gettext_lazy("removed")
    REFUSED = "refused", gettext_lazy("refused")


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
class Report:
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
    """The actor, the time and the options of an import. `options` are those of the sheet, by name."""

    actor: Any
    now: datetime
    options: dict[str, Any] = field(default_factory=dict)


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
    divides the rows into transactions, if one does not take all: rows in different parts do not affect each other.
    `read` parses a file into rows, `export` writes rows.
    """

    name: str
    model: type[models.Model]
    title: str | Promise
    columns: tuple[str, ...]
    required: frozenset[str]
    permissions: tuple[str, ...]
    work: Callable[[list[Row], ImportOptions], list[Result]]
    parts: Callable[[list[Row], ImportOptions], Iterable[list[Row]]] | None = None
    read: Callable[[bytes, dict[str, Any]], list[Row]] | None = None
    export: Callable[[Any], Iterator[Sequence[Any]]] | None = None
    order: tuple[str, ...] = ("pk",)
    options: tuple[Option, ...] = ()
    suffix: str = "csv"

    def rows(self, content: bytes, options: dict[str, Any]) -> list[Row]:
        """Return the rows of a file. Raises FileRefused."""
        if self.read:
            return self.read(content, options)
        return read_csv(content, columns=self.columns, required=self.required)

    def everything(self) -> Iterator[Sequence[Any]]:
        """Yield all existing rows in the file's format."""
        assert self.export
        return self.export(self.model._default_manager.order_by(*self.order))  # noqa: SLF001


def carry_out(sheet: Sheet, content: bytes, *, asked: ImportOptions, policy: ImportPolicy | None) -> Report:
    """Import a file, or preview it (no policy): import part by part, and roll back.

    All-or-nothing is one transaction, rolled back if a single row is refused. Row by row, each part is a transaction,
    in which each refused row is rolled back separately. Raises FileRefused; TryAgain.
    """
    rows = sheet.rows(content, asked.options)
    whole = policy == ImportPolicy.ALL_OR_NOTHING
    results = []
    for part in sheet.parts(rows, asked) if sheet.parts and not whole else [rows]:
        carry_out_part = partial(_carry_out, sheet, part, asked, whole=whole)
        results += preview(carry_out_part) if policy is None else carry_out_part()
    results.sort(key=lambda result: result.row.number if result.row else len(rows) * 1000)
    refused = any(result.outcome == RowOutcome.REFUSED for result in results)
    return Report(results, done=policy is not None and not (whole and refused))


@operation
def _carry_out(sheet: Sheet, rows: list[Row], asked: ImportOptions, *, whole: bool) -> list[Result]:
    results = sheet.work(rows, asked)
    if whole and any(result.outcome == RowOutcome.REFUSED for result in results):
        undo()
    return results


def rejects(sheet: Sheet, report: Report) -> str:
    """Return the refused rows as a file in the original format, with an added column for the reason."""
    refused = [result for result in report.of(RowOutcome.REFUSED) if result.row]
    given = [name for name in sheet.columns if any(result.row and name in result.row.cells for result in refused)]
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


FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
"""Date formats beside ISO 8601: with dots the order is unambiguous, with slashes there are two orders."""


YES = {"yes", "true", "1", "y", "x", "ja", "oui", "wahr", "vrai"}


NO = {"no", "false", "0", "n", "", "nein", "non", "falsch", "faux"}


class Cells:
    """A reader of the cells of one row. Invalid cells are recorded in `refusals`, and returned as if empty."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.refusals = list(row.refusals)

    def __contains__(self, column: str) -> bool:
        return column in self.row.cells

    def text(self, column: str) -> str:
        return composed(self.row.cells.get(column, ""))

    def take(self, column: str, read: Callable[[str], T], empty: T) -> T:
        text = self.text(column)
        if not text:
            return empty
        try:
            return read(text)
        except DomainError as refusal:
            refusal.field = refusal.field or column
            self.refusals.append(refusal)
        except ValidationError as error:
            for one in error.error_list:
                said = one.message % one.params if one.params else one.message
                self.refuse(one.code or "invalid", str(said), column)
        return empty

    def refuse(self, code: str, message: str, column: str | None = None) -> None:
        self.refusals.append(RowRefused(code, message, column))

    def need(self, *columns: str) -> None:
        """Record which of these columns are empty."""
        for column in columns:
            if not self.text(column):
                self.refuse("required", _("This is needed."), column)


def of_field(model: type[models.Model], name: str) -> Callable[[str], Any]:
    """Return a parser that validates as the model's field does, and as a form would."""
    column: Any = model._meta.get_field(name)  # noqa: SLF001
    of_form = field_class(column)
    validators = of_form.default_validators if of_form else ()

    def read(text: str) -> Any:
        value = column.clean(text, None)
        for validate in validators:
            validate(value)
        return value

    return read


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise RowRefused("invalid_choice", _("Write one of: %s.") % ", ".join(choices))
        return text.lower()

    return read


def yes_or_no(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise RowRefused("invalid", _("Write yes or no."))
    return text.lower() in YES


def local_or_instant(zone: ZoneInfo) -> Callable[[str], datetime]:
    """Return a parser of times: with an offset an instant, without one in the local time of `zone` (R1, R2)."""

    def read(text: str) -> datetime:
        instant = _read_time(text)
        if instant is None or instant.year not in range(YEARS[0] + 1, YEARS[-1]):
            raise RowRefused("invalid_time", _("Write a time such as 2026-03-02 09:00, or with an offset 09:00+01:00."))
        return instant.astimezone(UTC) if instant.tzinfo else to_utc(instant, zone)

    return read


def _read_time(text: str) -> datetime | None:
    try:
        return read_time(text)
    except ValueError:
        pass
    if not plain(text):
        return None
    for written in FORMATS:
        try:
            return datetime.strptime(text, written)  # noqa: DTZ007
        except ValueError:
            continue
    return None


def zone(text: str) -> str:
    if text not in zone_names():
        raise RowRefused("unknown_timezone", _("Use an IANA name such as Europe/Berlin, or UTC."))
    return text
