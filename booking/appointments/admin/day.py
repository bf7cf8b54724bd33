"""A day of one provider, or of all side by side. Rows are times of the local clock, columns are schedules."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from booking.appointments.transitions import STATUSES, AppointmentStatus
from booking.models import Reservation, Schedule
from booking.reservations.day import DayOf, days_of
from booking.reservations.enums import ReservationStatus
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.pages.forms import DayField, IntegerField
from scheduler_project.common.time.intervals import DAY, Interval
from scheduler_project.common.time.zones import rfc3339

COLUMNS = 8
"""The most schedules side by side. More of them go on further pages."""


STEPS = (15, 30, 60)
"""The possible heights of a row, in minutes."""


USUAL = (8, 18)
"""The hours shown if nobody is open."""


ClockRow = tuple[int, int, int]
"""A row of the local clock: the hour, 1 for the second hour of that name (autumn), and the minute."""


@dataclass
class DayCell:
    kind: str
    key: Any
    starts_at: datetime | None = None
    rows: int = 1
    entries: list[Reservation] = field(default_factory=list)
    label: str = ""
    zone: str = "UTC"
    query: str = ""
    """The query string of a free cell's link to the booking page."""


class DayForm(forms.Form):
    date = DayField(label=gettext_lazy("Day"), required=False)
    provider = forms.ModelChoiceField(
        Schedule.objects.none(),
        label=gettext_lazy("Provider"),
        required=False,
        empty_label=pgettext_lazy("providers", "All"),
    )
    page = IntegerField(required=False, min_value=1, max_value=10_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider: Any = self.fields["provider"]
        provider.queryset = Schedule.objects.select_related("provider").filter(provider__is_active=True)
        provider.to_field_name = "provider_id"

    def cleaned(self, name: str) -> Any:
        """Return the cleaned value of a field in the address; None if it is absent or not valid."""
        self.full_clean()
        return self.cleaned_data.get(name)


class DayPage(StaffModelAdmin):
    def day_view(self, request: HttpRequest) -> HttpResponse:
        """Show the day `?date=` of all schedules, or of one (`?provider=`)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        form = DayForm(request.GET)
        one, page = form.cleaned("provider"), form.cleaned("page") or 1
        every = [one] if one else list(Schedule.objects.select_related("provider").filter(provider__is_active=True))
        shown = every[(page - 1) * COLUMNS : page * COLUMNS]
        today = now.astimezone(_zone_of(request, one)).date()
        day = form.cleaned("date") or today
        context = {
            **grid(days_of(shown, day, now), now),
            "form": DayForm(initial={"date": day, "provider": one and one.provider_id}),
            "one": one,
            "day": day,
            "today": today,
            "earlier": self._address(one, day - DAY),
            "later": self._address(one, day + DAY),
            "back_to_today": self._address(one, today),
            "pages": [
                (number, self._address(one, day, page=number)) for number in range(1, -(-len(every) // COLUMNS) + 1)
            ],
            "page": page,
            "books": self.has_add_permission(request),
        }
        title = one.provider.name if one else _("Day by provider")
        return self.ask(
            request, title=title, submit="", template="admin/booking/appointment/day.html", back="", **context
        )

    def _address(self, one: Schedule | None, day: date, **more: Any) -> str:
        query = {"date": f"{day:%Y-%m-%d}", **({"provider": one.provider_id} if one else {}), **more}
        return reverse("admin:booking_appointment_day", query=query)


def _zone_of(request: HttpRequest, one: Schedule | None) -> ZoneInfo:
    """Return the timezone in which to find today: the schedule's own, or the user's if the page shows several."""
    return one.zone if one else ZoneInfo(request.user.timezone)  # type: ignore[union-attr]


def grid(days: list[DayOf], now: datetime) -> dict[str, Any]:
    """Return the days as columns of one table. Each column follows its own local clock."""
    slots = [day.schedule.slot_minutes for day in days]
    step = timedelta(minutes=max((step for step in STEPS if all(slot % step == 0 for slot in slots)), default=STEPS[0]))
    clocks = [_clock(day, step) for day in days]
    rows = sorted(set().union(*clocks)) if clocks else []
    columns = [
        [_cell(day, clock.get(row), row, step, now) for row in rows] for day, clock in zip(days, clocks, strict=True)
    ]
    first, last = _extent(columns, rows)
    merged = [_merged(column[first:last]) for column in columns]
    return {
        "columns": days,
        "rows": [(row, [column[number] for column in merged]) for number, row in enumerate(rows[first:last])],
    }


def _clock(day: DayOf, step: timedelta) -> dict[ClockRow, datetime]:
    """Return the instant at which each row begins on this schedule's clock. A day may lack or repeat some rows."""
    found, instant = {}, day.start
    while instant < day.until:
        local = instant.astimezone(day.schedule.zone)
        found[local.hour, local.fold, local.minute] = instant
        instant += step
    return found


def _cell(day: DayOf, start: datetime | None, row: ClockRow, step: timedelta, now: datetime) -> DayCell:
    if start is None:
        return DayCell("lacking", "lacking")
    end = start + step
    entries = [claim for claim in day.taken if claim.starts_at < end and claim.ends_at > start]
    if entries:
        kind = _kind(entries[0])
        return DayCell(kind, tuple(claim.pk for claim in entries), start, entries=entries, zone=day.schedule.timezone)
    if _touched(day.free, start, end) and start >= now:
        return DayCell("free", row, start, query=f"schedule={day.schedule.pk}&start={rfc3339(start)}")
    kind, label = _why_not(day, start, end)
    return DayCell(kind, (kind, label), start, label=label)


def _why_not(day: DayOf, start: datetime, end: datetime) -> tuple[str, str]:
    """Return the kind of a cell without an appointment that cannot be booked, and the text for it."""
    if _touched(day.free, start, end):
        return "past", ""
    for absence, reason in day.absent:
        if _touched([absence], start, end):
            return "off", reason or _("away")
    return ("buffer", "") if _touched(day.hours, start, end) else ("closed", "")


def _kind(claim: Reservation) -> str:
    """Return the CSS class of a claim's cell: that of its appointment's badge, or `held`."""
    held = claim.status == ReservationStatus.HELD
    return "held" if held else STATUSES[AppointmentStatus(claim.appointment.status)].badge


def _touched(stretches: list[Interval], start: datetime, end: datetime) -> bool:
    return any(a < end and b > start for a, b in stretches)


def _extent(columns: list[list[DayCell]], rows: list[ClockRow]) -> tuple[int, int]:
    """Return the index of the first row with hours or appointments, and the index behind the last."""
    dull = ("closed", "off", "lacking")
    filled = [number for number, _row in enumerate(rows) if any(column[number].kind not in dull for column in columns)]
    usual = [number for number, (hour, _, _) in enumerate(rows) if hour in range(*USUAL)]
    wanted = filled or usual or [0]
    return wanted[0], wanted[-1] + 1


def _merged(column: list[DayCell]) -> list[DayCell | None]:
    """Join equal cells that follow each other in a column. None stands where a cell continues."""
    found: list[DayCell | None] = []
    last: DayCell | None = None
    shown: set[int] = set()
    for cell in column:
        if last is not None and cell.key == last.key:
            last.rows += 1
            found.append(None)
            continue
        cell.entries = [claim for claim in cell.entries if claim.pk not in shown]
        shown |= {claim.pk for claim in cell.entries}
        found.append(cell)
        last = cell
    return found
