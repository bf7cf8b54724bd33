"""The default texts of text messages.

They keep to the GSM alphabet: with one “ or – only 70 characters fit instead of 160.
"""

from django.utils.translation import gettext_lazy as _

from reminders.channels.base import TemplateText
from reminders.enums import MessageKind, Recipient

TEXTS: dict[Recipient, dict[MessageKind, TemplateText]] = {
    Recipient.CLIENT: {
        MessageKind.REMINDER: TemplateText("", _("Reminder: {{ title }} with {{ provider_name }}, {{ start }}")),
        MessageKind.BOOKED: TemplateText("", _("Booked: {{ title }} with {{ provider_name }}, {{ start }}")),
        MessageKind.PENDING: TemplateText(
            "", _("Waiting for approval: {{ title }} with {{ provider_name }}, {{ start }}")
        ),
        MessageKind.APPROVED: TemplateText("", _("Approved: {{ title }} with {{ provider_name }}, {{ start }}")),
        MessageKind.DECLINED: TemplateText(
            "", _("Declined: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")
        ),
        MessageKind.MOVED: TemplateText("", _("Rescheduled: {{ title }} with {{ provider_name }}, now {{ start }}")),
        MessageKind.CANCELLED: TemplateText(
            "", _("Cancelled: {{ title }} with {{ provider_name }}, {{ start }}\n{{ reason }}")
        ),
    },
}
