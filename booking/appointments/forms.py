"""Forms of a provider's dashboard: reasons, texts, times, and bookings for clients."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import GUEST_FIELDS
from accounts.clients.forms import newcomers_contacts
from accounts.models import Client, ClientQuerySet, Provider
from booking.appointments.clients import clients_of
from booking.models import Appointment, Schedule, Service
from booking.reservations.enums import Override
from booking.series.enums import SeriesScope
from booking.series.rule import LONGEST_TEXT, MOST, MOST_INTERVAL, WEEKDAYS
from booking.services.models import MINUTES_A_DAY
from scheduler_project.common.pages.forms import (
    DayField,
    IntegerField,
    LineField,
    ModelForm,
    TextField,
    TimeField,
)
from scheduler_project.common.pages.offsets import OffsetsField
from scheduler_project.common.time.zones import YEARS, read_time, to_utc
from scheduler_project.common.validators import one_line

CLIENTS_FOUND = 8


SCOPES = [
    (SeriesScope.THIS, gettext_lazy("Only this one")),
    (SeriesScope.FOLLOWING, gettext_lazy("This one and all after it")),
    (SeriesScope.ALL, gettext_lazy("All upcoming")),
]


OVERRIDES = [
    (Override.HOURS, gettext_lazy("Also outside my hours or during time off")),
    (Override.NOTICE, gettext_lazy("Also at shorter notice or further ahead than clients can book")),
]


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class InstantField(forms.Field):
    """One of the times that a page listed, in RFC 3339."""

    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            instant = read_time(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None or instant.year not in YEARS:
            raise ValidationError(_("Choose one of the times listed."), code="invalid")
        return instant.astimezone(UTC)


class ReasonForm(forms.Form):
    reason = TextField(max_length=500, required=False)
    scope = forms.ChoiceField(choices=SCOPES, required=False)


class AppointmentTextsForm(ModelForm):
    """The title, description and reminders of an appointment."""

    reminder_offsets = OffsetsField(
        label=gettext_lazy("Reminders"), usual=gettext_lazy("Same as the service or calendar")
    )
    scope = forms.ChoiceField(label=gettext_lazy("Change"), choices=SCOPES, widget=forms.RadioSelect)

    class Meta:
        model = Appointment
        fields = ["title", "description", "reminder_offsets"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].validators.append(one_line)
        only_in_series(self, self.instance)


def only_in_series(form: forms.BaseForm, appointment: Appointment) -> None:
    """Remove the choice of occurrences (`scope`) if the appointment is not part of a series."""
    if appointment.series_id is None:
        del form.fields["scope"]
    else:
        form.fields["scope"].initial = SeriesScope.THIS


class TimeForm(forms.Form):
    """A time: a listed one (`start`), or a day and a time typed by hand, with the rules to override."""

    start = InstantField(required=False)
    date = DayField(label=gettext_lazy("Day"), required=False)
    time = TimeField(label=gettext_lazy("Time"), required=False, widget=ClockInput, input_formats=["%H:%M"])
    minutes = IntegerField(label=gettext_lazy("Minutes"), required=False, min_value=1, max_value=MINUTES_A_DAY)
    overrides = forms.MultipleChoiceField(
        label=gettext_lazy("Override"),
        choices=OVERRIDES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Appointments can never overlap."),
    )

    def __init__(self, *args: Any, schedule: Schedule, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schedule = schedule
        self.fields["time"].widget.attrs["step"] = schedule.slot_minutes * 60

    def clean_time(self) -> Any:
        clock = self.cleaned_data["time"]
        slot = self.schedule.slot_minutes
        if clock and (clock.hour * 60 + clock.minute) % slot:
            raise ValidationError(
                _("Your start times are %(minutes)d minutes apart, from the full hour. Choose one of those."),
                code="off_grid",
                params={"minutes": slot},
            )
        return clock

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("start") and not (cleaned.get("date") and cleaned.get("time")):
            self.add_error("time", _("Choose one of the available times, or enter a day and a time."))
        return cleaned

    def said_so_far(self, name: str) -> Any:
        """Return a field's value before the form is validated; None if it is empty or not valid."""
        value = self[name].value()
        if isinstance(value, date):
            return value
        try:
            return self.fields[name].clean(value)
        except ValidationError:
            return None

    @property
    def starts_at(self) -> datetime:
        """The instant. A time typed by hand is local to the schedule's timezone and goes before a listed one."""
        if self.cleaned_data.get("date") and self.cleaned_data.get("time"):
            local = datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])
            return to_utc(local, self.schedule.zone)
        return self.cleaned_data["start"]

    @property
    def ends_at(self) -> datetime | None:
        minutes = self.cleaned_data.get("minutes")
        return self.starts_at + timedelta(minutes=minutes) if minutes else None

    @property
    def overrides_meant(self) -> Collection[Override]:
        return [Override(name) for name in self.cleaned_data["overrides"]]


