"""The layout of a calendar with days side by side; rows are the hours of the local clock.

An hour that a day has twice (autumn) is two rows, one that it lacks (spring) is shaded. Positions are classes of
pages.css, for the pages' Content-Security-Policy allows no inline style: `from-h2 from-m30` and `for-h0 for-m45`, in
steps of five minutes. Starts and ends are rounded alike, so that what does not overlap never looks as if it did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.appointments.transitions import STATUSES, AppointmentStatus
from booking.availability.hours import absence_rows, open_hours
from booking.models import Reservation, Schedule
from booking.reservations.day import reservations_of_day
from booking.reservations.enums import ReservationStatus
from scheduler_project.common.time.intervals import MINUTE, Interval, clipped
from scheduler_project.common.time.zones import day_interval

HOUR = 60


STEP = 5


ROOM = 30


QUARTER = timedelta(minutes=15)


USUAL = (8, 18)
"""The hours shown if there is nothing in the calendar."""


HourRow = tuple[int, int]
"""A local hour, and 1 for the second one of that name (autumn)."""


HEIGHTS = ((6, "tallest"), (12, "taller"), (15, "tall"), (20, "middling"), (60, "low"))
"""The height of an hour, by the slot length: the shortest appointment needs room for a line."""


@dataclass
class Block:
    """A stretch in one day's column. `starts_at`..`ends_at` is all of it, even if it goes on beyond the day."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    top: int
    bottom: int
    place: str = ""
    label: str = ""
    reservation: Reservation | None = None
    continued: bool = False

    @property
    def short(self) -> bool:
        """True if it has room for one line only."""
        return self.bottom - self.top < ROOM


@dataclass
class DayColumn:
    date: date
    is_today: bool
    ground: list[Block] = field(default_factory=list)
    entries: list[Block] = field(default_factory=list)
    clock: Block | None = None

    @property
    def blocks(self) -> list[Block]:
        return [*self.ground, *self.entries, *([self.clock] if self.clock else [])]


@dataclass
class Grid:
    days: list[DayColumn]
    rows: list[HourRow]
    height: str


def laid_out(schedule: Schedule, days: Sequence[date], now: datetime) -> Grid:
    """Return the calendar of consecutive local days. A constant number of queries."""
    zone = schedule.zone
    start, until = day_interval(days[0], zone)[0], day_interval(days[-1], zone)[1]
    opened = open_hours(schedule, start, until)
    absent = [(absence.interval(zone), absence.reason) for absence in absence_rows(schedule, start, until)]
    taken = list(reservations_of_day(schedule, start, until, now))
    kept = {day: _rows_of(day, zone) for day in days}
    rows = sorted(set().union(*kept.values()))
    today = now.astimezone(zone).date()
    columns = [
        _day(day, day == today, rows, kept[day], zone, opened, absent, taken, now if day == today else None)
        for day in days
    ]
    first, last = _extent(columns, rows)
    for column in columns:
        for block in column.blocks:
            block.top = max(block.top, first * HOUR) - first * HOUR
            block.bottom = min(block.bottom, last * HOUR) - first * HOUR
            block.place = _place(block.top, block.bottom)
        column.ground = [block for block in column.ground if block.top < block.bottom]
        if column.clock and not 0 <= column.clock.top <= column.clock.bottom:
            column.clock = None
    height = next(name for slot, name in HEIGHTS if schedule.slot_minutes <= slot)
    return Grid(columns, rows[first:last], height)


def _day(
    day: date,
    is_today: bool,
    rows: list[HourRow],
    kept: set[HourRow],
    zone: ZoneInfo,
    opened: list[Interval],
    absent: list[tuple[Interval, str]],
    taken: list[Reservation],
    now: datetime | None,
) -> DayColumn:
    bounds = day_interval(day, zone)
    column = DayColumn(day, is_today)

    def block(kind: str, start: datetime, end: datetime, **more: object) -> Iterable[Block]:
        for shown_from, shown_until in clipped([(start, end)], *bounds):
            top, bottom = _position(shown_from, rows, zone), _position(shown_until - MINUTE, rows, zone) + 1
            yield Block(kind, start, end, top, bottom, continued=start < bounds[0], **more)  # type: ignore[arg-type]

    for start, end in opened:
        column.ground += block("open", start, end)
    for number, row in enumerate(rows):
        if row not in kept:
            column.ground.append(Block("lacking", *bounds, number * HOUR, (number + 1) * HOUR))
    for (start, end), reason in absent:
        column.ground += block("off", start, end, label=reason)
    for reservation in taken:
        held = reservation.status == ReservationStatus.HELD
        kind = "held" if held else STATUSES[AppointmentStatus(reservation.appointment.status)].badge
        column.entries += block(kind, reservation.starts_at, reservation.ends_at, reservation=reservation)
    if now:
        top = _position(now, rows, zone)
        column.clock = Block("now", now, now, top, top)
    return column


def _rows_of(day: date, zone: ZoneInfo) -> set[HourRow]:
    """Return the hours of a local day: 23, 24 or 25 rows, or another number."""
    start, until = day_interval(day, zone)
    found = set()
    while start < until:
        local = start.astimezone(zone)
        found.add((local.hour, local.fold))
        start += QUARTER
    return found


def _position(instant: datetime, rows: list[HourRow], zone: ZoneInfo) -> int:
    """Return the minutes between the first row and an instant."""
    local = instant.astimezone(zone)
    return rows.index((local.hour, local.fold)) * HOUR + local.minute


def _extent(columns: list[DayColumn], rows: list[HourRow]) -> tuple[int, int]:
    """Return the first and last row to show: those with hours or appointments."""
    filled = [block for column in columns for block in column.blocks if block.kind not in ("off", "lacking", "now")]
    usual = [number for number, (hour, _) in enumerate(rows) if hour in range(*USUAL)]
    if not filled:
        return (usual[0], usual[-1] + 1) if usual else (0, len(rows))
    return min(block.top for block in filled) // HOUR, -(-max(block.bottom for block in filled) // HOUR)


def _place(top: int, bottom: int) -> str:
    top, bottom = top // STEP * STEP, bottom // STEP * STEP
    length = max(bottom - top, 0)
    return f"from-h{top // HOUR} from-m{top % HOUR} for-h{length // HOUR} for-m{length % HOUR}"
