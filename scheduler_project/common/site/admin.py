"""The admin's page of the site's settings. There is always one row, so its list is the page itself."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.pages.translations import TranslationsForm, translations_of, with_translations
from scheduler_project.common.site.models import ONLY, SiteSettings
from scheduler_project.common.site.operations import edit_site


@translations_of(SiteSettings)
class SiteSettingsForm(TranslationsForm, forms.ModelForm):
    """The form of the site's settings with their translations."""


@admin.register(SiteSettings)
class SiteSettingsAdmin(StaffModelAdmin):
    """The name of the site, its looks, and which of its parts are on."""

    form = SiteSettingsForm
    fieldsets = (
        (None, {"fields": ("name", "logo", "colour")}),
        (_("Contact"), {"fields": ("email", "phone", "imprint_url", "privacy_url")}),
        (_("Front page"), {"fields": (*with_translations("headline", "introduction"), "offers_anybody")}),
        (_("Place and time"), {"fields": ("country", "currency", "timezone", "clock")}),
        (_("Accounts"), {"fields": ("clients_sign_up", "providers_sign_up")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(self.change_url(ONLY))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> SiteSettings | None:
        """Return the row; until somebody saves it, one with the defaults."""
        if object_id != str(ONLY):
            return None
        return super().get_object(request, object_id, from_field) or SiteSettings(pk=ONLY)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "timezone":
            field = super().formfield_for_dbfield(db_field, request, **kwargs)
            field.choices, field.required, field.initial = [("", "UTC"), *field.choices], False, ""
            return field
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: SiteSettings, form: Any, change: bool) -> None:
        edit_site(changes={name: form.cleaned_data[name] for name in form.changed_data})
