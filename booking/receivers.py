"""Receivers of signals from the apps below."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider, User
from accounts.signals import (
    client_leaving,
    login_leaving,
    mailbox_proved,
    personal_data_asked,
    provider_added,
    provider_vetted,
)
from booking.availability.operations import open_schedule
from booking.availability.slots import extend
from booking.calendars.operations import end_feeds
from booking.models import Appointment, Schedule
from booking.privacy import anonymize_bookings, bookings_of, prepare_account_deletion
from booking.signals import slots_missing
from booking.tasks import wake_extender


@receiver(provider_added, dispatch_uid="booking.receivers.on_provider_added")
def on_provider_added(provider: Provider, timezone: str, now: datetime, **kwargs: Any) -> None:
    open_schedule(provider=provider, timezone=timezone, now=now)


@receiver(provider_vetted, dispatch_uid="booking.receivers.on_provider_vetted")
def on_provider_vetted(provider: Provider, now: datetime, **kwargs: Any) -> None:
    """Generate slots for the whole booking horizon: a provider who cannot be booked has fewer."""
    schedule = Schedule.objects.filter(provider=provider).first()
    if schedule is not None:
        extend(schedule_id=schedule.pk, now=now)


@receiver(slots_missing, dispatch_uid="booking.receivers.on_slots_missing")
def on_slots_missing(schedule: Schedule, **kwargs: Any) -> None:
    transaction.on_commit(partial(wake_extender, schedule.pk))


@receiver(personal_data_asked, dispatch_uid="booking.receivers.on_personal_data_asked")
def on_personal_data_asked(
    user: User | None, client: Client | None, own: bool, archive: dict[str, Any], **kwargs: Any
) -> None:
    archive |= bookings_of(user, client, own=own)


@receiver(login_leaving, dispatch_uid="booking.receivers.on_login_leaving")
def on_login_leaving(user: User, now: datetime, **kwargs: Any) -> None:
    prepare_account_deletion(user=user, now=now)


@receiver(client_leaving, dispatch_uid="booking.receivers.on_client_leaving")
def on_client_leaving(client: Client, now: datetime, **kwargs: Any) -> None:
    anonymize_bookings(client=client, now=now)


@receiver(mailbox_proved, dispatch_uid="booking.receivers.on_mailbox_proved")
def on_mailbox_proved(
    client: Client | None, provider: Provider | None, now: datetime, ended: list[Any], kept: list[Any], **kwargs: Any
) -> None:
    if end_feeds(provider=provider, client=client):
        ended.append(_("the calendar subscription"))
    theirs = Q(reservation__client=client, reservation__client__isnull=False)
    theirs |= Q(reservation__provider=provider, reservation__provider__isnull=False)
    if (client or provider) and Appointment.objects.coming(now=now).filter(theirs).exists():
        kept.append(_("upcoming appointments"))
