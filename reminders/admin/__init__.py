"""Admin pages of reminders. Every change goes through the operations, as in the API."""

from reminders.admin import messages, preferences, templates, webhooks

__all__ = ["messages", "preferences", "templates", "webhooks"]
