"""API fields that name a channel. Each serializer creates its own, after all channels are registered."""

from typing import Any

from rest_framework import serializers

from reminders.channels.registry import channel_choices, personal_choices


class ChannelField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=channel_choices(), **kwargs)


class PersonalChannelField(serializers.ChoiceField):
    """A channel that reaches people."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=personal_choices(), **kwargs)
