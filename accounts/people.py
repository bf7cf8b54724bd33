"""Rules shared by logins, providers and clients: the names they may have, and how a row is changed."""

from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from django.db import models
from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor, Source
from accounts.users.errors import LinkInName
from scheduler_project.common.errors import InUse, NotAllowed, NotFound
from scheduler_project.common.validators import has_link

M = TypeVar("M", bound=models.Model)


def check_name(name: str, actor: Actor | None = None) -> None:
    """Raise LinkInName for a web address in a name: anybody could use it to have links mailed to others.

    Staff, the system and approved providers with a verified email are exempt.
    """
    if has_link(name) and not (actor and is_trusted(actor)):
        raise LinkInName(field="name")


def is_trusted(actor: Actor) -> bool:
    """Return whether the actor is staff, the system, or an approved provider whose email is verified."""
    if actor.user is None:
        return actor.source in (Source.JOB, Source.COMMAND)
    provider = actor.user.provider_or_none
    if actor.user.is_staff or provider is None or not provider.is_vetted:
        return actor.user.is_staff
    return EmailAddress.objects.filter(user=actor.user, email=actor.user.email, verified=True).exists()


def found(row: M | None) -> M:
    if row is None:
        raise NotFound
    return row


def changed_values(row: models.Model, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of `changes` that differ from the current values."""
    return {field: value for field, value in changes.items() if getattr(row, field) != value}


def refuse_beyond(allowed: frozenset[str], wanted: dict[str, Any]) -> None:
    for field in wanted:
        if field not in allowed:
            raise NotAllowed(_("You don't have permission to change this."), field=field)


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
