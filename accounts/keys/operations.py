"""Operations on API keys: create, rename, rotate and revoke, and the check of the one a program sends."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from string import ascii_letters, ascii_lowercase, digits
from typing import NamedTuple

from django.conf import settings
from django.utils.crypto import constant_time_compare

from accounts.actors import Actor
from accounts.keys.errors import (
    ExpiryPast,
    KeyBeforeStaff,
    KeyEnded,
    KeyExpired,
    KeyOfInactiveUser,
    KeyRefused,
    KeyRevoked,
    NoScope,
    TooManyKeys,
)
from accounts.keys.queries import SHAPE, find_login_of_key
from accounts.keys.scopes import Scope
from accounts.mails.notices import Notice, notify
from accounts.models import ApiKey, Provider, User
from scheduler_project.common.audit.security_log import (
    SecurityEvent,
    log_security_event,
    log_security_event_on_commit,
)
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.limits.throttling import is_first
from scheduler_project.common.operations import operation

PRECISION = timedelta(minutes=1)
"""Precision of a key's last use: its row is written at most once a minute."""


ADD, CHANGE = "accounts.add_apikey", "accounts.change_apikey"
"""The permissions that staff need to create keys of their own, and to revoke those of others."""


class NewKey(NamedTuple):
    """A key with its text, which is shown once."""

    row: ApiKey
    text: str


