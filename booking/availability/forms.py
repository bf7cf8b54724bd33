"""Forms of a provider's availability. Times are local to the schedule's timezone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from booking.availability.enums import Weekday
from booking.availability.models import POLICY
from booking.models import AvailabilityWindow, DateOverride, Schedule, TimeOff
from scheduler_project.common.pages.forms import (
    DayField,
    LocalDateTimeField,
    MinutesField,
    RowForm,
    TextField,
    TimeField,
    ZoneField,
)
from scheduler_project.common.pages.offsets import OffsetsField
from scheduler_project.common.time.zones import to_utc

TypedStretch = tuple[str, str]
"""The start and end of a stretch, as text of a form."""


DAY = timedelta(days=1)


BLANK = ("", "")


class ClockField(TimeField):
    """A local time of day; `24:00` is the midnight at the end of the day, stored as 00:00."""

    widget = forms.TimeInput(format="%H:%M", attrs={"size": 6, "placeholder": "09:00"})

    def to_python(self, value: Any) -> time | None:
        return super().to_python("00:00" if value == "24:00" else value)


def clock_input(slot_minutes: int, **attrs: Any) -> forms.TimeInput:
    """Return an input of a time of day. Browsers offer times on the schedule's grid."""
    return forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": slot_minutes * 60, **attrs})


class DayTimeForm(forms.Form):
    """One stretch of a day: the fields `start-<key>` and `end-<key>`, which a form may send several times a day."""

    start = ClockField()
    end = ClockField()

    def __init__(self, day: "DayTimes", number: int, row: TypedStretch, slot_minutes: int) -> None:
        self.key, self.number = day.key, number
        values = dict(zip(("start", "end"), row, strict=True))
        data = {f"{name}-{day.key}": value for name, value in values.items()}
        super().__init__(
            data if day.sent else None,
            initial=None if day.sent else values,
            auto_id=f"%s-{number}",
            empty_permitted=True,
            use_required_attribute=False,
        )
        labels = {"start": _("%(day)s, time range %(number)d, start"), "end": _("%(day)s, time range %(number)d, end")}
        for name, label in labels.items():
            text = label % {"day": day.label, "number": number + 1}
            self.fields[name].widget = clock_input(slot_minutes, **{"aria-label": text})
        if day.added and number == len(day.rows) - 1:
            self.fields["start"].widget.attrs["data-focus"] = True

    def add_prefix(self, field_name: str) -> str:
        return f"{field_name}-{self.key}"

    @property
    def hint(self) -> str:
        """A note on an end that lies on the next day; "" if none is needed."""
        start, end = (self[name].value() or "" for name in ("start", "end"))
        if not start or not end:
            return ""
        if end in ("00:00", "24:00"):
            return _("until midnight")
        return _("ends the next day") if end <= start else ""


class DayTimes:
    """The hours of one day in a form: any number of stretches, sent under one `key`. Blank ones do not count.

    `action` is the last edit of the form, if there was one: the focus moves to its result.
    """

    def __init__(
        self,
        key: str,
        rows: Iterable[TypedStretch],
        *,
        slot_minutes: int,
        label: str = "",
        sent: bool = False,
        action: str = "",
    ) -> None:
        self.key, self.label, self.sent = key, label, sent
        verb, _dash, about = action.partition("-")
        self.edited = about.partition("-")[0] == key
        self.added = self.edited and verb == "add"
        self.rows = list(rows)
        self.slot_minutes = slot_minutes

    @property
    def forms(self) -> list[DayTimeForm]:
        if not hasattr(self, "_forms"):
            self._forms = [DayTimeForm(self, number, row, self.slot_minutes) for number, row in enumerate(self.rows)]
        return self._forms

    def is_valid(self) -> bool:
        return all(form.is_valid() for form in self.forms)

    @property
    def hours(self) -> list[tuple[time, time]]:
        """The stretches that were sent, as local start and end. The form must be valid."""
        return [(form.cleaned_data["start"], form.cleaned_data["end"]) for form in self.forms if form.has_changed()]


def sent_rows(data: QueryDict, key: str) -> list[TypedStretch]:
    """Return the stretches sent under a key, as they were typed."""
    starts, ends = data.getlist(f"start-{key}"), data.getlist(f"end-{key}")
    rows = [(start.strip(), end.strip()) for start, end in zip(starts, ends, strict=False)]
    return rows[:MOST_STRETCHES]


MOST_STRETCHES = 48
"""The most stretches of one day that a form takes."""


def edited(
    rows: Mapping[str, Sequence[TypedStretch]], action: str, to: Sequence[str] = ()
) -> dict[str, list[TypedStretch]]:
    """Return some days' stretches after `add-<key>`, `remove-<key>-<number>` or `copy-<key>` (`to` other days)."""
    now = {key: list(stretches) for key, stretches in rows.items()}
    verb, _dash, rest = action.partition("-")
    key, _dash, number = rest.partition("-")
    if key not in now:
        return now
    if verb == "add":
        now[key].append(BLANK)
    elif verb == "remove" and number.isascii() and number.isdecimal() and int(number) < len(now[key]):
        del now[key][int(number)]
    elif verb == "copy":
        filled = [row for row in now[key] if row != BLANK]
        now |= {day: list(filled) for day in to if day in now and day != key}
    return now


