"""Models of reminders."""

from reminders.outbox.models import DeliveryAttempt, Message, Reminder
from reminders.phones.models import PhoneCode
from reminders.preferences.models import OptOut, Preferences
from reminders.templates.models import MessageTemplate
from reminders.webhooks.models import WebhookEndpoint

__all__ = [
    "DeliveryAttempt",
    "Message",
    "MessageTemplate",
    "OptOut",
    "PhoneCode",
    "Preferences",
    "Reminder",
    "WebhookEndpoint",
]
