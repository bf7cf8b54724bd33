"""The form of a service."""

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.models import Service
from booking.services.models import SETTINGS
from scheduler_project.common.pages.forms import RowForm
from scheduler_project.common.pages.offsets import OffsetsField
from scheduler_project.common.pages.translations import TranslationsForm, translations_of


@translations_of(Service)
class ServiceForm(TranslationsForm, RowForm):
    reminder_offsets = OffsetsField(label=_("Reminders"), usual=_("Same as all your appointments"))

    class Meta:
        model = Service
        fields = (*SETTINGS, "photo")
        widgets = {name: forms.Textarea({"rows": 5}) for name in ("description", "preparation")}
        labels = {
            "needs_approval": _("Require approval"),
            "is_active": _("Active"),
        }
        help_texts = {"needs_approval": ""}
