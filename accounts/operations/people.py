"""Adding people: registration, and providers whom staff add."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.models import Client, Provider, User
from accounts.signals import provider_added
from scheduler_project.common.operations import operation


class Role(models.TextChoices):
    """What somebody registers as."""

    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")


@operation
def register(*, name: str, email: str, password: str, timezone: str, role: Role, now: datetime) -> User:
    """Make a login and what it is: a client, or a provider with a calendar that works at once.

    With the setting PROVIDERS_NEED_APPROVAL a provider stays hidden until staff approve. The password has been
    validated. Raises EmailTaken.
    """
    user = User.objects.create_user(email, password, name=name, timezone=timezone)
    if role == Role.PROVIDER:
        add_provider(
            name=name, timezone=timezone, user=user, is_approved=not settings.PROVIDERS_NEED_APPROVAL, now=now
        )
    else:
        Client.objects.create(user=user, name=name, email=user.email, timezone=timezone)
    return user


@operation
def add_provider(
    *,
    name: str,
    timezone: str,
    now: datetime,
    user: User | None = None,
    specialization: str = "",
    bio: str = "",
    is_approved: bool = True,
) -> Provider:
    """Add a provider with a free slug and a calendar in `timezone` (IANA name)."""
    provider = Provider.objects.create(
        user=user,
        name=name,
        slug=free_slug(name),
        specialization=specialization,
        bio=bio,
        is_approved=is_approved,
        created_at=now,
    )
    provider_added.send(sender=Provider, provider=provider, timezone=timezone, now=now)
    return provider


def free_slug(name: str) -> str:
    """The end of a public address made from a name, with a number when others have it."""
    base = slugify(name)[:70] or "provider"
    taken = set(Provider.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbered) if slug not in taken)