@operation
def create_key(
    *,
    name: str,
    scopes: Collection[Scope],
    actor: Actor,
    now: datetime,
    provider_id: int | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Create a key of the actor's login, restricted to one provider or (None) to nothing but its scopes.

    Staff need a permission for it, since a key needs no second factor and outlasts their sign-ins. Raises NoScope,
    ExpiryPast, TooManyKeys; NotAllowed; NotFound for a provider whose calendar the actor may not manage.
    """
    user = _person(actor)
    if user.is_staff and not user.may(ADD):
        raise NotAllowed
    if not scopes:
        raise NoScope(field="scopes")
    if expires_at is not None and expires_at <= now:
        raise ExpiryPast(field="expires_at")
    if provider_id is not None and not Provider.objects.editable_by(user).filter(pk=provider_id).exists():
        raise NotFound(field="provider")
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)  # concurrent requests count in turn
    if ApiKey.objects.live(now=now).filter(user=user, replaced_by=None).count() >= settings.API_KEYS_PER_LOGIN:
        raise TooManyKeys
    made = _make(
        ApiKey(
            user=user,
            provider_id=provider_id,
            name=name,
            scopes=[scope for scope in Scope if scope in scopes],
            is_staff=user.is_staff,
            created_at=now,
            expires_at=expires_at,
        )
    )
    _log(SecurityEvent.KEY_CREATED, made.row)
    notify(user, Notice.KEY_CREATED, now=now, key=name)
    return made


@operation
def rename_key(*, key_id: int, name: str, actor: Actor) -> ApiKey:
    """Give a key another name. Raises NotFound for another login's."""
    key = _locked(key_id, actor)
    key.name = name
    key.save(update_fields=["name"])
    return key


@operation
def rotate_key(*, key_id: int, actor: Actor, now: datetime) -> NewKey:
    """Create a key like this one, which works for another API_KEY_OVERLAP_HOURS.

    The new one lasts as long as the old one was made to last. A key that this one replaced ends at once, so that two
    work at most, each with limits of its own. Raises KeyEnded; NotFound for another login's.
    """
    key = _locked(key_id, actor)
    if not key.is_live(now) or key.replaced_by_id is not None:
        raise KeyEnded
    made = _make(
        ApiKey(
            user_id=key.user_id,
            provider_id=key.provider_id,
            name=key.name,
            scopes=key.scopes,
            is_staff=key.is_staff,
            created_at=now,
            expires_at=key.expires_at and now + (key.expires_at - key.created_at),
        )
    )
    overlap = now + timedelta(hours=settings.API_KEY_OVERLAP_HOURS)
    key.expires_at = min(key.expires_at or overlap, overlap)
    key.replaced_by = made.row
    key.save(update_fields=["expires_at", "replaced_by"])
    ApiKey.objects.live(now=now).filter(replaced_by=key).update(revoked_at=now)
    log_security_event_on_commit(SecurityEvent.KEY_ROTATED, login=key.user_id, id=key.pk, to=made.row.pk)
    return made


@operation
def revoke_key(*, key_id: int, actor: Actor, now: datetime) -> ApiKey:
    """End a key at once: one's own, or as staff with the permission. Repeating it changes nothing.

    Only superusers end those of staff. Raises NotFound.
    """
    key = _locked(key_id, actor, permission=CHANGE)
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        _log(SecurityEvent.KEY_ENDED, key)
    return key


@operation
def end_keys(*, user: User, now: datetime) -> int:
    """Revoke all keys of a login at once. Return how many still worked."""
    ended = ApiKey.objects.live(now=now).filter(user=user).order_by().update(revoked_at=now)
    if ended:
        log_security_event_on_commit(SecurityEvent.KEY_ENDED, login=user.pk, kind="api", count=ended)
    return ended


def end_of(days: int | None, *, now: datetime) -> datetime | None:
    """Return when a key expires that works for so many days; None or 0 is for ever."""
    return now + timedelta(days=days) if days else None


def user_of_key(text: str, *, now: datetime) -> User:
    """Return the login of the key that a program sent, with the key as its `key`. Raises KeyRefused, or a kind of it.

    One statement, and once a minute another that notes the use.
    """
    shape = SHAPE.fullmatch(text)
    found = find_login_of_key(shape[1]) if shape else None
    if found is None:
        raise KeyRefused
    user, key = found
    if refusal := _refusal(key, user, text, now):
        if is_first(f"key-refused:{key.pk}:{refusal.code}", 60):
            log_security_event(SecurityEvent.KEY_REFUSED, login=user.pk, id=key.pk, reason=refusal.code)
        raise refusal
    user.key = key
    if key.last_used_at is None or now - key.last_used_at >= PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return user


def _refusal(key: ApiKey, user: User, text: str, now: datetime) -> KeyRefused | None:
    if not constant_time_compare(key.hash, digest(text)):
        return KeyRefused()
    if key.revoked_at is not None:
        return KeyRevoked()
    if not key.is_live(now):
        return KeyExpired()
    if not user.is_active:
        return KeyOfInactiveUser()
    return KeyBeforeStaff() if user.is_staff and not key.is_staff else None


def digest(text: str) -> str:
    """Return the SHA-256 of a key. A slow hash would add nothing: the key is random, not a password."""
    return hashlib.sha256(text.encode()).hexdigest()


def _make(key: ApiKey) -> NewKey:
    key.prefix = _chance(ascii_lowercase + digits, 8)
    text = f"sk_{key.prefix}_{_chance(ascii_letters + digits, 44)}"
    key.hash = digest(text)
    key.save(force_insert=True)
    return NewKey(key, text)


def _chance(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _person(actor: Actor) -> User:
    """Return the login that acts. Raises NotAllowed for a key, and without a login."""
    if actor.user is None or actor.user.key is not None:
        raise NotAllowed
    return actor.user


def _locked(key_id: int, actor: Actor, *, permission: str = "") -> ApiKey:
    user = _person(actor)
    rows = ApiKey.objects.select_for_update(of=("self",), no_key=True).filter(pk=key_id)
    key = (rows if permission and user.may(permission) else rows.filter(user=user)).first()
    if key is None or (key.user_id != user.pk and not user.outranks(key.user)):
        raise NotFound
    return key


def _log(event: SecurityEvent, key: ApiKey) -> None:
    log_security_event_on_commit(event, login=key.user_id, kind="api", id=key.pk, provider=key.provider_id)
