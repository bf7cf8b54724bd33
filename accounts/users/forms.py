"""The form of a login's name, timezone and language."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduler_project.common.languages import language_choices
from scheduler_project.common.pages.forms import ModelForm
from scheduler_project.common.time.zones import zone_names
from scheduler_project.common.validators import no_link


class ProfileForm(ModelForm):
    """Name, timezone and language of a login."""

    timezone = forms.ChoiceField(label=_("Timezone"), choices=lambda: [(name, name) for name in sorted(zone_names())])
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=lambda: [("", _("the browser's")), *language_choices()]
    )

    class Meta:
        model = User
        fields = ["name", "timezone", "language"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def clean_name(self) -> str:
        if "name" in self.changed_data:
            no_link(self.cleaned_data["name"])
        return str(self.cleaned_data["name"])
