"""What booking does when something happens below it."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.models import Provider
from accounts.signals import provider_added
from booking.operations.availability import open_schedule


@receiver(provider_added, dispatch_uid="booking.receivers.give_schedule")
def give_schedule(provider: Provider, timezone: str, now: datetime, **kwargs: Any) -> None:
    open_schedule(provider=provider, timezone=timezone, now=now)
