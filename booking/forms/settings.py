"""Forms of what a provider decides about themself, their calendar, their services and their clients."""

from copy import copy
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Client, Provider, User
from booking.forms.offsets import OffsetsField
from booking.models import Schedule, Service
from scheduler_project.common.forms import IntegerField, ModelForm, ZoneField

UNITS = [
    (1, pgettext_lazy("unit of a length of time", "minutes")),
    (60, pgettext_lazy("unit of a length of time", "hours")),
    (24 * 60, pgettext_lazy("unit of a length of time", "days")),
]


class RowForm(ModelForm):
    """A form about one row, which an operation writes and the form does not.

    It works on a copy, so that what was typed is not taken for what is so.
    """

    def __init__(self, data: Any = None, *, row: models.Model, **kwargs: Any) -> None:
        super().__init__(data, instance=copy(row), **kwargs)


class UnitInput(forms.Select):
    """Always chosen, so never required: HTML would have a required choice begin with an empty one."""

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in super().build_attrs(*args, **kwargs).items() if name != "required"}


class MinutesInput(forms.MultiWidget):
    """A number, and of what: the largest unit that says it whole."""

    use_fieldset = True

    def __init__(self) -> None:
        number = forms.NumberInput({"class": "amount", "min": 0, "aria-label": _("Number")})
        super().__init__([number, UnitInput({"class": "unit", "aria-label": _("Unit")}, UNITS)])

    def decompress(self, value: int | None) -> list[Any]:
        unit = next(length for length, _name in reversed(UNITS) if not (value or 1) % length)
        return [None if value is None else value // unit, str(unit)]


class MinutesField(forms.MultiValueField):
    """Minutes, written in minutes, hours or days."""

    widget = MinutesInput

    def __init__(self, **kwargs: Any) -> None:
        parts = (IntegerField(min_value=0), forms.TypedChoiceField(choices=UNITS, coerce=int))
        super().__init__(parts, **kwargs)

    def compress(self, data_list: list[int]) -> int | None:
        return data_list[0] * data_list[1] if data_list else None


class ProfileForm(RowForm):
    class Meta:
        model = Provider
        fields = ["name", "slug", "specialization", "bio", "embed_origins"]
        widgets = {"bio": forms.Textarea({"rows": 6})}
        labels = {"name": _("Name"), "slug": _("Address"), "specialization": _("Specialization"), "bio": _("About you")}
        help_texts = {"slug": _("The end of your booking page's address. Links to the old one no longer work.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["embed_origins"].show_hidden_initial = False


class PolicyForm(RowForm):
    timezone = ZoneField(
        label=_("Timezone"), help_text=_("Your hours are meant on its clocks. Appointments keep the instant they have.")
    )

    notice_minutes = MinutesField(label=_("Minimum notice"), help_text=_("Between booking and the start."))

    class Meta:
        model = Schedule
        fields = ["timezone", "slot_minutes", "notice_minutes", "horizon_days", "hold_minutes"]
        labels = {
            "slot_minutes": _("Slot length"),
            "horizon_days": _("Booking horizon"),
            "hold_minutes": _("Hold time"),
        }
        help_texts = {
            "slot_minutes": _("In minutes. Appointments may begin every so often, and hours lie on this grid."),
            "horizon_days": _("How many days ahead clients can book."),
            "hold_minutes": _("How many minutes a time is kept while a client confirms it."),
        }


class OffsetsForm(RowForm):
    reminder_offsets = OffsetsField(label=_("Reminders"), usual=_("As usual on this site"))

    class Meta:
        model = Schedule
        fields = ["reminder_offsets"]


class ServiceForm(RowForm):
    reminder_offsets = OffsetsField(label=_("Reminders"), usual=_("As for all your appointments"))

    class Meta:
        model = Service
        fields = [
            "name",
            "description",
            "duration_minutes",
            "buffer_before_minutes",
            "buffer_after_minutes",
            "needs_approval",
            "reminder_offsets",
            "is_active",
        ]
        widgets = {"description": forms.Textarea({"rows": 5})}
        labels = {
            "name": _("Name"),
            "description": _("Description"),
            "duration_minutes": _("Duration"),
            "buffer_before_minutes": _("Buffer before"),
            "buffer_after_minutes": _("Buffer after"),
            "needs_approval": _("Bookings wait until you approve them"),
            "is_active": _("Can be booked"),
        }
        help_texts = {"needs_approval": ""}


class ClientForm(RowForm):
    timezone = ZoneField(label=_("Timezone"), help_text=_("In which they are told times."))

    class Meta:
        model = Client
        fields = ["name", "email", "phone", "timezone", "notes"]
        widgets = {"notes": forms.Textarea({"rows": 6})}
        labels = {"name": _("Name"), "email": _("Email"), "phone": _("Phone"), "notes": _("Private notes")}
        help_texts = {"phone": _("With the country: +49 30 901820.")}

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])
