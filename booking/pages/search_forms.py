"""Forms of searches: a visitor's for a provider, a provider's for a client."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.pages.forms import TextField

MOST_WORDS = 10


class SearchForm(forms.Form):
    q = TextField(
        label=_("Search"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name or service")}),
    )
    specialization = TextField(max_length=100, required=False)

    def clean_q(self) -> str:
        """Raise ValidationError for too many words, for each costs a search."""
        words: str = self.cleaned_data["q"]
        if len(words.split()) > MOST_WORDS:
            raise ValidationError(_("Search for at most %d words.") % MOST_WORDS, code="too_many_words")
        return words

    def terms(self) -> dict[str, str]:
        """Return the search terms. A term that is not valid is returned as it was sent."""
        return {name: self.cleaned_data.get(name, str(self.data.get(name, ""))) for name in self.fields}


class ClientSearchForm(forms.Form):
    q = TextField(max_length=100, required=False)
