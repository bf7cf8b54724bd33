"""The channels by name, in the order in which people read them."""

from reminders.channels.base import DeliveryChannel, PersonalChannel
from reminders.channels.email.channel import EmailChannel
from reminders.channels.sms.channel import SmsChannel
from reminders.channels.webhook.channel import WebhookChannel

CHANNELS: dict[str, DeliveryChannel] = {
    channel.name: channel for channel in (EmailChannel(), SmsChannel(), WebhookChannel())
}


def personal_channels() -> dict[str, PersonalChannel]:
    """Return the channels that reach people."""
    return {name: channel for name, channel in CHANNELS.items() if isinstance(channel, PersonalChannel)}


def personal(name: str) -> PersonalChannel:
    """Return a channel that reaches people. Raises KeyError for any other name."""
    return personal_channels()[name]
