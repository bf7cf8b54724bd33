"""Forms of a provider's profile and of a client."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider, User
from scheduler_project.common.pages.forms import RowForm, ZoneField


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
