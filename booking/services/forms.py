"""The form of a service."""

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.models import Service
from scheduler_project.common.pages.forms import RowForm
from scheduler_project.common.pages.offsets import OffsetsField


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
