"""The default texts of mails."""

from django.utils.translation import gettext_lazy as _

from reminders.channels.base import TemplateText
from reminders.enums import MessageKind, Recipient

TEXTS: dict[Recipient, dict[MessageKind, TemplateText]] = {
    Recipient.CLIENT: {
        MessageKind.REMINDER: TemplateText(
            _("Reminder: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} is coming up:\n\n{{ title }}\n"
                "{{ start }}\n\nIf you cannot make it, please let us know in good time."
            ),
        ),
        MessageKind.HOLD: TemplateText(
            _("Please confirm: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nwe are holding this time with {{ provider_name }} for you:\n\n"
                "{{ title }}\n{{ start }}\n\nPlease confirm it before {{ held_until }}:\n\n{{ confirm_link }}\n\n"
                "Otherwise it becomes free for others. If it was not you who asked for it, just ignore this message."
            ),
        ),
        MessageKind.HOLD_EXPIRED: TemplateText(
            _("No longer held: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nthis time with {{ provider_name }} was not confirmed, so it is free for "
                "others again:\n\n{{ title }}\n{{ start }}\n\nIf you still want to come, please book once more."
            ),
        ),
        MessageKind.BOOKED: TemplateText(
            _("Booked: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} is booked:\n\n{{ title }}\n"
                "{{ start }}\n\nThe attached file puts it into your calendar."
            ),
        ),
        MessageKind.PENDING: TemplateText(
            _("Awaiting approval: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nthank you for your request. {{ provider_name }} has yet to approve it:\n\n"
                "{{ title }}\n{{ start }}\n\nThe time is kept for you. We will tell you as soon as it is decided."
            ),
        ),
        MessageKind.APPROVED: TemplateText(
            _("Approved: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been approved:\n\n"
                "{{ title }}\n{{ start }}\n\nThe attached file puts it into your calendar."
            ),
        ),
        MessageKind.DECLINED: TemplateText(
            _("Declined: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nunfortunately your appointment with {{ provider_name }} cannot take "
                "place:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}\n\nYou are welcome to book another time."
            ),
        ),
        MessageKind.MOVED: TemplateText(
            _("Moved: {{ title }}, now {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been moved:\n\n{{ title }}\n"
                "{{ start }}\n\nBefore, it was: {{ old_start }}\n\nThe attached file updates your calendar."
            ),
        ),
        MessageKind.CANCELLED: TemplateText(
            _("Cancelled: {{ title }}, {{ start }}"),
            _(
                "Hello {{ client_name }},\n\nyour appointment with {{ provider_name }} has been cancelled:\n\n"
                "{{ title }}\n{{ start }}\n\nReason: {{ reason }}\n\nThe attached file takes it out of your calendar."
            ),
        ),
    },
    Recipient.PROVIDER: {
        MessageKind.BOOKED: TemplateText(
            _("Booked: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nyou have a new appointment with {{ client_name }}:\n\n{{ title }}\n"
                "{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        MessageKind.PENDING: TemplateText(
            _("Please approve: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\n{{ client_name }} asks for an appointment. Please approve or decline "
                "it:\n\n{{ title }}\n{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        MessageKind.APPROVED: TemplateText(
            _("Approved: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been approved:\n\n"
                "{{ title }}\n{{ start }}\n\nEmail: {{ client_email }}\nPhone: {{ client_phone }}"
            ),
        ),
        MessageKind.DECLINED: TemplateText(
            _("Declined: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been declined, and its time "
                "is free again:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}"
            ),
        ),
        MessageKind.MOVED: TemplateText(
            _("Moved: {{ title }} with {{ client_name }}, now {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been moved:\n\n{{ title }}\n"
                "{{ start }}\n\nBefore, it was: {{ old_start }}"
            ),
        ),
        MessageKind.CANCELLED: TemplateText(
            _("Cancelled: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hello {{ provider_name }},\n\nthe appointment with {{ client_name }} has been cancelled, and its time "
                "is free again:\n\n{{ title }}\n{{ start }}\n\nReason: {{ reason }}"
            ),
        ),
    },
}
