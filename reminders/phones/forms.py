"""The form for a code that was sent to a phone."""

from django import forms
from django.utils.translation import gettext_lazy as _


class PhoneCodeForm(forms.Form):
    code = forms.RegexField(
        r"\A[0-9]{6}\Z",
        label=_("Code"),
        help_text=_("The six-digit code from the text message."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": 6}),
    )
