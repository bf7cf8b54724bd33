"""Signals of reminders for its own edges, sent synchronously and in the same transaction."""

from django.dispatch import Signal

code_owed = Signal()
"""A code for a phone was stored, to be sent after this transaction."""
