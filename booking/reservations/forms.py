"""Forms for a visitor's name and contact details."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.clients.fields import GUEST_FIELDS
from accounts.clients.forms import guests_contacts
from scheduler_project.common.pages.forms import TextField

PHONE_FOR_SMS = _("Enter your phone number to get text messages.")


class NoteForm(forms.Form):
    note = TextField(
        label=_("Note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Anything we should know?"),
    )


@guests_contacts
class DetailsForm(NoteForm):
    by_sms = forms.BooleanField(label=_("Remind me by text message too"), required=False)

    field_order = (*(field.name for field in GUEST_FIELDS), "by_sms", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.SMS_GATEWAY == "none":
            del self.fields["by_sms"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned.setdefault("by_sms", False)
        if cleaned.get("by_sms") and not cleaned.get("phone") and "phone" not in self.errors:
            self.add_error("phone", PHONE_FOR_SMS)
        return cleaned
