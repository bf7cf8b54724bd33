"""What a client writes about their own appointments."""

from datetime import UTC, datetime

from django import forms
from django.utils.translation import gettext_lazy as _

LAST_SECOND = int(datetime(2999, 1, 1, tzinfo=UTC).timestamp())


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The provider will read it."),
    )


class MoveForm(forms.Form):
    """A free time that was picked, in seconds since 1970."""

    start = forms.IntegerField(min_value=0, max_value=LAST_SECOND)

    def clean_start(self) -> datetime:
        return datetime.fromtimestamp(self.cleaned_data["start"], UTC)
