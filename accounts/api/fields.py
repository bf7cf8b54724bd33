"""Fields shared by the API of people."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import Unpublished
from scheduler_project.common.api.fields import (
    LineField,
)


class NameField(LineField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)


class MissingField(serializers.ListField):
    """The code of a reason for which a provider is not yet published."""

    def __init__(self, **kwargs: Any) -> None:
        own = {
            "child": serializers.ChoiceField(choices=Unpublished.choices),
            "read_only": True,
            "help_text": _(
                "What you still need before clients can find and book you and you can send messages. Empty once "
                "published."
            ),
        }
        super().__init__(**kwargs | own)