class WeekForm:
    """The weekly hours of a schedule."""

    def __init__(
        self, schedule: Schedule, rows: Mapping[str, Sequence[TypedStretch]], *, sent: bool = False, action: str = ""
    ) -> None:
        self.days = [
            DayTimes(
                str(day.value),
                rows.get(str(day.value), ()),
                slot_minutes=schedule.slot_minutes,
                label=str(day.label),
                sent=sent,
                action=action,
            )
            for day in Weekday
        ]

    @staticmethod
    def rows_of(schedule: Schedule) -> dict[str, list[TypedStretch]]:
        """Return the present hours as rows of the form."""
        rows: dict[str, list[TypedStretch]] = {str(day.value): [] for day in Weekday}
        for hours in schedule.working_hours.all():
            rows[str(hours.weekday)].append((f"{hours.start_time:%H:%M}", f"{hours.end_time:%H:%M}"))
        return rows

    @staticmethod
    def rows_sent(data: QueryDict) -> dict[str, list[TypedStretch]]:
        return {str(day.value): sent_rows(data, str(day.value)) for day in Weekday}

    def is_valid(self) -> bool:
        return all(day.is_valid() for day in self.days)

    @property
    def hours(self) -> list[tuple[int, time, time]]:
        return [(int(day.key), start, end) for day in self.days for start, end in day.hours]


class DateForm(forms.Form):
    """The date that gets hours of its own. `DayTimes` beside it has the hours."""

    date = DayField(label=gettext_lazy("Date"))


def rows_of(override: DateOverride) -> list[TypedStretch]:
    return [(start, end) for start, end in override.hours]


class WindowForm(forms.Form):
    """The form of a window: a dated stretch of extra hours."""

    starts_at = LocalDateTimeField(label=gettext_lazy("From"))
    ends_at = LocalDateTimeField(label=gettext_lazy("Until"))

    refusal_fields = {"start_time": "starts_at", "end_time": "ends_at"}

    def __init__(self, schedule: Schedule, data: Any = None, *, window: AvailabilityWindow | None = None) -> None:
        initial = {"starts_at": window.starts_at, "ends_at": window.ends_at} if window else {}
        super().__init__(data, initial=initial)
        for field in self.fields.values():
            assert isinstance(field, LocalDateTimeField)
            field.zone = schedule.timezone
            field.widget.attrs["step"] = schedule.slot_minutes * 60


class TimeOffForm(forms.Form):
    """The form of time off: whole days or, with two times, a stretch from the first day's time until the last day's."""

    start_date = DayField(label=gettext_lazy("First day"))
    end_date = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Leave empty for a single day.")
    )
    start_time = ClockField(
        label=pgettext_lazy("time of day", "From"),
        required=False,
        help_text=gettext_lazy("On the first day. Leave empty for whole days."),
    )
    end_time = ClockField(
        label=pgettext_lazy("time of day", "Until"), required=False, help_text=gettext_lazy("On the last day.")
    )
    reason = TextField(
        label=gettext_lazy("Reason"), max_length=200, required=False, help_text=gettext_lazy("Not shown to clients.")
    )

    def __init__(self, schedule: Schedule, data: Any = None, *, time_off: TimeOff | None = None) -> None:
        self.zone = schedule.zone
        super().__init__(data, initial=initial_of(time_off, self.zone) if time_off else {})
        for name in ("start_time", "end_time"):
            self.fields[name].widget = clock_input(5)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and bool(given["start_time"] is None) != bool(given["end_time"] is None):
            name = "start_time" if given["start_time"] is None else "end_time"
            self.add_error(name, ValidationError(_("Enter both times, or neither for whole days."), code="required"))
        return given

    @property
    def wanted(self) -> dict[str, Any]:
        """The arguments of the operations: two instants or two dates, and the reason."""
        given = self.cleaned_data
        first, last = given["start_date"], given["end_date"] or given["start_date"]
        start, end, reason = given["start_time"], given["end_time"], given["reason"]
        if start is None or end is None:
            return {"start_date": first, "end_date": last, "starts_at": None, "ends_at": None, "reason": reason}
        until = datetime.combine(last, end) + (DAY if end == time(0) else timedelta())
        starts_at, ends_at = to_utc(datetime.combine(first, start), self.zone), to_utc(until, self.zone)
        return {"start_date": None, "end_date": None, "starts_at": starts_at, "ends_at": ends_at, "reason": reason}


def initial_of(time_off: TimeOff, zone: ZoneInfo) -> dict[str, Any]:
    """Return the form's initial values for an absence."""
    if time_off.starts_at is None or time_off.ends_at is None:
        return {"start_date": time_off.start_date, "end_date": time_off.end_date, "reason": time_off.reason}
    start, end = time_off.starts_at.astimezone(zone), time_off.ends_at.astimezone(zone)
    last = end.date() - DAY if end.time() == time(0) else end.date()
    return {
        "start_date": start.date(),
        "end_date": last,
        "start_time": start.time(),
        "end_time": end.time(),
        "reason": time_off.reason,
    }


class PolicyForm(RowForm):
    timezone = ZoneField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Your hours use this time zone. Existing appointments don't move."),
    )

    notice_minutes = MinutesField(
        label=gettext_lazy("Minimum notice"), help_text=gettext_lazy("Between booking and the start.")
    )

    class Meta:
        model = Schedule
        fields = POLICY
        labels = {
            "slot_minutes": gettext_lazy("Slot length"),
            "horizon_days": gettext_lazy("Booking horizon"),
            "hold_minutes": gettext_lazy("Hold time"),
        }
        help_texts = {
            "slot_minutes": gettext_lazy("In minutes. How often start times are offered."),
            "horizon_days": gettext_lazy("How many days ahead clients can book."),
            "hold_minutes": gettext_lazy("How many minutes we hold a time until the client confirms it."),
        }


class OffsetsForm(RowForm):
    reminder_offsets = OffsetsField(label=gettext_lazy("Reminders"), usual=gettext_lazy("Site default"))

    class Meta:
        model = Schedule
        fields = ["reminder_offsets"]
