"""What booking does when something happens below it."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.models import Client, Provider, User
from accounts.signals import client_leaving, login_leaving, personal_data_asked, provider_added
from booking.operations.availability import open_schedule
from booking.operations.leaving import bookings_of, forget_client, leave_no_bookings


@receiver(provider_added, dispatch_uid="booking.receivers.give_schedule")
def give_schedule(provider: Provider, timezone: str, now: datetime, **kwargs: Any) -> None:
    open_schedule(provider=provider, timezone=timezone, now=now)


@receiver(personal_data_asked, dispatch_uid="booking.receivers.tell_bookings")
def tell_bookings(user: User | None, client: Client | None, own: bool, archive: dict[str, Any], **kwargs: Any) -> None:
    archive |= bookings_of(user, client, own=own)


@receiver(login_leaving, dispatch_uid="booking.receivers.let_leave")
def let_leave(user: User, now: datetime, **kwargs: Any) -> None:
    leave_no_bookings(user=user, now=now)


@receiver(client_leaving, dispatch_uid="booking.receivers.let_client_leave")
def let_client_leave(client: Client, now: datetime, **kwargs: Any) -> None:
    forget_client(client=client, now=now)
