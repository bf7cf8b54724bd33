"""The admin of reminders, for staff. Every change goes through the operations, as in the API."""

from reminders.outbox import admin as outbox
from reminders.preferences import admin as preferences
from reminders.templates import admin as templates
from reminders.webhooks import admin as webhooks

__all__ = ["outbox", "preferences", "templates", "webhooks"]
