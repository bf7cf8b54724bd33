"""The check whether an address may be written to: the only one, for every message and every way of sending."""

from reminders.channels.base import PersonalChannel
from reminders.channels.registry import CHANNELS
from reminders.enums import MessageKind, Recipient
from reminders.models import Message
from reminders.skip_reasons import NOT_VETTED, PLANNING


def refusal(message: Message) -> str:
    """Return the reason why a message may not be sent, whatever its text; "" if it may.

    A mail about an account may always be sent. For a provider who is not vetted, nothing is sent to clients or
    webhooks, only to the provider's own mailbox.
    """
    if message.kind == MessageKind.ACCOUNT:
        return ""
    own = message.endpoint_id is None and message.recipient == Recipient.PROVIDER
    if not own and not message.about.provider.is_vetted:
        return str(PLANNING[NOT_VETTED])
    channel = CHANNELS[message.channel]
    return channel.refusal(message.about.client) if isinstance(channel, PersonalChannel) else ""
