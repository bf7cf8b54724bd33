"""The tables of the reports, one definition for page and CSV, and the data of their charts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from analytics.report import Report, ReportTally
from booking.appointments.enums import AppointmentStatus

MOST_ROWS = 100
"""The most rows of providers or services on a page. The CSV file has all."""

MOST_COLUMNS = 62
"""The most days that a chart shows one by one. Beyond, it shows weeks."""

LABELS: dict[str, str | Promise] = {
    "date": gettext_lazy("Day"),
    "provider": gettext_lazy("Provider"),
    "service": gettext_lazy("Service"),
    "weekday": gettext_lazy("Weekday"),
    "hour": gettext_lazy("Hour"),
    "status": gettext_lazy("Status"),
    "outcome": gettext_lazy("Outcome"),
    "number": gettext_lazy("Number"),
    "bookings": gettext_lazy("Bookings made"),
    "cancellations": gettext_lazy("Cancellations"),
    "late_cancellations": gettext_lazy("Within 24 hours"),
    "appointments": gettext_lazy("Appointments"),
    "completed": gettext_lazy("Completed"),
    "missed": gettext_lazy("Missed"),
    "missed_rate": gettext_lazy("Missed rate"),
    "booked_hours": gettext_lazy("Booked hours"),
    "offered_hours": gettext_lazy("Open hours"),
    "utilisation": gettext_lazy("Utilisation"),
}

DONE = ("bookings", "cancellations", "late_cancellations")
STARTING = ("appointments", "completed", "missed", "missed_rate", "booked_hours")
OFFERED = (*STARTING, "offered_hours", "utilisation")
SHARES = ("missed_rate", "utilisation")

NAMES = ("days", "providers", "services", "weekdays", "hours", "statuses", "holds")


class TableCell(NamedTuple):
    """One cell of a table: `value` for programs, `text` for readers."""

    value: Any
    text: str


@dataclass
class Bar:
    """A bar and the part of it that is set off, in hundredths of the longest bar."""

    label: str
    length: float
    part: float
    text: str


@dataclass
class ChartColumn:
    """Two bars side by side, in hundredths of the tallest bar."""

    label: str
    left: int
    first: float
    second: float
    text: str


@dataclass
class Table:
    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[list[TableCell]]
    bars: list[Bar]

    @property
    def shown(self) -> int:
        """The number of rows on a page: every day of the longest span, but not every provider of a thousand."""
        return len(self.rows) if self.name == "days" else MOST_ROWS

    @property
    def cut(self) -> bool:
        return len(self.rows) > self.shown

    @property
    def shows_missed(self) -> bool:
        return "missed" in self.columns

    @property
    def labels(self) -> list[str]:
        return [str(LABELS[column]) for column in self.columns]

    @property
    def values(self) -> Iterable[list[Any]]:
        return ([cell.value for cell in row] for row in self.rows)


def table_of(name: str, found: Report) -> Table:
    """Return the table of that name, one of NAMES."""
    return {
        "days": _days,
        "providers": _providers,
        "services": _services,
        "weekdays": _weekdays,
        "hours": _hours,
        "statuses": _statuses,
        "holds": _holds,
    }[name](found)


def _days(found: Report) -> Table:
    named = [
        (TableCell(day.isoformat(), date_format(day, "SHORT_DATE_FORMAT")), tally)
        for day, tally in found.by_day.items()
    ]
    return _table("days", _("By day"), "date", (*DONE, *OFFERED), named)


def _providers(found: Report) -> Table:
    named = [(_same(found.provider_names[pk]), tally) for pk, tally in found.by_provider.items()]
    return _table("providers", _("By provider"), "provider", (*DONE, *OFFERED), named)


def _services(found: Report) -> Table:
    without = _("Without a service")
    named = [(_same(found.service_names.get(pk or 0, without)), tally) for pk, tally in found.by_service.items()]
    return _table("services", _("By service"), "service", (*DONE, *STARTING), named)


def _weekdays(found: Report) -> Table:
    named = [(_same(str(WEEKDAYS[weekday])), tally) for weekday, tally in found.by_weekday.items()]
    return _table("weekdays", _("By weekday"), "weekday", OFFERED, named)


def _hours(found: Report) -> Table:
    """Return the table of hours, without empty hours at either end of the day."""
    filled = [
        hour for hour, tally in found.by_hour.items() if tally.offered_minutes or tally.booked_minutes or tally.statuses
    ]
    shown = range(min(filled), max(filled) + 1) if filled else range(0)
    named = [(_same(f"{hour:02}:00"), found.by_hour[hour]) for hour in shown]
    return _table("hours", _("By hour of the day"), "hour", OFFERED, named)


def _statuses(found: Report) -> Table:
    counts = [(capfirst(str(status.label)), found.total.statuses[status]) for status in AppointmentStatus]
    return _counts("statuses", _("Outcomes"), "status", counts)


def _holds(found: Report) -> Table:
    labels = {
        "confirmed": pgettext("what became of a held time", "Confirmed"),
        "expired": pgettext("what became of a held time", "Expired"),
        "released": pgettext("what became of a held time", "Released"),
        "open": pgettext("what became of a held time", "Still held"),
    }
    counts = [(label, found.holds[outcome]) for outcome, label in labels.items()]
    return _counts("holds", _("Hold outcomes"), "outcome", counts)


def _table(
    name: str, title: str, first: str, columns: tuple[str, ...], named: list[tuple[TableCell, ReportTally]]
) -> Table:
    rows = [[cell, *(_cell(column, tally) for column in columns)] for cell, tally in named]
    most = max((tally.appointments for _cell_, tally in named), default=0) or 1
    bars = [
        Bar(cell.text, 100 * tally.appointments / most, 100 * tally.missed / most, _bar_text(tally))
        for cell, tally in named
    ]
    return Table(name, title, (first, *columns), rows, bars)


def _counts(name: str, title: str, first: str, counts: list[tuple[str, int]]) -> Table:
    most = max(number for _label, number in counts) or 1
    bars = [Bar(label, 100 * number / most, 0, count(number)) for label, number in counts]
    return Table(
        name,
        title,
        (first, "number"),
        [[_same(label), TableCell(number, count(number))] for label, number in counts],
        bars,
    )


def _cell(column: str, tally: ReportTally) -> TableCell:
    if column in SHARES:
        value = getattr(tally, column)
        return TableCell(value, percent(value))
    if column.endswith("_hours"):
        hours = round(getattr(tally, column.replace("hours", "minutes")) / 60, 2)
        return TableCell(hours, number_format(round(hours, 1), decimal_pos=1, force_grouping=True))
    number = getattr(tally, column)
    return TableCell(number, count(number))


def _same(text: str) -> TableCell:
    return TableCell(text, text)


def _bar_text(tally: ReportTally) -> str:
    text = count(tally.appointments)
    if tally.missed:
        text += ", " + ngettext("%(number)s missed", "%(number)s missed", tally.missed) % {
            "number": count(tally.missed)
        }
    return text


def percent(value: float | None) -> str:
    """Return a share as a percentage; a dash for None."""
    return "–" if value is None else _("%(share)s%%") % {"share": number_format(round(100 * value, 1), decimal_pos=1)}


def count(number: int) -> str:
    return number_format(number, decimal_pos=0, force_grouping=True)


# --- The chart of days ------------------------------------------------------------------------------------------------


@dataclass
class DayChart:
    columns: list[ChartColumn]
    by_week: bool
    most: str

    @property
    def width(self) -> int:
        return 10 * len(self.columns)


def day_chart(found: Report) -> DayChart:
    """Return bookings beside cancellations by day, or by week if there are too many days to show."""
    days = list(found.by_day.items())
    by_week = len(days) > MOST_COLUMNS
    step = 7 if by_week else 1
    groups = [days[number : number + step] for number in range(0, len(days), step)]
    sums = [
        (group[0][0], *(sum(getattr(tally, name) for _day, tally in group) for name in DONE[:2])) for group in groups
    ]
    most = max(max(bookings, cancellations) for _day, bookings, cancellations in sums)
    columns = [
        ChartColumn(
            short_date(day),
            10 * number,
            100 * bookings / (most or 1),
            100 * cancellations / (most or 1),
            _("%(day)s: %(bookings)s booked, %(cancellations)s cancelled")
            % {"day": short_date(day), "bookings": count(bookings), "cancellations": count(cancellations)},
        )
        for number, (day, bookings, cancellations) in enumerate(sums)
    ]
    return DayChart(columns, by_week, count(most))


def short_date(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
