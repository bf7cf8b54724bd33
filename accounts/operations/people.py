"""Adding, changing and removing people: logins, providers, clients."""

from collections.abc import Callable, Sequence
from datetime import datetime
from string import ascii_lowercase, digits
from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models.deletion import ProtectedError
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor, Face
from accounts.errors import LinkInName, SlugTaken
from accounts.models import Client, ClientQuerySet, Provider, ProviderQuerySet, User
from accounts.operations.approval import decide
from accounts.signals import client_registered, provider_added
from scheduler_project.common.errors import InUse, NotAllowed, NotFound
from scheduler_project.common.operations import operation
from scheduler_project.common.text import has_link


class Role(models.TextChoices):
    """The roles a new user can register as."""

    CLIENT = "client", _("client")
    PROVIDER = "provider", _("provider")


Row = TypeVar("Row", bound=models.Model)
R = TypeVar("R")

IN_STEP = ("name", "timezone")
"""Fields that a login shares with the client who registered with it."""

NAMESAKES = 20
"""Number of providers of the same name who get a numbered slug."""

CHANGE_PROVIDER = "accounts.change_provider"
"""The permission to approve or decline a provider."""

GIVE_LOGIN = "accounts.change_user"
"""The permission to choose which login a provider has: that login acts as the provider and reads their data."""

OF_OWN_PROVIDER = frozenset({"name", "slug", "specialization", "bio", "embed_origins"})
OF_OWN_CLIENT = frozenset({"name", "phone", "timezone"})
OF_KEPT_CLIENT = OF_OWN_CLIENT | {"email", "notes"}

# --- Logins -----------------------------------------------------------------------------------------------------------


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
    if "name" in (wanted := different(user, changes)):
        check_name(wanted["name"], actor)
    write(user, wanted)
    if client:
        write(client, different(client, {name: changes[name] for name in IN_STEP if name in changes}))
    return user


@operation
def carry_email(*, user_id: int, was: str) -> None:
    """Move the client of a login to the login's new email, if the client had the old one."""
    user = User.objects.get(pk=user_id)
    Client.objects.filter(user=user, owner=None, email=was).update(email=user.email)


# --- Providers --------------------------------------------------------------------------------------------------------


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
) -> Provider:
    """Add a provider with a calendar in `timezone` (IANA name), and a slug made from the name unless one is given.

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
    )
    provider_added.send(sender=Provider, provider=provider, timezone=timezone, now=now)
    return provider


def free_slug(name: str) -> str:
    """Return a free slug for a name: numbered if others have it, random if many have."""
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
    wanted = different(provider, changes)
    if not actor.may("accounts.change_provider"):
        refuse_beyond(OF_OWN_PROVIDER, wanted)
    if "user" in wanted and not actor.may(GIVE_LOGIN):
        raise NotAllowed(_("You may not change this."), field="user")
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
    """Delete a provider who was never booked, with calendar and address book. For staff. Raises InUse."""
    provider = locked_provider(provider_id, actor, to_delete=True)
    if not actor.may("accounts.delete_provider"):
        raise NotAllowed
    delete(provider)


def locked_provider(provider_id: int, actor: Actor, *, to_delete: bool = False) -> Provider:
    rows: ProviderQuerySet = Provider.objects.all()
    visible = rows if actor.may("accounts.view_provider") else rows.visible_to(actor.user)
    return found(visible.select_for_update(no_key=not to_delete).filter(pk=provider_id).first())


# --- Clients ----------------------------------------------------------------------------------------------------------


@operation
def add_client(
    *,
    name: str,
    actor: Actor,
    now: datetime,
    email: str = "",
    phone: Any = "",
    timezone: str = "UTC",
    notes: str = "",
    owner: Provider | None = None,
) -> Client:
    """Add a client to a provider's address book.

    Providers add to their own; staff choose the provider, or none. Raises NotAllowed, LinkInName, ClientExists.
    """
    if not actor.may("accounts.add_client"):
        own = actor.user.provider_or_none if actor.user else None
        if own is None:
            raise NotAllowed
        if owner not in (None, own):
            raise NotAllowed(_("You may only add clients to your own address book."), field="owner")
        owner = own
    check_name(name, actor)
    return Client.objects.create(
        name=name,
        email=User.objects.normalize_email(email),
        phone=phone,
        verified_phone=phone if vouches(actor, "accounts.add_client") else "",
        timezone=timezone,
        notes=notes,
        owner=owner,
        created_at=now,
    )


@operation
def with_new_client(deed: Callable[[int], R], *, newcomer: dict[str, Any], actor: Actor, now: datetime) -> R:
    """Add a client (`newcomer`: the arguments of `add_client`) and call `deed` with their id, as one operation.

    If `deed` is refused, no client is added. Raises the errors of `add_client` and `deed`.
    """
    return deed(add_client(**newcomer, actor=actor, now=now).pk)


@operation
def edit_client(*, client_id: int, changes: dict[str, Any], actor: Actor) -> Client:
    """Change a client: staff change everything, the owner all but the owner, the client their name, phone and timezone.

    The client's login keeps in step. Raises NotFound for a client the actor may not see, NotAllowed (naming the field,
    if only that is not theirs to change) and ClientExists.
    """
    client = locked_client(client_id, actor)
    if "email" in changes:
        changes = {**changes, "email": User.objects.normalize_email(changes["email"])}
    wanted = different(client, changes)
    if not actor.may("accounts.change_client"):
        refuse_beyond(_own_words_of(client, actor), wanted)
    if "name" in wanted:
        check_name(wanted["name"], actor)
    kept = keeps(actor, client, "accounts.change_client")
    if changes.get("phone") and kept and vouches(actor, "accounts.change_client"):
        wanted |= different(client, {"verified_phone": changes["phone"]})
    write(client, wanted)
    common = {field: wanted[field] for field in IN_STEP if field in wanted}
    if common and client.user_id and client.owner_id is None:
        User.objects.filter(pk=client.user_id).update(**common)
    return client


@operation
def remove_client(*, client_id: int, actor: Actor) -> None:
    """Delete a client who never booked. For their owner and staff. Raises NotFound, NotAllowed and InUse."""
    client = locked_client(client_id, actor, to_delete=True)
    if not keeps(actor, client, "accounts.delete_client"):
        raise NotAllowed
    delete(client)


def vouches(actor: Actor, permission: str) -> bool:
    """Return whether phone numbers entered by the actor count as verified: those of staff and vetted providers do."""
    provider = actor.user.provider_or_none if actor.user else None
    return actor.may(permission) or (provider is not None and provider.is_vetted)


def keeps(actor: Actor, client: Client, permission: str) -> bool:
    """Return whether the actor manages this client's record: their owner, or staff with the permission."""
    return actor.may(permission) or (client.owner_id is not None and actor.runs(client.owner_id, permission))


