"""Weekly hours taken over from files, and into them."""

import re
from datetime import time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.clients.imports import provider_with_slug, providers_named
from accounts.models import Provider
from booking.availability.locks import locked_schedule
from booking.availability.operations import set_working_hours
from booking.models import WorkingHours
from scheduler_project.common.errors import DomainError
from scheduler_project.common.files.cells import Cells, Column
from scheduler_project.common.files.csv_reader import Row, RowRefused
from scheduler_project.common.files.imports import ImportOptions, Key, Result, RowOutcome, Sheet, repeated

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


Hours = tuple[int, time, time]


def by_provider(rows: list[Row]) -> list[list[Row]]:
    """The rows of each provider, in the order in which their schedules are locked."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.cells.get("provider", ""), []).append(row)
    order = {slug: provider.pk for slug, provider in providers_named(rows, "provider").items()}
    return [groups[slug] for slug in sorted(groups, key=lambda slug: order.get(slug, 0))]


def weekday(text: str) -> int:
    """A weekday in English, or as ISO 8601 counts them from Monday: 1 to 7."""
    day = text.lower()
    if day in map(str, range(1, 8)):
        return int(day) - 1
    found = [number for number, name in enumerate(WEEKDAYS) if len(day) >= 3 and name.startswith(day)]
    if not found:
        raise RowRefused("invalid", _("Enter a weekday from monday to sunday, or a number from 1 (Monday) to 7."))
    return found[0]


CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(:00)?")


def clock_time(text: str) -> time:
    """A time of day; `24:00` is the end of the day."""
    found = CLOCK.fullmatch("00:00" if text == "24:00" else text)
    hours, minutes = (int(found[1]), int(found[2])) if found else (24, 0)
    if hours > 23 or minutes > 59:
        raise RowRefused("invalid_time", _("Enter a time of day such as 09:00, up to 24:00."))
    return time(hours, minutes)


def end_text(value: time, _row: Any) -> str:
    return f"{value:%H:%M}" if value != time(0) else "24:00"


COLUMNS = (
    Column("provider", "slug", is_needed=True, value="schedule__provider__slug"),
    Column(
        "weekday",
        "in English, or 1 to 7 beginning with Monday",
        is_needed=True,
        read=weekday,
        empty=0,
        write=lambda value, _row: WEEKDAYS[value],
    ),
    Column(
        "start",
        is_needed=True,
        read=clock_time,
        empty=time(0),
        value="start_time",
        write=lambda value, _row: f"{value:%H:%M}",
    ),
    Column("end", is_needed=True, read=clock_time, empty=time(0), value="end_time", write=end_text),
)


def import_hours(rows: list[Row], import_options: ImportOptions) -> list[Result]:
    """Let the weekly hours of each provider in the file be those in the file: what is not there is removed.

    If a row of a provider is refused, so are the others: half a week would be worse than the one there is.
    """
    providers = providers_named(rows, "provider")
    results = []
    for group in by_provider(rows):
        provider = providers.get(group[0].cells.get("provider", ""))
        results += _import_week(provider, group, providers, import_options)
    return results


def _import_week(
    provider: Provider | None, rows: list[Row], providers: dict[str, Provider], import_options: ImportOptions
) -> list[Result]:
    week: dict[Hours, Row] = {}
    seen: dict[Key, Row] = {}
    refused: dict[int, list[DomainError]] = {}
    for row in rows:
        cells = Cells(row)
        draft = cells.draft(COLUMNS)
        cells.take("provider", provider_with_slug(providers), None)
        hours = (draft["weekday"], draft["start"], draft["end"])
        again = None if cells.refusals else repeated(row, hours[:2], seen)
        if cells.refusals or again:
            refused[row.number] = [*cells.refusals, *([again] if again else [])]
        else:
            week[hours] = row
    before: set[Hours] = set()
    stranded = 0
    if provider and not refused:
        locked_schedule(provider.pk)
        existing = WorkingHours.objects.filter(schedule__provider=provider)
        before = set(existing.values_list("weekday", "start_time", "end_time"))
        try:
            if set(week) != before:
                change = set_working_hours(
                    provider_id=provider.pk, hours=list(week), actor=import_options.actor, now=import_options.now
                )
                stranded = len(change.conflicts)
        except DomainError as refusal:
            refusal.field = {"start_time": "start", "end_time": "end"}.get(refusal.field or "")
            refused = {row.number: [refusal] for row in rows}
    if refused:
        others = RowRefused(
            "others_refused", _("Other rows for this provider have errors, so the hours stay as they are.")
        )
        return [Result.refused(row, refused.get(row.number, [others]), _about(row)) for row in rows]
    results = [
        Result(row, RowOutcome.UNCHANGED if hours in before else RowOutcome.NEW, _about(row))
        for hours, row in week.items()
    ]
    for gone in sorted(before - set(week)):
        cells_of_file = [column.write(value, {}) for column, value in zip(COLUMNS[1:], gone, strict=True)]
        results.append(Result(None, RowOutcome.REMOVED, " ".join([provider.slug if provider else "", *cells_of_file])))
    if stranded:
        says = ngettext(
            "%d appointment would be outside the hours.", "%d appointments would be outside the hours.", stranded
        )
        results[0].says = says % stranded
    return results


def _about(row: Row) -> str:
    return " ".join(row.cells.get(column.name, "") for column in COLUMNS)


HOURS = Sheet(
    name="hours",
    model=WorkingHours,
    title=gettext_lazy("working hours"),
    columns=COLUMNS,
    permissions=("booking.add_workinghours", "booking.change_workinghours", "booking.change_schedule"),
    work=import_hours,
    parts=lambda rows, _import_options: by_provider(rows),
    order=("schedule", "weekday", "start_time"),
)
