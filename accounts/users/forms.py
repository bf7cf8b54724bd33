"""The form of a login's name, timezone and language."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import ON_ACCOUNT_PAGE
from accounts.clients.forms import form_field
from accounts.models import User
from scheduler_project.common.languages import language_choices
from scheduler_project.common.pages.forms import ModelForm
from scheduler_project.common.time.zones import zone_names
from scheduler_project.common.validators import no_link


class UserProfileForm(ModelForm):
    """The name, timezone and language of a login, and its client's contact fields that no other page changes."""

    timezone = forms.ChoiceField(label=_("Time zone"), choices=lambda: [(name, name) for name in sorted(zone_names())])
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=lambda: [("", _("Same as browser")), *language_choices()]
    )

    class Meta:
        model = User
        fields = ["name", "timezone", "language"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = self.instance.client_or_none
        for field in ON_ACCOUNT_PAGE if self.client else ():
            self.fields[field.name] = form_field(field)
            self.initial[field.name] = getattr(self.client, field.name)

    @property
    def contact(self) -> dict[str, Any]:
        """The changed contact fields of the client."""
        names = {field.name for field in ON_ACCOUNT_PAGE}
        return {name: self.cleaned_data[name] for name in self.changed_data if name in names}

    def clean_name(self) -> str:
        if "name" in self.changed_data:
            no_link(self.cleaned_data["name"])
        return str(self.cleaned_data["name"])
