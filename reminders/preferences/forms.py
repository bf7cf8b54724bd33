"""Forms of a client's reminder preferences."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import Client
from reminders.channels.registry import personal_channels, personal_choices
from reminders.models import Preferences
from reminders.preferences.operations import offered
from scheduler_project.common.languages import language_choices
from scheduler_project.common.pages.forms import PhoneField, TimeField


def time_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class RemindersForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label=_("Remind me by"), choices=personal_choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    phone = PhoneField(
        label=_("Phone"),
        required=False,
        max_length=40,
        help_text=_("Include the country code: +49…"),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    language = forms.ChoiceField(
        label=_("Message language"),
        required=False,
        choices=lambda: [("", _("site default")), *language_choices()],
    )
    quiet_from = TimeField(label=_("Quiet hours from"), required=False, widget=time_input())
    quiet_until = TimeField(label=_("Quiet hours to"), required=False, widget=time_input())

    def __init__(self, data: Any, *, client: Client, preferences: Preferences) -> None:
        chosen = settings.REMINDER_CHANNELS if preferences.channels is None else preferences.channels
        initial = {
            "channels": [channel for channel in personal_channels() if channel in chosen],
            "phone": client.phone,
            "language": preferences.language,
            "quiet_from": preferences.quiet_from,
            "quiet_until": preferences.quiet_until,
        }
        super().__init__(data, initial=initial)
        self.fields["channels"].choices = offered(chosen)  # type: ignore[attr-defined]

    @property
    def changes(self) -> dict[str, Any]:
        """The changed preferences."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "phone"}
