"""Who may be written to, and where: the one answer to that, whatever is to be sent and by whatever path."""

from django.conf import settings
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber
from phonenumbers import region_code_for_number

from accounts.models import Client
from reminders.causes import Cause
from reminders.enums import Channel, Recipient
from reminders.models import Message


def refusal(message: Message) -> str:
    """Return why a message may not go out, whatever it says; nothing if it may.

    Nothing goes to clients or webhooks on behalf of a provider who is not vetted. To their own mailbox it does.
    """
    own = message.channel == Channel.EMAIL and message.recipient == Recipient.PROVIDER
    if not own and not message.reservation.provider.is_vetted:
        return _("The provider is not approved, or their email is not verified.")
    return sms_refusal(message.reservation.client) if message.channel == Channel.SMS else ""


def sms_refusal(client: Client) -> str:
    """Return why no text message may go to a client's phone; nothing if one may, as far as they did not say STOP."""
    if not client.phone:
        return _("There is no address to send it to.")
    if not client.phone_is_verified:
        return Cause.NOT_VERIFIED
    if not is_served(client.phone):
        return Cause.NOT_SERVED
    return ""


def is_served(phone: PhoneNumber) -> bool:
    """Whether text messages go to the country of a number (SMS_COUNTRIES)."""
    return not settings.SMS_COUNTRIES or region_code_for_number(phone) in settings.SMS_COUNTRIES
