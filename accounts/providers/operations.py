"""Operations on providers: add, change, approve and remove."""

from collections.abc import Sequence
from datetime import datetime
from string import ascii_lowercase, digits
from typing import Any

from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import Provider, ProviderQuerySet, User
from accounts.people import changed_values, check_name, delete, found, refuse_beyond, write
from accounts.providers.approval import decide
from accounts.providers.errors import SlugTaken
from accounts.signals import provider_added
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.operations import operation

NAMESAKES = 20
"""Maximum number of providers with one name who get a numbered slug."""


CHANGE_PROVIDER = "accounts.change_provider"
"""The permission to approve or decline a provider."""


GIVE_LOGIN = "accounts.change_user"
"""The permission to choose a provider's login, which acts as the provider and reads their data."""


OF_OWN_PROVIDER = frozenset(
    {
        "name",
        "slug",
        *Provider.translated,
        "translations",
        "languages",
        "photo",
        "accepts_new_clients",
        "embed_origins",
    }
)
"""The fields that providers change themselves."""


@operation
def add_provider(
    *,
    name: str,
    timezone: str,
    now: datetime,
    user: User | None = None,
    slug: str = "",
    specialization: str = "",
    bio: str = "",
    embed_origins: Sequence[str] = (),
    is_approved: bool = True,
    is_verified: bool = True,
    **described: Any,
) -> Provider:
    """Add a provider with a schedule in `timezone` (IANA name), and a slug made from the name unless one is given.

    `described` are further fields of `OF_OWN_PROVIDER`.

    Raises SlugTaken.
    """
    if slug and Provider.objects.filter(slug=slug).exists():
        raise SlugTaken(field="slug")
    provider = Provider.objects.create(
        user=user,
        name=name,
        slug=slug or free_slug(name),
        specialization=specialization,
        bio=bio,
        embed_origins=list(embed_origins),
        is_approved=is_approved,
        is_verified=is_verified,
        created_at=now,
        **described,
    )
    provider_added.send(sender=Provider, provider=provider, timezone=timezone, now=now)
    return provider


def free_slug(name: str) -> str:
    """Return a free slug for a name: numbered if it is taken, random if many numbers are taken."""
    base = slugify(name)[:70] or "provider"
    wanted = [base, *(f"{base}-{number}" for number in range(2, NAMESAKES + 1))]
    taken = set(Provider.objects.filter(slug__in=wanted).values_list("slug", flat=True))
    at_random = f"{base}-{get_random_string(8, ascii_lowercase + digits)}"
    return next((slug for slug in wanted if slug not in taken), at_random)


@operation
def edit_provider(*, provider_id: int, changes: dict[str, Any], actor: Actor, now: datetime) -> Provider:
    """Change a provider: the provider changes their own description, staff everything.

    Approval is changed by `approve_provider` and `decline_provider` only. Raises NotFound for a provider the actor may
    not see, NotAllowed (naming the field), LinkInName and SlugTaken.
    """
    provider = locked_provider(provider_id, actor)
    if not actor.runs(provider.pk, "accounts.change_provider"):
        raise NotAllowed
    wanted = changed_values(provider, changes)
    if not actor.may("accounts.change_provider"):
        refuse_beyond(OF_OWN_PROVIDER, wanted)
    if "user" in wanted and not actor.may(GIVE_LOGIN):
        raise NotAllowed(_("You don't have permission to change this."), field="user")
    if "name" in wanted:
        check_name(wanted["name"], actor)
    if "slug" in wanted and Provider.objects.filter(slug=wanted["slug"]).exists():
        raise SlugTaken(field="slug")
    approved = wanted.pop("is_approved", None)
    write(provider, wanted)
    if approved is not None:
        decide(provider, approved=approved, now=now)
    return provider


@operation
def approve_provider(*, provider_id: int, actor: Actor, now: datetime) -> Provider:
    """Approve a provider, who is published once their email is verified, and notify them by mail.

    For staff who may change providers: else NotAllowed. Repeating it changes nothing. Raises NotFound.
    """
    provider = provider_to_decide(provider_id, actor)
    decide(provider, approved=True, now=now)
    return provider


@operation
def decline_provider(*, provider_id: int, actor: Actor, now: datetime, reason: str = "") -> Provider:
    """Decline a provider, or withdraw their approval, and mail them the reason.

    For staff who may change providers: else NotAllowed. Raises NotFound.
    """
    provider = provider_to_decide(provider_id, actor)
    decide(provider, approved=False, reason=reason, now=now)
    return provider


def provider_to_decide(provider_id: int, actor: Actor) -> Provider:
    provider = locked_provider(provider_id, actor)
    if not actor.may(CHANGE_PROVIDER):
        raise NotAllowed
    return provider


@operation
def remove_provider(*, provider_id: int, actor: Actor) -> None:
    """Delete a provider who was never booked, with schedule and address book. For staff. Raises InUse."""
    provider = locked_provider(provider_id, actor, to_delete=True)
    if not actor.may("accounts.delete_provider"):
        raise NotAllowed
    delete(provider)


def locked_provider(provider_id: int, actor: Actor, *, to_delete: bool = False) -> Provider:
    rows: ProviderQuerySet = Provider.objects.all()
    visible = rows if actor.may("accounts.view_provider") else rows.visible_to(actor.user)
    return found(visible.select_for_update(no_key=not to_delete).filter(pk=provider_id).first())
