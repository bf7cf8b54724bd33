"""Registering, and changing a login."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.clients.fields import SHARED_WITH_LOGIN
from accounts.models import Client, User
from accounts.people import changed_values, check_name, write
from accounts.providers.operations import add_provider
from accounts.signals import client_registered
from scheduler_project.common.operations import operation


class Role(models.TextChoices):
    """The roles a new user can register as."""

    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")


@operation
def register(
    *, name: str, email: str, password: str, timezone: str, role: Role, now: datetime, language: str = ""
) -> User:
    """Create a login with its role: a client, or a provider with a calendar that works at once.

    A provider stays hidden, and writes to nobody, until they verified their email and staff approved them, as required
    by the settings PROVIDERS_NEED_VERIFIED_EMAIL and PROVIDERS_NEED_APPROVAL. The password has been validated.
    `language`, if given, is that of pages and messages. Raises EmailTaken and LinkInName.
    """
    check_name(name)
    user = User.objects.create_user(email, password, name=name, timezone=timezone, language=language, date_joined=now)
    if role == Role.PROVIDER:
        add_provider(
            name=name,
            timezone=timezone,
            user=user,
            is_approved=not settings.PROVIDERS_NEED_APPROVAL,
            is_verified=not settings.PROVIDERS_NEED_VERIFIED_EMAIL,
            now=now,
        )
    else:
        client = Client.objects.create(user=user, name=name, email=user.email, timezone=timezone, created_at=now)
        if language:
            client_registered.send(Client, client=client, language=language, now=now)
    return user


@operation
def edit_user(*, user_id: int, changes: dict[str, Any], actor: Actor) -> User:
    """Change the name, timezone or language of a login, and the fields it shares with its client.

    Raises LinkInName.
    """
    client = Client.objects.select_for_update(no_key=True).filter(user=user_id, owner=None).first()
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    if "name" in (wanted := changed_values(user, changes)):
        check_name(wanted["name"], actor)
    write(user, wanted)
    if client:
        write(client, changed_values(client, {name: changes[name] for name in SHARED_WITH_LOGIN if name in changes}))
    return user


@operation
def carry_email(*, user_id: int, was: str) -> None:
    """Move the client of a login to the login's new email, if the client had the old one."""
    user = User.objects.get(pk=user_id)
    Client.objects.filter(user=user, owner=None, email=was).update(email=user.email)
