"""Columns of files, and the cells of a row: how they are read, checked and written."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.csv_reader import Row, RowRefused
from scheduler_project.common.pages.forms import field_class, is_plain
from scheduler_project.common.time.zones import YEARS, read_time, to_utc, zone_names
from scheduler_project.common.validators import composed

T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """A column of files: how a cell is read and written, and what the reference says of it.

    `read` parses a cell that is not `empty` into the draft's value `draft_as`; a column without it is looked up by the
    import itself. `value` is the path or expression by which a query finds what `write` makes the cell of: that value,
    and those of the row's other columns. Both are the column's name unless given.
    """

    name: str
    about: str = ""
    is_needed: bool = False
    read: Callable[[str], Any] | None = None
    empty: Any = ""
    draft_as: str = ""
    value: Any = ""
    write: Callable[[Any, Mapping[str, Any]], Any] = lambda value, _row: value


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
                message = one.message % one.params if one.params else one.message
                self.refuse(one.code or "invalid", str(message), column)
        return empty

    def draft(self, columns: Iterable[Column]) -> dict[str, Any]:
        """Return the values of the columns that are read here, and record which needed ones are empty."""
        for column in columns:
            if column.is_needed and not self.text(column.name):
                self.refuse("required", _("This is required."), column.name)
        return {
            column.draft_as or column.name: self.take(column.name, column.read, column.empty)
            for column in columns
            if column.read
        }

    def refuse(self, code: str, message: str, column: str | None = None) -> None:
        self.refusals.append(RowRefused(code, message, column))


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
            raise RowRefused("invalid_choice", _("Use one of: %s.") % ", ".join(choices))
        return text.lower()

    return read


def yes_or_no(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise RowRefused("invalid", _("Enter yes or no."))
    return text.lower() in YES


def local_or_instant(zone: ZoneInfo) -> Callable[[str], datetime]:
    """Return a parser of times: with an offset an instant, without one in the local time of `zone` (R1, R2)."""

    def read(text: str) -> datetime:
        instant = _read_time(text)
        if instant is None or instant.year not in range(YEARS[0] + 1, YEARS[-1]):
            raise RowRefused(
                "invalid_time", _("Enter a time such as 2026-03-02 09:00, or with an offset, such as 09:00+01:00.")
            )
        return instant.astimezone(UTC) if instant.tzinfo else to_utc(instant, zone)

    return read


def _read_time(text: str) -> datetime | None:
    try:
        return read_time(text)
    except ValueError:
        pass
    if not is_plain(text):
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
