"""Adding, changing and removing clients."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import Client, ClientQuerySet, Provider, User
from accounts.people import IN_STEP, check_name, delete, different, found, refuse_beyond, write
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.operations import operation

R = TypeVar("R")


OF_OWN_CLIENT = frozenset({"name", "phone", "timezone"})


OF_KEPT_CLIENT = OF_OWN_CLIENT | {"email", "notes"}


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
        verified_phone=phone if can_vouch(actor, "accounts.add_client") else "",
        timezone=timezone,
        notes=notes,
        owner=owner,
        created_at=now,
    )


@operation
def with_new_client(call: Callable[[int], R], *, newcomer: dict[str, Any], actor: Actor, now: datetime) -> R:
    """Add a client (`newcomer`: the arguments of `add_client`) and call `call` with their id, as one operation.

    If `call` is refused, no client is added. Raises the errors of `add_client` and `call`.
    """
    return call(add_client(**newcomer, actor=actor, now=now).pk)


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
    if changes.get("phone") and kept and can_vouch(actor, "accounts.change_client"):
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


def can_vouch(actor: Actor, permission: str) -> bool:
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
