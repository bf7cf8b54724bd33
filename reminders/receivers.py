"""Receivers of booking's signals, in the same transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import Client, Provider, User
from accounts.signals import (
    client_leaving,
    client_registered,
    login_leaving,
    mail_owed,
    mailbox_proved,
    personal_data_asked,
    provider_vetted,
)
from booking.models import Appointment, AppointmentEvent, Reservation, Schedule, Service
from booking.signals import (
    appointment_changed,
    appointments_imported,
    client_is_notified,
    demo_opened,
    details_given,
    guest_added,
    holds_expired,
    reminders_reset,
    series_changed,
    time_held,
)
from reminders import demo, notices, privacy
from reminders.channels.email.channel import EmailChannel
from reminders.channels.sms.channel import SmsChannel
from reminders.channels.webhook.channel import WebhookChannel
from reminders.models import MessageTemplate, PhoneCode, WebhookEndpoint
from reminders.outbox.enqueue import write_account_mail
from reminders.plan import operations as plan
from reminders.preferences.operations import reset_preferences, store_choices
from reminders.signals import code_owed
from reminders.tasks import wake_code_sender, wake_dispatcher
from reminders.webhooks.operations import end_endpoints
from scheduler_project.common import outages


@receiver(appointment_changed, dispatch_uid="reminders.receivers.on_appointment_changed")
def on_appointment_changed(
    appointment: Appointment, event: AppointmentEvent, now: datetime, alone: bool = True, **kwargs: Any
) -> None:
    if notices.plan_messages(appointment=appointment, event=event, now=now, alone=alone):
        transaction.on_commit(wake_dispatcher)


@receiver(client_is_notified, dispatch_uid="reminders.receivers.on_client_is_notified")
def on_client_is_notified(appointment: Appointment, event: str, **kwargs: Any) -> bool:
    return notices.reaches_client(appointment=appointment, event=event)


@receiver(series_changed, dispatch_uid="reminders.receivers.on_series_changed")
def on_series_changed(events: Sequence[AppointmentEvent], now: datetime, **kwargs: Any) -> None:
    if notices.follow_series(events=events, now=now):
        transaction.on_commit(wake_dispatcher)


@receiver(appointments_imported, dispatch_uid="reminders.receivers.on_appointments_imported")
def on_appointments_imported(events: Sequence[AppointmentEvent], tell: bool, now: datetime, **kwargs: Any) -> None:
    if notices.follow_import(events=events, tell=tell, now=now):
        transaction.on_commit(wake_dispatcher)


@receiver(time_held, dispatch_uid="reminders.receivers.on_time_held")
def on_time_held(reservation: Reservation, actor: Actor, now: datetime, **kwargs: Any) -> None:
    if reservation.client_id == actor.client_id:
        return  # A client who is logged in confirms on the page.
    if notices.ask_to_confirm(reservation=reservation, now=now):
        transaction.on_commit(wake_dispatcher)


@receiver(details_given, dispatch_uid="reminders.receivers.on_details_given")
def on_details_given(reservation: Reservation, language: str, by_sms: bool, now: datetime, **kwargs: Any) -> None:
    on_guest_added(client=reservation.client, language=language, by_sms=by_sms, now=now)
    if notices.ask_to_confirm(reservation=reservation, now=now):
        transaction.on_commit(wake_dispatcher)


@receiver(guest_added, dispatch_uid="reminders.receivers.on_guest_added")
def on_guest_added(client: Client, language: str, by_sms: bool, now: datetime, **kwargs: Any) -> None:
    channels = [EmailChannel.name, SmsChannel.name] if by_sms else []
    store_choices(client=client, language=language, channels=channels, now=now)


@receiver(client_registered, dispatch_uid="reminders.receivers.on_client_registered")
def on_client_registered(client: Client, language: str, now: datetime, **kwargs: Any) -> None:
    store_choices(client=client, language=language, now=now)


@receiver(holds_expired, dispatch_uid="reminders.receivers.on_holds_expired")
def on_holds_expired(reservations: Collection[int], now: datetime, **kwargs: Any) -> None:
    if notices.notify_expired(reservations=reservations, now=now):
        transaction.on_commit(wake_dispatcher)


@receiver(reminders_reset, dispatch_uid="reminders.receivers.on_reminders_reset")
def on_reminders_reset(schedule: Schedule | None, service: Service | None, now: datetime, **kwargs: Any) -> None:
    coming = Appointment.objects.coming(now=now)
    if schedule is not None:
        coming = coming.filter(reservation__provider=schedule.provider_id)
    if service is not None:
        coming = coming.filter(reservation__service=service)
    plan.replan(coming, now=now)


@receiver(provider_vetted, dispatch_uid="reminders.receivers.on_provider_vetted")
def on_provider_vetted(provider: Provider, now: datetime, **kwargs: Any) -> None:
    """Replan the reminders of appointments from before an approval was withdrawn, once it is given again."""
    plan.replan(Appointment.objects.coming(now=now).filter(reservation__provider=provider), now=now)


@receiver(mail_owed, dispatch_uid="reminders.receivers.owe_account_mail")
def owe_account_mail(mail: dict[str, str], useful_until: datetime, now: datetime, **kwargs: Any) -> None:
    write_account_mail(mail=mail, useful_until=useful_until, now=now)
    transaction.on_commit(wake_dispatcher)


@receiver(code_owed, dispatch_uid="reminders.receivers.on_code_owed")
def on_code_owed(**kwargs: Any) -> None:
    transaction.on_commit(wake_code_sender)


@receiver(demo_opened, dispatch_uid="reminders.receivers.on_demo_opened")
def on_demo_opened(now: datetime, **kwargs: Any) -> None:
    demo.add_demo_messages(now=now)


@receiver(personal_data_asked, dispatch_uid="reminders.receivers.on_personal_data_asked")
def on_personal_data_asked(
    user: User | None, client: Client | None, own: bool, archive: dict[str, Any], **kwargs: Any
) -> None:
    archive |= privacy.reminder_data_of(user, client, own=own)


@receiver(client_leaving, dispatch_uid="reminders.receivers.on_client_leaving")
def on_client_leaving(client: Client, **kwargs: Any) -> None:
    privacy.erase_client_messages(client=client)


@receiver(login_leaving, dispatch_uid="reminders.receivers.on_login_leaving")
def on_login_leaving(user: User, **kwargs: Any) -> None:
    privacy.erase_login_messages(user=user)


@receiver(post_delete, sender=WebhookEndpoint, dispatch_uid="reminders.receivers.on_endpoint_deleted")
def on_endpoint_deleted(instance: WebhookEndpoint, **kwargs: Any) -> None:
    """Delete the outage of a deleted webhook, so that it is not probed for ever."""
    outages.close_outage([outages.key_of(WebhookChannel.name, instance.pk)])


@receiver(mailbox_proved, dispatch_uid="reminders.receivers.on_mailbox_proved")
def on_mailbox_proved(
    client: Client | None, provider: Provider | None, now: datetime, ended: list[Any], kept: list[Any], **kwargs: Any
) -> None:
    PhoneCode.objects.filter(client=client, client__isnull=False).delete()
    if client and reset_preferences(client=client, now=now):
        ended.append(_("your reminder preferences"))
    if provider and end_endpoints(provider=provider):
        ended.append(_("webhooks"))
    if provider and MessageTemplate.objects.filter(provider=provider).exists():
        kept.append(_("your own message templates"))
