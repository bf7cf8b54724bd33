"""Forms for a visitor's name and contact details."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduler_project.common.pages.forms import EmailField, LineField, PhoneField, TextField
from scheduler_project.common.validators import no_link


class NoteForm(forms.Form):
    note = TextField(
        label=_("Note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What is good to know beforehand."),
    )


class DetailsForm(NoteForm):
    name = LineField(
        label=_("Name"),
        max_length=150,
        validators=[no_link],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = EmailField(
        label=_("Email"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("The link to confirm goes there."),
    )
    phone = PhoneField(
        label=_("Phone"),
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "placeholder": "+49 30 1234567"}),
        help_text=_("With the country, such as +49 30 1234567."),
    )
    by_sms = forms.BooleanField(label=_("Remind me by text message too"), required=False)

    field_order = ("name", "email", "phone", "by_sms", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.SMS_GATEWAY == "none":
            del self.fields["by_sms"]

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        asked.setdefault("by_sms", False)
        if asked.get("by_sms") and not asked.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("For text messages we need your number."))
        return asked
