"""Imports in the admin of booking."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.models import Provider
from booking.admin.base import staff
from scheduler_project.common.admin.files import Imports, UploadForm
from scheduler_project.common.pages.forms import EmailField


class BookingImports(Imports):
    def acting(self, request: HttpRequest) -> Actor:
        return staff(request)


class CalendarUploadForm(UploadForm):
    """The upload of a calendar file, which belongs to one provider."""

    provider = forms.ModelChoiceField(Provider.objects.all(), label=gettext_lazy("Provider"))
    client_email = EmailField(
        label=gettext_lazy("Client for events without one"), required=False, help_text=gettext_lazy("Their email.")
    )
    field_order = ("file", "provider", "client_email")

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        whose = {"provider": given["provider"].slug, "client_email": given["client_email"]}
        return super().options() | whose
