"""Models of reminders."""

from reminders.models.messages import DeliveryAttempt, Message, Reminder
from reminders.models.phones import PhoneCode
from reminders.models.preferences import OptOut, Preferences
from reminders.models.templates import MessageTemplate
from reminders.models.webhooks import WebhookEndpoint

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
