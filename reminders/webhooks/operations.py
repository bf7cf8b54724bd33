"""Operations on a provider's webhooks, for the provider and staff: endpoints, secrets, disabling after failures."""

import base64
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from django.conf import settings

from accounts.actors import Actor
from accounts.models import Provider
from booking.models import Appointment
from reminders.channels.base import RefusedForGood
from reminders.channels.webhook.channel import WebhookChannel, target_of
from reminders.enums import MessageKind, MessageStatus
from reminders.models import Message, WebhookEndpoint
from reminders.outbox.errors import NotRetryable, TooLate
from reminders.outbox.operations import requeue
from reminders.plan.operations import replan
from reminders.webhooks.errors import BadAddress, EndpointDisabled, TooManyEndpoints, UnknownEvent
from reminders.webhooks.events import EVENTS, REMINDER_DUE, RETRIED_FOR
from scheduler_project.common import outages
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation
from scheduler_project.common.validators import is_local

MOST = 20
"""Maximum number of webhooks per provider: each receives every event."""


OVERLAP = timedelta(hours=24)
"""The time for which a replaced secret stays valid."""


CHANGE = "reminders.change_webhookendpoint"
"""The permission staff need for providers' webhooks: it covers their secrets and destinations."""


def new_secret() -> str:
    """Return a new secret in the form of Standard Webhooks, which asks for 24 to 64 random bytes."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


@operation
def add_endpoint(*, provider_id: int, fields: dict[str, Any], actor: Actor, now: datetime) -> WebhookEndpoint:
    """Add a webhook: `url`, and optionally `description` and `events` (none: all). It receives events from now on.

    The caller shows its `secret`, for the only time. Raises BadAddress, UnknownEvent, EndpointExists and
    TooManyEndpoints; NotFound, NotAllowed.
    """
    # Concurrent requests must count one after the other.
    provider = Provider.objects.select_for_update(of=("self",), no_key=True).filter(pk=provider_id).first()
    if provider is None:
        raise NotFound(field="provider")
    if not actor.runs(provider.pk, CHANGE):
        raise NotAllowed
    endpoint = WebhookEndpoint(provider=provider, secret=new_secret(), created_at=now, **_checked(fields))
    if WebhookEndpoint.objects.filter(provider=provider).count() >= MOST:
        raise TooManyEndpoints
    endpoint.save(force_insert=True)
    log_security_event_on_commit(SecurityEvent.KEY_CREATED, kind="webhook", provider=provider.pk)
    _plan_anew(endpoint, now)
    return endpoint


@operation
def change_endpoint(*, endpoint_id: int, fields: dict[str, Any], actor: Actor, now: datetime) -> WebhookEndpoint:
    """Change `url`, `description` or `events`. Pending deliveries go to the new URL.

    Raises the same as `add_endpoint`.
    """
    endpoint = _locked(endpoint_id, actor)
    wanted = endpoint.wants(REMINDER_DUE)
    for name, value in _checked(fields).items():
        setattr(endpoint, name, value)
    if fields:
        endpoint.save(update_fields=list(fields))
    if endpoint.wants(REMINDER_DUE) != wanted:
        _plan_anew(endpoint, now, changed=True)
    if "url" in fields:
        _try_at_once(endpoint)
    return endpoint


@operation
def rotate_secret(*, endpoint_id: int, actor: Actor, now: datetime) -> WebhookEndpoint:
    """Give a webhook a new secret, to be shown once. The old one signs requests too, for another 24 hours."""
    endpoint = _locked(endpoint_id, actor)
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + OVERLAP
    endpoint.secret = new_secret()
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    for event in (SecurityEvent.KEY_ENDED, SecurityEvent.KEY_CREATED):
        log_security_event_on_commit(event, kind="webhook_secret", provider=endpoint.provider_id)
    return endpoint


@operation
def enable_endpoint(*, endpoint_id: int, actor: Actor, now: datetime) -> WebhookEndpoint:
    """Enable a webhook: it receives events from now on. Enabling an enabled one resets its record of failures."""
    endpoint = _locked(endpoint_id, actor)
    endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since = None, "", None
    endpoint.save(update_fields=["disabled_at", "disabled_reason", "failing_since"])
    _try_at_once(endpoint)
    _plan_anew(endpoint, now)
    return endpoint


@operation
def disable_endpoint(*, endpoint_id: int, actor: Actor, now: datetime) -> WebhookEndpoint:
    """Disable a webhook. One that is disabled keeps its reason."""
    endpoint = _locked(endpoint_id, actor)
    if endpoint.disabled_at is None:
        _disable(endpoint, now, "Disabled by hand.")
    return endpoint


@operation
def remove_endpoint(*, endpoint_id: int, actor: Actor, now: datetime) -> None:
    """Delete a webhook endpoint and its deliveries."""
    endpoint = _locked(endpoint_id, actor)
    endpoint.delete()
    log_security_event_on_commit(SecurityEvent.KEY_ENDED, kind="webhook", provider=endpoint.provider_id)


@operation
def end_endpoints(*, provider: Provider) -> int:
    """Delete all webhooks of a provider, by whomever they were added. Return how many."""
    ended = WebhookEndpoint.objects.filter(provider=provider).delete()[1].get("reminders.WebhookEndpoint", 0)
    if ended:
        log_security_event_on_commit(SecurityEvent.KEY_ENDED, kind="webhook", provider=provider.pk, count=ended)
    return ended


@operation
def replay(*, message_id: int, actor: Actor, now: datetime) -> Message:
    """Send an event again, delivered or not, with the same id, by which the receiver recognizes a repetition.

    Raises EndpointDisabled; NotRetryable for a delivery that is pending or was withdrawn; TooLate for a reminder of an
    appointment that has begun; NotFound, NotAllowed.
    """
    message = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("endpoint")
        .filter(pk=message_id, channel=WebhookChannel.name)
        .first()
    )
    if message is None or message.endpoint is None:
        raise NotFound
    if not actor.runs(message.endpoint.provider_id, CHANGE):
        raise NotAllowed
    if message.endpoint.disabled_at is not None:
        raise EndpointDisabled
    if message.status in (MessageStatus.PENDING, MessageStatus.CANCELLED):
        raise NotRetryable
    if message.kind == MessageKind.EVENT:
        message.useful_until = max(message.useful_until, now + RETRIED_FOR)
    elif message.useful_until <= now:
        raise TooLate
    requeue(message, now=now)
    return message


@operation
def note_success(*, endpoint_id: int, now: datetime) -> None:
    """Record a successful delivery: the webhook is not failing."""
    WebhookEndpoint.objects.filter(pk=endpoint_id, failing_since__isnull=False).update(failing_since=None)


@operation
def note_failure(*, endpoint_id: int, now: datetime, gone: bool) -> None:
    """Record a failed delivery. A webhook is disabled if it is `gone`, or has failed for WEBHOOK_DISABLE_AFTER_DAYS."""
    endpoint = WebhookEndpoint.objects.active().select_for_update(of=("self",), no_key=True).filter(pk=endpoint_id)
    for failing in endpoint:
        failing.failing_since = failing.failing_since or now
        failing.save(update_fields=["failing_since"])
        if gone:
            _disable(failing, now, "It answered 410 Gone.")
        elif failing.failing_since <= now - timedelta(days=settings.WEBHOOK_DISABLE_AFTER_DAYS):
            _disable(failing, now, f"Every delivery has failed since {failing.failing_since:%Y-%m-%d %H:%M} UTC.")


def _disable(endpoint: WebhookEndpoint, now: datetime, reason: str) -> None:
    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    _try_at_once(endpoint)  # Its pending deliveries fail at once instead of waiting.
    _plan_anew(endpoint, now)


def _plan_anew(endpoint: WebhookEndpoint, now: datetime, *, changed: bool = False) -> None:
    """Replan the provider's reminders after a webhook has been added or removed, or its events changed."""
    if changed or endpoint.wants(REMINDER_DUE):
        replan(Appointment.objects.coming(now=now).filter(reservation__provider=endpoint.provider_id), now=now)


