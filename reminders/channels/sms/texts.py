"""The default texts of text messages.

They keep to the GSM alphabet: with one “ or – only 70 characters fit instead of 160.
"""

from django.utils.translation import gettext_lazy as _

from reminders.channels.base import TemplateText
from reminders.enums import Kind, Recipient

TEXTS: dict[Recipient, dict[Kind, TemplateText]] = {
    Recipient.CLIENT: {
        Kind.REMINDER: TemplateText("", _("Reminder: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.BOOKED: TemplateText("", _("Booked: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.PENDING: TemplateText("", _("Awaiting approval: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.APPROVED: TemplateText("", _("Approved: {{ title }} with {{ provider_name }}, {{ start }}")),
        Kind.DECLINED: TemplateText("", _("Declined: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")),
        Kind.MOVED: TemplateText("", _("Moved: {{ title }} with {{ provider_name }}, now {{ start }}")),
        Kind.CANCELLED: TemplateText(
            "", _("Cancelled: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")
        ),
    },
}
