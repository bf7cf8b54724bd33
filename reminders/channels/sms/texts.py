"""The default texts of text messages.

They keep to the GSM alphabet: one “ or – and only 70 characters fit instead of 160."""

from django.utils.translation import gettext_lazy as _

from reminders.channels.base import Words
from reminders.enums import Kind, Recipient

TEXTS: dict[Recipient, dict[Kind, Words]] = {
    Recipient.CLIENT: {
        Kind.REMINDER: Words("", _("Reminder: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.BOOKED: Words("", _("Booked: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.PENDING: Words("", _("Awaiting approval: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.APPROVED: Words("", _("Approved: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.DECLINED: Words("", _("Declined: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")),
        Kind.MOVED: Words("", _("Moved: {{ title }} with {{ provider_name }}, now {{ start }}")),
        Kind.CANCELLED: Words("", _("Cancelled: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")),
    },
}
