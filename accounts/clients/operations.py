"""Operations on clients: add, change and remove; and on what a client shares with their login."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.clients.fields import CONTACT_FIELDS, SHARED_WITH_LOGIN, VERIFIED, cleaned, field_names
from accounts.models import Client, ClientQuerySet, Provider, User
from accounts.people import changed_values, check_name, delete, found, refuse_beyond, write
from scheduler_project.common.errors import NotAllowed
from scheduler_project.common.operations import operation

R = TypeVar("R")


@operation
def add_client(*, actor: Actor, now: datetime, owner: Provider | None = None, **contact: Any) -> Client:
    """Add a client to a provider's address book. `contact` are the contact fields, of which the name is required.

    Providers add to their own; staff choose the provider, or none. Raises NotAllowed, LinkInName, ClientExists.
    """
    if not actor.may("accounts.add_client"):
        own = actor.user.provider_for("accounts.add_client") if actor.user else None
        if own is None:
            raise NotAllowed
        if owner not in (None, own):
            raise NotAllowed(_("You may only add clients to your own address book."), field="owner")
        owner = own
    if unknown := contact.keys() - {field.name for field in CONTACT_FIELDS}:
        raise TypeError(f"No contact fields: {', '.join(sorted(unknown))}")
    check_name(contact["name"], actor)
    values = cleaned({field.name: contact.get(field.name, field.empty) for field in CONTACT_FIELDS})
    if can_vouch(actor, "accounts.add_client"):
        values |= {field.verified_by: values[field.name] for field in VERIFIED}
    return Client.objects.create(owner=owner, created_at=now, **values)


@operation
def with_new_client(call: Callable[[int], R], *, newcomer: dict[str, Any], actor: Actor, now: datetime) -> R:
    """Add a client (`newcomer`: the arguments of `add_client`) and call `call` with their id, as one operation.

    If `call` raises an error, no client is added. Raises the errors of `add_client` and `call`.
    """
    return call(add_client(**newcomer, actor=actor, now=now).pk)


@operation
def edit_client(*, client_id: int, changes: dict[str, Any], actor: Actor) -> Client:
    """Change a client: staff all fields, the owner all but the owner, the client those that clients may change.

    The client's login changes with it. Raises NotFound for a client the actor may not see; NotAllowed, with the field
    if only that is not allowed; ClientExists.
    """
    client = locked_client(client_id, actor)
    changes = cleaned(changes)
    wanted = changed_values(client, changes)
    if not actor.may("accounts.change_client"):
        refuse_beyond(_own_words_of(client, actor), wanted)
    if "name" in wanted:
        check_name(wanted["name"], actor)
    if manages(actor, client, "accounts.change_client") and can_vouch(actor, "accounts.change_client"):
        proved = {field.verified_by: changes.get(field.name) for field in VERIFIED}
        wanted |= changed_values(client, {column: value for column, value in proved.items() if value})
    write(client, wanted)
    common = {field: wanted[field] for field in SHARED_WITH_LOGIN if field in wanted}
    if common and client.user_id and client.owner_id is None:
        User.objects.filter(pk=client.user_id).update(**common)
    return client


@operation
def edit_user(*, user_id: int, changes: dict[str, Any], actor: Actor) -> User:
    """Change the name, timezone or language of a login. Its client changes with it. Raises LinkInName."""
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


@operation
def remove_client(*, client_id: int, actor: Actor) -> None:
    """Delete a client who never booked. For their owner and staff. Raises NotFound, NotAllowed and InUse."""
    client = locked_client(client_id, actor, to_delete=True)
    if not manages(actor, client, "accounts.delete_client"):
        raise NotAllowed
    delete(client)


def can_vouch(actor: Actor, permission: str) -> bool:
    """Return whether phone numbers entered by the actor count as verified: those of staff and vetted providers do."""
    provider = actor.user.provider_for(permission) if actor.user else None
    return actor.may(permission) or (provider is not None and provider.is_vetted)


def manages(actor: Actor, client: Client, permission: str) -> bool:
    """Return whether the actor manages this client's record: their owner, or staff with the permission."""
    return actor.may(permission) or (client.owner_id is not None and actor.runs(client.owner_id, permission))


def _own_words_of(client: Client, actor: Actor) -> frozenset[str]:
    """Return the fields of a client that the actor may change as the client or as the owner. Raises NotAllowed for
    others."""
    if manages(actor, client, "accounts.change_client"):
        return frozenset(field_names())
    if client.pk != actor.client_id:
        raise NotAllowed
    return frozenset(field_names(is_own=True))


def locked_client(client_id: int, actor: Actor, *, to_delete: bool = False) -> Client:
    rows: ClientQuerySet = Client.objects.all()
    visible = rows if actor.may("accounts.view_client") else rows.visible_to(actor.user)
    return found(visible.select_for_update(of=("self",), no_key=not to_delete).filter(pk=client_id).first())
