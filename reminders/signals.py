"""What reminding tells its own edges, synchronously and in the same transaction."""

from django.dispatch import Signal

code_owed = Signal()
"""A code for a phone is to be sent once this transaction is done."""
