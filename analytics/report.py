"""A report: the counts of one span, as the pages, the API and the tables read them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from accounts.models import Provider
from analytics.periods import Span
from booking.appointments.transitions import ATTENDED, CLAIMING, MISSED
from booking.models import Service
from reminders.enums import MessageStatus


class ReportScope(NamedTuple):
    """A filter for the appointments to count: None means every provider, or every service."""

    provider: Provider | None = None
    service: Service | None = None

    @property
    def params(self) -> dict[str, int]:
        return {name: row.pk for name, row in self._asdict().items() if row is not None}

    @property
    def condition(self) -> str:
        return "".join(f" AND r.{name}_id = %({name})s" for name in self.params)


class Quartiles(NamedTuple):
    """The quartiles in whole hours, rounded down: a quarter, a half, three quarters of all are at most that long."""

    lower: int
    median: int
    upper: int


def quartiles(lengths: Counter[int]) -> Quartiles | None:
    """Return the quartiles, from the number of each length; None if there are none."""
    total = lengths.total()
    if not total:
        return None
    found = []
    for quarters in (1, 2, 3):
        seen = 0
        for length in sorted(lengths):
            seen += lengths[length]
            if 4 * seen >= quarters * total:
                found.append(length)
                break
    return Quartiles(*found)


def share(part: float, whole: float) -> float | None:
    """Return a share from 0 to 1, to four places; None if the whole is 0."""
    return round(part / whole, 4) if whole else None


@dataclass
class ReportTally:
    """The counts of one day, provider, service, weekday or hour, or the totals."""

    bookings: int = 0
    cancellations: int = 0
    late_cancellations: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    booked_minutes: int = 0
    offered_minutes: int = 0

    @property
    def appointments(self) -> int:
        """The number of appointments that were neither cancelled nor declined."""
        return sum(self.statuses[status] for status in CLAIMING)

    @property
    def missed(self) -> int:
        return sum(self.statuses[status] for status in MISSED)

    @property
    def completed(self) -> int:
        return sum(self.statuses[status] for status in ATTENDED)

    @property
    def missed_rate(self) -> float | None:
        """The missed share of those marked as completed or missed."""
        return share(self.missed, self.missed + self.completed)

    @property
    def late_share(self) -> float | None:
        return share(self.late_cancellations, self.cancellations)

    @property
    def utilisation(self) -> float | None:
        """The booked share of the offered minutes. More than 1 if appointments lie outside the hours."""
        return share(self.booked_minutes, self.offered_minutes)


@dataclass
class Report:
    """The counts of one span."""

    span: Span
    scope: ReportScope
    total: ReportTally
    by_day: dict[date, ReportTally]
    by_provider: dict[int, ReportTally]
    by_service: dict[int | None, ReportTally]
    by_weekday: dict[int, ReportTally]
    by_hour: dict[int, ReportTally]
    holds: Counter[str]
    lead_hours: Counter[int]
    notice_hours: Counter[int]
    reminders: Counter[str]
    provider_names: dict[int, str]
    service_names: dict[int, str]

    @property
    def sent_reminders(self) -> int:
        return self.reminders[MessageStatus.SENT]

    @property
    def failed_reminders(self) -> int:
        return self.reminders[MessageStatus.FAILED]

    @property
    def upcoming_reminders(self) -> int:
        return self.reminders[MessageStatus.PENDING]

    @property
    def lead(self) -> Quartiles | None:
        return quartiles(self.lead_hours)

    @property
    def notice(self) -> Quartiles | None:
        return quartiles(self.notice_hours)

    @property
    def confirmed_share(self) -> float | None:
        """The confirmed share of the holds that have ended."""
        return share(self.holds["confirmed"], self.holds.total() - self.holds["open"])