def _try_at_once(endpoint: WebhookEndpoint) -> None:
    """Delete the outage of the endpoint, so that the next delivery is attempted at once."""
    outages.close_outage([outages.key_of(WebhookChannel.name, endpoint.pk)])


def _locked(endpoint_id: int, actor: Actor) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.select_for_update(of=("self",), no_key=True).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound
    if not actor.runs(endpoint.provider_id, CHANGE):
        raise NotAllowed
    return endpoint


def _is_local(host: str) -> bool:
    """Return whether a host name is obviously not public, without a DNS look-up: without a dot, local, or a number.

    The addresses it resolves to are checked again at each delivery.
    """
    if ":" in host:
        return False  # An IPv6 address, which was checked before.
    if is_local(host):
        return True
    last = host.rstrip(".").lower().rpartition(".")[2]
    return last.startswith("0x") or (last.isdigit() and not _is_dotted(host))


def _is_dotted(host: str) -> bool:
    """Return whether it is an IPv4 address in the usual notation. Only some programs read others, for example 127.1."""
    with suppress(ValueError):
        return bool(IPv4Address(host))
    return False


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the validated fields in their stored form."""
    checked = dict(fields)
    if "url" in checked:
        try:
            host = target_of(checked["url"]).host
        except RefusedForGood as error:
            raise BadAddress(field="url") from error
        if not settings.WEBHOOK_ALLOW_PRIVATE and _is_local(host):
            raise BadAddress(field="url")
    if "events" in checked:
        if not set(checked["events"]) <= set(EVENTS):
            raise UnknownEvent(field="events", details={"events": list(EVENTS)})
        checked["events"] = [event for event in EVENTS if event in checked["events"]]
    return checked
