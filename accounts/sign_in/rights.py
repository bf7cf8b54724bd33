"""Operations of staff on logins: who may log in, with which rights."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import User
from accounts.sign_in.errors import LoginErased
from accounts.sign_in.sign_ins import end_sign_ins
from scheduler_project.common.errors import NotAllowed, NotFound
from scheduler_project.common.operations import operation

RANK = ("is_staff", "is_superuser", "groups")
"""The rights that only superusers give and take."""

OWN = _("You can't change this on your own account. Ask another superuser.")


@operation
def change_rights(
    *, user_id: int, flags: dict[str, bool], groups: Collection[Group] | None = None, actor: Actor
) -> User:
    """Set `is_active`, `is_staff` and `is_superuser`, as far as given, and the groups.

    What is given as it is stays. Superusers alone change staff and give rights, and nobody locks out themselves or
    takes their own rank. Raises NotAllowed, with the field, LoginErased, and NotFound.
    """
    user = _login_to_change(user_id, actor)
    changes: dict[str, Any] = {name: value for name, value in flags.items() if getattr(user, name) != value}
    if groups is not None and {group.pk for group in groups} != set(user.groups.values_list("pk", flat=True)):
        changes["groups"] = groups
    if not changes:
        return user
    if user.is_erased:
        raise LoginErased(field=next(iter(changes)))
    _check_outranks(actor, user)
    for name in changes:
        if name in RANK and not _is_superuser(actor):
            raise NotAllowed(field=name)
        if name in flags and actor.user is not None and actor.user.pk == user.pk:
            raise NotAllowed(OWN, field=name)
    if "groups" in changes:
        user.groups.set(changes.pop("groups"))
    if changes:
        for name, value in changes.items():
            setattr(user, name, value)
        user.save(update_fields=list(changes))
    return user


@operation
def end_sign_ins_of(*, user_id: int, actor: Actor, now: datetime) -> int:
    """End every session and every token of a login at once. Return how many. Raises NotAllowed and NotFound."""
    user = _login_to_change(user_id, actor)
    _check_outranks(actor, user)
    return end_sign_ins(user=user, now=now)


def _login_to_change(user_id: int, actor: Actor) -> User:
    """Lock a login and that of the actor, in the order of their ids, and return the first.

    Raises NotFound; NotAllowed, also if the actor lost their rank since the request began. So whoever takes the rank
    of another keeps their own, and two superusers cannot take each other's at once.
    """
    if not actor.may("accounts.change_user"):
        raise NotAllowed
    doer = actor.user
    asked = [user_id] if doer is None else [user_id, doer.pk]
    rows = User.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=asked).order_by("pk")
    found = {user.pk: user for user in rows}
    if user_id not in found:
        raise NotFound
    if doer is not None:
        current = found.get(doer.pk)
        if current is None or not current.is_active or _rank(current) != _rank(doer):
            raise NotAllowed
    return found[user_id]


def _rank(user: User) -> tuple[bool, bool]:
    return user.is_staff, user.is_superuser


def _check_outranks(actor: Actor, user: User) -> None:
    if actor.user is not None and not actor.user.outranks(user):
        raise NotAllowed


def _is_superuser(actor: Actor) -> bool:
    return actor.user is None or actor.user.is_superuser
