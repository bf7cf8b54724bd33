"""Operations that open, renew and close calendar feeds."""

import secrets
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from accounts.models import Client, Provider
from booking.models import CalendarFeed
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

CHANGE = "booking.change_calendarfeed"


@operation
def open_feed(
    *, actor: Actor, now: datetime, provider_id: int | None = None, client_id: int | None = None
) -> CalendarFeed:
    """Return the feed of a provider or of a client (give one of them), created if there is none.

    For the person themself, and for staff who may change feeds: its address is a secret. Raises NotAllowed; NotFound.
    """
    owner: dict[str, Any] = {"provider_id": provider_id} if provider_id is not None else {"client_id": client_id}
    _check_owns(actor, CHANGE, **owner)
    model = Provider if provider_id is not None else Client
    if not model._default_manager.filter(pk=provider_id or client_id).exists():  # noqa: SLF001
        raise NotFound(field="provider" if provider_id is not None else "client")
    new = CalendarFeed(**owner, token=_token(), created_at=now)
    CalendarFeed.objects.bulk_create([new], ignore_conflicts=True)
    feed = CalendarFeed.objects.select_related("provider", "client").get(**owner)
    if feed.token == new.token:
        _log(SecurityEvent.KEY_CREATED, feed)
    return feed


@operation
def renew_feed(*, feed_id: int, actor: Actor, now: datetime) -> CalendarFeed:
    """Give a feed another address; the old one no longer works. Raises NotAllowed; NotFound."""
    feed = _locked(feed_id, actor, CHANGE)
    feed.token = _token()
    feed.created_at = now
    feed.save(update_fields=["token", "created_at"])
    _log(SecurityEvent.KEY_ENDED, feed)
    _log(SecurityEvent.KEY_CREATED, feed)
    return feed


@operation
def close_feed(*, feed_id: int, actor: Actor) -> None:
    """Delete a feed; its address no longer works. Raises NotAllowed; NotFound."""
    feed = _locked(feed_id, actor, "booking.delete_calendarfeed")
    feed.delete()
    _log(SecurityEvent.KEY_ENDED, feed)


@operation
def end_feeds(*, provider: Provider | None, client: Client | None) -> int:
    """Delete the feeds of a provider and of a client, by whomever they were opened. Return how many there were."""
    theirs = CalendarFeed.objects.none()
    if provider is not None:
        theirs |= CalendarFeed.objects.filter(provider=provider)
    if client is not None:
        theirs |= CalendarFeed.objects.filter(client=client)
    ended = theirs.delete()[0]
    if ended:
        whose: dict[str, Any] = {"provider": provider.pk if provider else None, "client": client.pk if client else None}
        log_security_event_on_commit(SecurityEvent.KEY_ENDED, kind="feed", **whose, count=ended)
    return ended


def _locked(feed_id: int, actor: Actor, permission: str) -> CalendarFeed:
    rows = CalendarFeed.objects.select_related("provider", "client").select_for_update(of=("self",))
    feed = rows.filter(pk=feed_id).first()
    if feed is None:
        raise NotFound
    _check_owns(actor, permission, provider_id=feed.provider_id, client_id=feed.client_id)
    return feed


def _check_owns(actor: Actor, permission: str, *, provider_id: int | None = None, client_id: int | None = None) -> None:
    if provider_id is not None:
        own = actor.runs(provider_id, permission)
    else:
        own = actor.client_id == client_id or actor.may(permission)
    if not own:
        raise NotAllowed


def _log(event: SecurityEvent, feed: CalendarFeed) -> None:
    log_security_event_on_commit(event, kind="feed", provider=feed.provider_id, client=feed.client_id)


def _token() -> str:
    return secrets.token_urlsafe(32)
