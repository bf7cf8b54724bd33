"""The channels by name, in the order in which pages list them."""

from typing import Any

from reminders.channels.base import DeliveryChannel, PersonalChannel
from reminders.channels.email.channel import EmailChannel
from reminders.channels.sms.channel import SmsChannel
from reminders.channels.webhook.channel import WebhookChannel
from scheduler_project.common import sending_capacity

CHANNELS: dict[str, DeliveryChannel] = {}
sending_capacity.channels = CHANNELS


def register(channel: DeliveryChannel) -> None:
    """Add a channel. All code that loops over channels reads them from here."""
    CHANNELS[channel.name] = channel


for channel in (EmailChannel(), SmsChannel(), WebhookChannel()):
    register(channel)


def personal_channels() -> dict[str, PersonalChannel]:
    """Return the channels that reach people."""
    return {name: channel for name, channel in CHANNELS.items() if isinstance(channel, PersonalChannel)}


def personal(name: str) -> PersonalChannel:
    """Return a channel that reaches people. Raises KeyError for any other name."""
    return personal_channels()[name]


def channel_choices() -> list[tuple[str, Any]]:
    """Return the channels as choices of fields.

    Migrations name this function, not its result, so that adding a channel needs no migration.
    """
    return [(name, channel.label) for name, channel in CHANNELS.items()]


def personal_choices() -> list[tuple[str, Any]]:
    """Return the channels that reach people as choices of fields, named in migrations like `channel_choices`."""
    return [(name, channel.label) for name, channel in personal_channels().items()]
