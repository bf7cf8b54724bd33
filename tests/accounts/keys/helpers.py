"""API keys for tests."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.actors import Actor, Source
from accounts.keys.operations import NewKey, create_key
from accounts.keys.scopes import Scope
from accounts.models import User

ALL = tuple(Scope)


def new_key(user: User, *scopes: Scope, now: datetime | None = None, **fields: Any) -> NewKey:
    """Return a new key of a login, with these scopes or all."""
    actor = Actor.of(User.objects.get(pk=user.pk), Source.PAGE)
    fields = {"name": "Website", **fields}
    return create_key(scopes=scopes or ALL, actor=actor, now=now or timezone.now(), **fields)


def sending(text: str) -> APIClient:
    """Return an API client that sends this key."""
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return api


def program_of(user: User, *scopes: Scope, **fields: Any) -> APIClient:
    """Return a program of a login with a new key."""
    return sending(new_key(user, *scopes, **fields).text)
