"""The default texts of mails."""

from django.utils.translation import gettext_lazy as _

from reminders.channels.base import TemplateText
from reminders.enums import MessageKind, Recipient

TEXTS: dict[Recipient, dict[MessageKind, TemplateText]] = {
    Recipient.CLIENT: {
        MessageKind.REMINDER: TemplateText(
            _("Reminder: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Your appointment with {{ provider_name }} is coming up:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "If you can't make it, please let us know as soon as you can."
            ),
        ),
        MessageKind.HOLD: TemplateText(
            _("Please confirm: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "We're holding this time with {{ provider_name }} for you:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Please confirm it before {{ held_until }}:\n\n"
                "{{ confirm_link }}\n\n"
                "After that, others can book it. If you didn't ask for this, you can ignore this email."
            ),
        ),
        MessageKind.HOLD_EXPIRED: TemplateText(
            _("No longer held: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "This time with {{ provider_name }} wasn't confirmed, so others can book it again:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "If you still want to come, please book again."
            ),
        ),
        MessageKind.BOOKED: TemplateText(
            _("Booked: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Your appointment with {{ provider_name }} is booked:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Add it to your calendar with the attached invitation."
            ),
        ),
        MessageKind.PENDING: TemplateText(
            _("Waiting for approval: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Thanks for your request. {{ provider_name }} still needs to approve it:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "We're holding the time for you and will let you know as soon as there's a decision."
            ),
        ),
        MessageKind.APPROVED: TemplateText(
            _("Approved: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Your appointment with {{ provider_name }} has been approved:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Add it to your calendar with the attached invitation."
            ),
        ),
        MessageKind.DECLINED: TemplateText(
            _("Declined: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Unfortunately, your appointment with {{ provider_name }} can't go ahead:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Reason: {{ reason }}\n\n"
                "You're welcome to book another time."
            ),
        ),
        MessageKind.MOVED: TemplateText(
            _("Rescheduled: {{ title }}, now {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Your appointment with {{ provider_name }} has been rescheduled:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Previously: {{ old_start }}\n\n"
                "Update your calendar with the attached invitation."
            ),
        ),
        MessageKind.CANCELLED: TemplateText(
            _("Cancelled: {{ title }}, {{ start }}"),
            _(
                "Hi {{ client_name }},\n\n"
                "Your appointment with {{ provider_name }} has been cancelled:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Reason: {{ reason }}\n\n"
                "Remove it from your calendar with the attached file."
            ),
        ),
    },
    Recipient.PROVIDER: {
        MessageKind.BOOKED: TemplateText(
            _("Booked: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "You have a new appointment with {{ client_name }}:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Email: {{ client_email }}\n"
                "Phone: {{ client_phone }}"
            ),
        ),
        MessageKind.PENDING: TemplateText(
            _("New request: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "{{ client_name }} has requested an appointment. Please approve or decline it:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Email: {{ client_email }}\n"
                "Phone: {{ client_phone }}"
            ),
        ),
        MessageKind.APPROVED: TemplateText(
            _("Approved: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "The appointment with {{ client_name }} has been approved:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Email: {{ client_email }}\n"
                "Phone: {{ client_phone }}"
            ),
        ),
        MessageKind.DECLINED: TemplateText(
            _("Declined: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "The appointment with {{ client_name }} has been declined, and others can book its time again:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Reason: {{ reason }}"
            ),
        ),
        MessageKind.MOVED: TemplateText(
            _("Rescheduled: {{ title }} with {{ client_name }}, now {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "The appointment with {{ client_name }} has been rescheduled:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Previously: {{ old_start }}"
            ),
        ),
        MessageKind.CANCELLED: TemplateText(
            _("Cancelled: {{ title }} with {{ client_name }}, {{ start }}"),
            _(
                "Hi {{ provider_name }},\n\n"
                "The appointment with {{ client_name }} has been cancelled, and others can book its time again:\n\n"
                "{{ title }}\n"
                "{{ start }}\n\n"
                "Reason: {{ reason }}"
            ),
        ),
    },
}
