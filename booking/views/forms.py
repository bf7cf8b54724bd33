"""The form in which a visitor's picked time comes back from the month picker."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.api.fields import BIGGEST_ID
from scheduler_project.common.pages.forms import TextField
from scheduler_project.common.time.zones import YEARS, read_time


def instant_of(text: str) -> datetime | None:
    try:
        local = read_time(text)
        return local.astimezone(UTC) if local.tzinfo and local.year in YEARS else None
    except (ValueError, OverflowError):
        return None


class ChosenForm(forms.Form):
    """The picked time, `at`: the provider's id and the start, for example `3@2027-03-04T12:30:00Z`."""

    at = TextField(max_length=60)

    def clean_at(self) -> tuple[int, datetime]:
        provider, _at, instant = self.cleaned_data["at"].partition("@")
        known = provider.isascii() and provider.isdigit() and int(provider) <= BIGGEST_ID
        starts_at = instant_of(instant) if known else None
        if starts_at is None:
            raise ValidationError(_("Please choose one of the times."))
        return int(provider), starts_at

    @property
    def chosen(self) -> tuple[int, datetime] | None:
        found: Any = self.cleaned_data["at"] if self.is_valid() else None
        return found
