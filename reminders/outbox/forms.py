"""The form that narrows a list of messages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.channels.registry import channel_choices
from reminders.enums import MessageStatus
from scheduler_project.common.api.fields import BIGGEST_ID
from scheduler_project.common.pages.forms import IntegerField


def or_all() -> list[tuple[str, Any]]:
    return [("", _("all")), *channel_choices()]


class MessagesForm(forms.Form):
    """Filters of a list of messages."""

    status = forms.ChoiceField(label=_("Status"), choices=[("", _("all")), *MessageStatus.choices], required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=or_all, required=False)
    appointment = IntegerField(min_value=1, max_value=BIGGEST_ID, required=False, widget=forms.HiddenInput)
