"""The check of whether an address may be written to: the only one, for every message and every path."""

from django.conf import settings
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber
from phonenumbers import region_code_for_number

from accounts.models import Client
from reminders.enums import Channel, Recipient
from reminders.models import Message
from reminders.skip_reasons import Cause


def refusal(message: Message) -> str:
    """Return the reason why a message may not be sent, whatever its text; empty if it may.

    For a provider who is not vetted, nothing is sent to clients or webhooks, only to the provider's own mailbox.
    """
    own = message.channel == Channel.EMAIL and message.recipient == Recipient.PROVIDER
    if not own and not message.reservation.provider.is_vetted:
        return _("The provider is not approved, or their email is not verified.")
    return sms_refusal(message.reservation.client) if message.channel == Channel.SMS else ""


def sms_refusal(client: Client) -> str:
    """Return the reason why no text message may go to a client's phone; empty if one may. STOP is checked elsewhere."""
    if not client.phone:
        return _("There is no address to send it to.")
    if not client.phone_is_verified:
        return Cause.NOT_VERIFIED
    if not is_served(client.phone):
        return Cause.NOT_SERVED
    return ""


def is_served(phone: PhoneNumber) -> bool:
    """Return whether text messages are sent to the country of a number (SMS_COUNTRIES)."""
    return not settings.SMS_COUNTRIES or region_code_for_number(phone) in settings.SMS_COUNTRIES
