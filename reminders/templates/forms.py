"""Forms of message templates and webhooks."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.channels.registry import CHANNELS
from reminders.models import MessageTemplate
from scheduler_project.common.pages.forms import ModelForm


class TemplateForm(ModelForm):
    """A provider's template for one message; the operation that saves it validates the text."""

    class Meta:
        model = MessageTemplate
        fields = ["subject", "body"]
        labels = {"subject": _("Subject"), "body": _("Text")}
        help_texts = {"subject": ""}
        widgets = {"body": forms.Textarea({"rows": 12})}

    def __init__(self, data: Any = None, *, template: MessageTemplate) -> None:
        super().__init__(data, instance=template)
        if CHANNELS[template.channel].is_short:
            del self.fields["subject"]
        else:
            self.fields["subject"].required = True

    def _post_clean(self) -> None:
        for name, value in self.cleaned_data.items():
            setattr(self.instance, name, value)