def _own_words_of(client: Client, actor: Actor) -> frozenset[str]:
    """Return the fields of a client that the actor may change as the client or as the owner. Raises NotAllowed for
    others."""
    if keeps(actor, client, "accounts.change_client"):
        return OF_KEPT_CLIENT
    if client.pk != actor.client_id:
        raise NotAllowed
    return OF_OWN_CLIENT


def locked_client(client_id: int, actor: Actor, *, to_delete: bool = False) -> Client:
    rows: ClientQuerySet = Client.objects.all()
    visible = rows if actor.may("accounts.view_client") else rows.visible_to(actor.user)
    return found(visible.select_for_update(of=("self",), no_key=not to_delete).filter(pk=client_id).first())


# --- What they share --------------------------------------------------------------------------------------------------


def check_name(name: str, actor: Actor | None = None) -> None:
    """Raise LinkInName for a web address in a name: anybody could use it to have links mailed to others.

    Staff, the system and approved providers with a verified email are exempt.
    """
    if has_link(name) and not (actor and is_trusted(actor)):
        raise LinkInName(field="name")


def is_trusted(actor: Actor) -> bool:
    """Return whether the actor is staff, the system, or an approved provider whose email is verified."""
    if actor.user is None:
        return actor.face in (Face.JOB, Face.COMMAND)
    provider = actor.user.provider_or_none
    if actor.user.is_staff or provider is None or not provider.is_vetted:
        return actor.user.is_staff
    return EmailAddress.objects.filter(user=actor.user, email=actor.user.email, verified=True).exists()


def found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row


def different(row: models.Model, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of `changes` that differ from the current values."""
    return {field: value for field, value in changes.items() if getattr(row, field) != value}


def refuse_beyond(allowed: frozenset[str], wanted: dict[str, Any]) -> None:
    for field in wanted:
        if field not in allowed:
            raise NotAllowed(_("You may not change this."), field=field)


def write(row: models.Model, wanted: dict[str, Any]) -> None:
    for field, value in wanted.items():
        setattr(row, field, value)
    if wanted:
        row.save(update_fields=list(wanted))


def delete(row: models.Model) -> None:
    try:
        row.delete()
    except ProtectedError:
        raise InUse from None
