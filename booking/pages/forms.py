"""Forms of a provider's profile and of a client."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import field_names
from accounts.clients.forms import contacts
from accounts.models import Client, Provider
from scheduler_project.common.pages.forms import RowForm
from scheduler_project.common.pages.translations import TranslationsForm, translations_of


@translations_of(Provider)
class ProviderProfileForm(TranslationsForm, RowForm):
    class Meta:
        model = Provider
        fields = [
            "name",
            "slug",
            "photo",
            *Provider.translated,
            "languages",
            "accepts_new_clients",
            "embed_origins",
        ]
        widgets = {"bio": forms.Textarea({"rows": 6})}
        labels = {"name": _("Name"), "slug": _("Address"), "specialization": _("Specialisation"), "bio": _("About you")}
        help_texts = {"slug": _("The last part of your booking page's link. Links with the old one will stop working.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["embed_origins"].show_hidden_initial = False


@contacts
class ClientForm(RowForm):
    class Meta:
        model = Client
        fields = field_names()
