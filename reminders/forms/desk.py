"""Forms of message templates and webhooks."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.enums import Channel, MessageStatus
from reminders.models import MessageTemplate, WebhookEndpoint
from reminders.webhooks import EVENTS
from scheduler_project.common.api_fields import BIGGEST_ID
from scheduler_project.common.forms import IntegerField, LineField, ModelForm, URLField
from scheduler_project.common.text import one_line


class MessagesForm(forms.Form):
    """Filters of a list of messages."""

    status = forms.ChoiceField(label=_("Status"), choices=[("", _("all")), *MessageStatus.choices], required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=[("", _("all")), *Channel.choices], required=False)
    appointment = IntegerField(min_value=1, max_value=BIGGEST_ID, required=False, widget=forms.HiddenInput)


class WordsForm(ModelForm):
    """A provider's template for one message; the operation that saves it validates the text."""

    class Meta:
        model = MessageTemplate
        fields = ["subject", "body"]
        labels = {"subject": _("Subject"), "body": _("Text")}
        help_texts = {"subject": ""}
        widgets = {"body": forms.Textarea({"rows": 12})}

    def __init__(self, data: Any = None, *, template: MessageTemplate) -> None:
        super().__init__(data, instance=template)
        if template.channel == Channel.SMS:
            del self.fields["subject"]
        else:
            self.fields["subject"].required = True

    def _post_clean(self) -> None:
        for name, value in self.cleaned_data.items():
            setattr(self.instance, name, value)


class WebhookForm(forms.Form):
    """URL and events of a provider's webhook."""

    url = URLField(label=_("Address"), max_length=500, assume_scheme="https", validators=[one_line])
    description = LineField(label=_("Description"), max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(event, event) for event in EVENTS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: it is told of all."),
    )

    def __init__(self, data: Any = None, *, endpoint: WebhookEndpoint | None = None) -> None:
        initial = {name: getattr(endpoint, name) for name in self.base_fields} if endpoint else {}
        super().__init__(data, initial=initial)
