"""The form of a webhook."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.models import WebhookEndpoint
from reminders.webhooks.events import EVENTS
from scheduler_project.common.pages.forms import LineField, URLField
from scheduler_project.common.validators import one_line


class WebhookForm(forms.Form):
    """The URL and events of a provider's webhook."""

    url = URLField(label=_("Address"), max_length=500, assume_scheme="https", validators=[one_line])
    description = LineField(label=_("Description"), max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(event, event) for event in EVENTS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty to receive all events"),
    )

    def __init__(self, data: Any = None, *, endpoint: WebhookEndpoint | None = None) -> None:
        initial = {name: getattr(endpoint, name) for name in self.base_fields} if endpoint else {}
        super().__init__(data, initial=initial)
