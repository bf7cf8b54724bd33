"""Batches of rows about appointments: each is one transaction, during which nobody else can book with its provider."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from booking.availability.search import BookingSpan, booking_span
from booking.imports.appointments import read_drafts
from booking.imports.lookups import Lookups
from booking.imports.parse import Draft, minutes_of
from booking.imports.update_existing import moved
from booking.imports.working_hours import by_provider
from booking.models import AppointmentSeries
from booking.series.operations.booker import end_of_booking
from booking.series.recurrence import occurrences
from booking.series.rule import read as read_rule
from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.csv_reader import Row
from scheduler_project.common.files.imports import ImportOptions, Key

PART = 50
"""The most rows in one batch, unless more of them belong together."""


def parts(rows: list[Row], import_options: ImportOptions) -> Iterator[list[Row]]:
    """Rows a transaction at a time: of one provider, by their times, at most `PART` unless more belong together.

    Rows belong together if what becomes of one may decide what becomes of another: they claim or leave overlapping
    times, are about the same appointment, or the client whom one adds may be whom another means. So each part comes to
    the same whether the others were kept or undone.
    """
    for group in by_provider(rows):
        if len(group) <= PART:
            yield group
        else:
            yield from _packed(_belonging_together(group, import_options))


def _packed(groups: list[list[Row]]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for group in groups:
        if part and len(part) + len(group) > PART:
            yield _in_order(part)
            part = []
        part += group
    yield _in_order(part)


def _in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.number)


def _belonging_together(rows: list[Row], import_options: ImportOptions) -> list[list[Row]]:
    """The rows in groups: those that cannot be read by themselves, then by the first time each group is about."""
    drafts = {draft.cells.row.number: draft for draft in read_drafts(rows, import_options) if isinstance(draft, Draft)}
    lookups = Lookups(list(drafts.values()))
    ambiguous = _ambiguous_clients(list(drafts.values())) if import_options.chosen.get("add_clients") else set()
    ties = _Ties()
    times: list[tuple[datetime, datetime, int]] = []
    for number, draft in drafts.items():
        marks, claimed = _touched(draft, lookups, import_options)
        for mark in (draft.key(), *marks, *(ambiguous & _names(draft))):
            ties.mark(number, mark)
        times += [(time.blocked_from, time.blocked_until, number) for time in claimed]
    ties.overlap(times)
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(ties.head(row.number), []).append(row)
    begins = {number: draft.starts_at.timestamp() for number, draft in drafts.items()}
    return sorted(groups.values(), key=lambda group: min(begins.get(row.number, 0) for row in group))


def _touched(draft: Draft, lookups: Lookups, import_options: ImportOptions) -> tuple[list[Key], list[BookingSpan]]:
    """Return the key of a row's existing appointment, and the times the row may claim or free; none if refused."""
    schedule = draft.schedule
    try:
        found = lookups.by_reference(draft)
        if isinstance(found, AppointmentSeries):
            return [], []
        service = lookups.service(draft)
        found = found or lookups.by_client_and_time(draft)
        if found:
            old, move = found.reservation, moved(draft, found, service)
            left = BookingSpan(old.starts_at, old.ends_at, old.blocked_from, old.blocked_until)
            new = [booking_span(schedule, move.service, move.starts_at, move.length)] if move else []
            return [("existing", found.pk)], [left, *new]
        if not draft.values["rrule"]:
            return [], [booking_span(schedule, service, draft.starts_at, _length(draft))]
        length = schedule.length_for(None, minutes_of(draft))
        local = draft.starts_at.astimezone(draft.zone).replace(tzinfo=None)
        laid = occurrences(
            read_rule(draft.values["rrule"]),
            local,
            draft.zone,
            import_options.now,
            end_of_booking(schedule, import_options.now),
        )
        return [], [booking_span(schedule, None, begins, length) for _day, begins in laid]
    except DomainError:
        return [], []


def _length(draft: Draft) -> timedelta | None:
    return draft.ends_at - draft.starts_at if draft.ends_at else None


def _ambiguous_clients(drafts: list[Draft]) -> set[Key]:
    """Return the keys by which rows with different details may mean the same client, who is yet to be added.

    Rows that say the same come to the same whichever of them adds the client.
    """
    details: dict[Key, set[Key]] = {}
    for draft in drafts:
        for name in _names(draft):
            details.setdefault(name, set()).add(tuple(map(str, draft.client.values())))
    return {name for name, different in details.items() if len(different) > 1}


def _names(draft: Draft) -> set[Key]:
    client = draft.client
    called = client["name"] or client["email"].partition("@")[0]
    known = {"reference": client["reference"], "email": client["email"], "name": called}
    return {(by, value) for by, value in known.items() if value}


class _Ties:
    """Groups of rows that are tied to each other, directly or through others."""

    def __init__(self) -> None:
        self.heads: dict[int, int] = {}
        self.marked: dict[Key, int] = {}

    def head(self, number: int) -> int:
        """The row that stands for all those a row is tied to."""
        while (above := self.heads.get(number, number)) != number:
            self.heads[number] = self.heads.get(above, above)
            number = above
        return number

    def tie(self, one: int, other: int) -> None:
        self.heads[self.head(other)] = self.head(one)

    def mark(self, number: int, mark: Key) -> None:
        """Tie a row to those with the same mark."""
        self.tie(self.marked.setdefault(mark, number), number)

    def overlap(self, times: list[tuple[datetime, datetime, int]]) -> None:
        """Tie the rows whose times overlap: start, end, row."""
        latest: tuple[datetime, int] | None = None
        for begins, ends, number in sorted(times):
            if latest and begins < latest[0]:
                self.tie(latest[1], number)
                latest = (max(ends, latest[0]), number)
            else:
                latest = (ends, number)
