"""What accounts tells those who stand on it, synchronously and in the same transaction."""

from django.dispatch import Signal

provider_added = Signal()
"""A provider was added. Arguments: `provider`, `timezone` (IANA name), `now`."""
