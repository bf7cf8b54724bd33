"""Registering: a new login with its role."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, User
from accounts.people import check_name
from accounts.providers.operations import add_provider
from accounts.sign_in.errors import SignUpClosed
from accounts.signals import client_registered
from scheduler_project.common.operations import operation
from scheduler_project.common.site.queries import site_settings


class Role(models.TextChoices):
    """The roles a new user can register as."""

    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")


def signs_up(role: Role) -> bool:
    """Return whether people can create an account of this role themselves."""
    site = site_settings()
    return site.providers_sign_up if role == Role.PROVIDER else site.clients_sign_up


@operation
def register(
    *, name: str, email: str, password: str, timezone: str, role: Role, now: datetime, language: str = ""
) -> User:
    """Create a login with its role: a client, or a provider with a schedule that works at once.

    A provider stays hidden, and writes to nobody, until they verified their email and staff approved them, as required
    by the settings PROVIDERS_NEED_VERIFIED_EMAIL and PROVIDERS_NEED_APPROVAL. The password has been validated.
    `language`, if given, is that of pages and messages. Raises SignUpClosed, EmailTaken and LinkInName.
    """
    if not signs_up(role):
        raise SignUpClosed(field="role")
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