@newcomers_contacts
class ForClientForm(TimeForm):
    """A time for a known or a new client."""

    client = forms.ModelChoiceField(label=gettext_lazy("Client"), queryset=Client.objects.none(), required=False)
    service = forms.ModelChoiceField(
        label=gettext_lazy("Service"),
        queryset=Service.objects.none(),
        required=False,
        empty_label=gettext_lazy("No service, only a length"),
    )
    title = LineField(label=gettext_lazy("Title"), max_length=200, required=False)
    description = TextField(
        label=gettext_lazy("Description"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["date"].required = True
        self.fields["service"].queryset = Service.objects.filter(  # type: ignore[attr-defined]
            providers=self.schedule.provider_id, is_active=True
        )

    @property
    def newcomer(self) -> dict[str, Any]:
        """The details of the new client."""
        cleaned = self.cleaned_data
        return {field.name: cleaned[field.name] for field in GUEST_FIELDS} | {"timezone": self.schedule.timezone}

    @property
    def contacts(self) -> list[forms.BoundField]:
        """The boxes for a new client."""
        return [self[field.name] for field in GUEST_FIELDS]

    @property
    def has_contact_errors(self) -> bool:
        return any(box.errors for box in self.contacts)


class MoveForm(TimeForm):
    """The new time of an appointment."""

    scope = forms.ChoiceField(label=gettext_lazy("Reschedule"), choices=SCOPES, widget=forms.RadioSelect)

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_hand = "start" not in self.data
        self.fields["date"].required = self.fields["time"].required = by_hand
        only_in_series(self, appointment)


class NextClientForm(forms.Form):
    """The client who gets an appointment."""

    client = forms.ModelChoiceField(
        label=gettext_lazy("New client"),
        queryset=Client.objects.none(),
        error_messages={"required": gettext_lazy("Choose a client.")},
    )

    def __init__(self, *args: Any, clients: ClientQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = clients  # type: ignore[attr-defined]

    @staticmethod
    def words_in(request: HttpRequest) -> str:
        """Return the words by which a client is searched for; "" if there are none, or they cannot be searched for."""
        form = SearchForm(request.GET)
        return form.cleaned_data["search"] if form.is_valid() else ""


class SearchForm(forms.Form):
    search = TextField(required=False, max_length=100)


class Repeat:
    NEVER, DAILY, WEEKLY, MONTHLY, SAME_WEEKDAY, RULE = "", "daily", "weekly", "monthly", "weekday", "rule"


REPEATS = [
    (Repeat.NEVER, gettext_lazy("Does not repeat")),
    (Repeat.DAILY, gettext_lazy("Every day")),
    (Repeat.WEEKLY, gettext_lazy("Every week")),
    (Repeat.MONTHLY, gettext_lazy("Every month, on the same date")),
    (Repeat.SAME_WEEKDAY, gettext_lazy("Every month, on the same weekday (such as the first Tuesday)")),
    (Repeat.RULE, gettext_lazy("Custom rule (RRULE)")),
]


DAYS = [
    ("MO", gettext_lazy("Monday")),
    ("TU", gettext_lazy("Tuesday")),
    ("WE", gettext_lazy("Wednesday")),
    ("TH", gettext_lazy("Thursday")),
    ("FR", gettext_lazy("Friday")),
    ("SA", gettext_lazy("Saturday")),
    ("SU", gettext_lazy("Sunday")),
]


class BookForm(ForClientForm):
    """A booking for a client of the address book or a new one, once or by a recurrence rule."""

    search = TextField(label=gettext_lazy("Search your clients"), required=False, max_length=100)
    repeat = forms.ChoiceField(label=gettext_lazy("Repeat"), choices=REPEATS, required=False)
    interval = IntegerField(
        label=gettext_lazy("Interval in days, weeks or months"),
        required=False,
        min_value=1,
        max_value=MOST_INTERVAL,
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("On these days of the week"),
        choices=DAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    count = IntegerField(label=gettext_lazy("How many times"), required=False, min_value=1, max_value=MOST)
    until = DayField(label=gettext_lazy("Until"), required=False)
    rrule = LineField(
        label=gettext_lazy("Rule"),
        max_length=LONGEST_TEXT,
        required=False,
        help_text=gettext_lazy("In RFC 5545 format, such as FREQ=MONTHLY;BYDAY=-1FR."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = clients_of(self.schedule.provider)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("client") and not cleaned.get("name") and not self.has_error("client"):
            self.add_error("client", _("Choose a client, or enter the name of a new one."))
        repeat = cleaned.get("repeat")
        if repeat == Repeat.RULE and not cleaned.get("rrule"):
            self.add_error("rrule", _("Enter the rule."))
        if repeat not in (Repeat.NEVER, Repeat.RULE) and cleaned.get("count") and cleaned.get("until"):
            self.add_error("until", _("Enter how many times or an end date, not both."))
        return cleaned

    @property
    def rule(self) -> str:
        """The chosen recurrence rule (RFC 5545); empty for a single appointment."""
        cleaned = self.cleaned_data
        repeat = cleaned["repeat"]
        if repeat == Repeat.NEVER:
            return ""
        if repeat == Repeat.RULE:
            return cleaned["rrule"]
        parts = [f"FREQ={'MONTHLY' if repeat == Repeat.SAME_WEEKDAY else repeat.upper()}"]
        if repeat == Repeat.SAME_WEEKDAY:
            parts.append(f"BYDAY={_which_weekday(self.starts_local.date())}")
        if repeat == Repeat.WEEKLY and cleaned["weekdays"]:
            parts.append(f"BYDAY={','.join(cleaned['weekdays'])}")
        if (cleaned["interval"] or 1) > 1:
            parts.append(f"INTERVAL={cleaned['interval']}")
        if cleaned["count"]:
            parts.append(f"COUNT={cleaned['count']}")
        if cleaned["until"]:
            parts.append(f"UNTIL={cleaned['until']:%Y%m%d}")
        return ";".join(parts)

    @property
    def starts_local(self) -> datetime:
        """The start on the clocks of the schedule; naive."""
        return self.starts_at.astimezone(self.schedule.zone).replace(tzinfo=None)


def _which_weekday(day: date) -> str:
    """Return the weekday of a date within its month: `1TU` is the first Tuesday.

    A fifth is the last: not every month has five.
    """
    number = (day.day - 1) // 7 + 1
    return f"{number if number < 5 else -1}{WEEKDAYS[day.weekday()]}"


def found_clients(provider: Provider, words: str) -> ClientQuerySet:
    """Return the first of the provider's clients whose name, email or phone contains the words."""
    rows = clients_of(provider)
    return (rows.matching(words) if words else rows)[:CLIENTS_FOUND]


class CancelForm(forms.Form):
    scope = forms.ChoiceField(label=gettext_lazy("Cancel"), choices=SCOPES, widget=forms.RadioSelect, required=False)
    reason = TextField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The provider will see this."),
    )

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        only_in_series(self, appointment)
