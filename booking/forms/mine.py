"""Forms with which clients change their own appointments."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.forms.desk import SCOPES, only_in_series
from booking.models import Appointment
from scheduler_project.common.forms import TextField


class CancelForm(forms.Form):
    scope = forms.ChoiceField(label=_("Cancel"), choices=SCOPES, widget=forms.RadioSelect, required=False)
    reason = TextField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The provider will read it."),
    )

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        only_in_series(self, appointment)
