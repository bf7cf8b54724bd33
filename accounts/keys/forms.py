"""The form of an API key."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.keys.operations import end_of
from accounts.keys.scopes import MEANINGS, Scope
from scheduler_project.common.pages.forms import LineField

DAYS = (30, 90, 365)


class KeyForm(forms.Form):
    """The name, scopes and expiry of a new key."""

    name = LineField(label=_("Name"), max_length=60, help_text=_("What it is for, such as “Website”."))
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=list(MEANINGS.items()), widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label=_("Valid for"), coerce=int)

    def __init__(self, data: Any = None) -> None:
        usual = settings.API_KEY_DAYS
        super().__init__(data, initial={"scopes": [Scope.READ], "days": usual})
        lasting = [(days, ngettext("%d day", "%d days", days) % days) for days in sorted({*DAYS, usual} - {0})]
        self.fields["days"].choices = [*lasting, (0, _("Until you revoke it"))]  # type: ignore[attr-defined]

    def wanted(self, now: datetime) -> dict[str, Any]:
        """Return the arguments for `create_key`."""
        return {
            "name": self.cleaned_data["name"],
            "scopes": [Scope(scope) for scope in self.cleaned_data["scopes"]],
            "expires_at": end_of(self.cleaned_data["days"], now=now),
        }
