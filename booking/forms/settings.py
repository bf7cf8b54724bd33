"""Forms of what a provider decides about themself, their calendar, their services and their clients."""

from copy import copy
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider, User
from booking.models import Schedule, Service
from scheduler_project.common.forms import ZoneField


class RowForm(forms.ModelForm):
    """A form about one row, which an operation writes and the form does not.

    It works on a copy, so that what was typed is not taken for what is so.
    """

    def __init__(self, data: Any = None, *, row: models.Model, **kwargs: Any) -> None:
        super().__init__(data, instance=copy(row), **kwargs)


class ProfileForm(RowForm):
    class Meta:
        model = Provider
        fields = ["name", "slug", "specialization", "bio", "embed_origins"]
        widgets = {"bio": forms.Textarea({"rows": 6})}
        labels = {"name": _("Name"), "slug": _("Address"), "specialization": _("Specialization"), "bio": _("About you")}
        help_texts = {"slug": _("The end of your booking page's address. Links to the old one no longer work.")}


class PolicyForm(RowForm):
    timezone = ZoneField(
        label=_("Timezone"), help_text=_("Your hours are meant on its clocks. Appointments keep the instant they have.")
    )

    class Meta:
        model = Schedule
        fields = ["timezone", "slot_minutes", "notice_minutes", "horizon_days", "hold_minutes"]
        labels = {
            "slot_minutes": _("Slot length"),
            "notice_minutes": _("Minimum notice"),
            "horizon_days": _("Booking horizon"),
            "hold_minutes": _("Hold time"),
        }
        help_texts = {
            "slot_minutes": _("In minutes. Appointments may begin every so often, and hours lie on this grid."),
            "notice_minutes": _("In minutes, between booking and the start: 60 is an hour, 1440 a day."),
            "horizon_days": _("How many days ahead clients can book."),
            "hold_minutes": _("How many minutes a time is kept while a client confirms it."),
        }


class OffsetsForm(RowForm):
    class Meta:
        model = Schedule
        fields = ["reminder_offsets"]
        labels = {"reminder_offsets": _("Before the start")}
        help_texts = {
            "reminder_offsets": _(
                "Separated by commas, such as “1 day, 1 hour”. “none” for none; empty: as this site has it."
            )
        }


class ServiceForm(RowForm):
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
            "reminder_offsets": _("Reminders"),
            "is_active": _("Can be booked"),
        }
        help_texts = {
            "needs_approval": "",
            "reminder_offsets": _("Such as “1 day, 1 hour”; “none” for none. Empty: as for all your appointments."),
        }


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
