"""Security events of logins and permissions: written to their own log, and mailed to the person concerned.

Signals of the models and of Django trigger them, for pages, API, admin and commands alike.
"""

from collections.abc import Iterable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Model, QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.mails.notices import Notice, notify
from accounts.models import Provider, User
from accounts.sign_in.sign_ins import acting_sign_in, end_sign_ins
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event, log_security_event_on_commit

RIGHTS: dict[type[Model], tuple[str, ...]] = {
    User: ("is_active", "is_staff", "is_superuser"),
    Provider: ("is_active", "is_approved"),
}


FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@receiver(user_logged_in, dispatch_uid="accounts.sign_in.security_events.note_log_in")
def note_log_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    methods = {record.get("method") for record in get_authentication_records(request, user)}
    method = "second_factor" if "mfa" in methods else "identity" if "socialaccount" in methods else "password"
    log_security_event(SecurityEvent.LOGIN_SUCCEEDED, request=request, login=user.pk, method=method)


@receiver(user_logged_out, dispatch_uid="accounts.sign_in.security_events.note_log_out")
def note_log_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        log_security_event(SecurityEvent.LOGOUT, request=request, login=user.pk)


@receiver(post_save, sender=User, dispatch_uid="accounts.sign_in.security_events.note_password")
def note_password(instance: User, created: bool, **kwargs: Any) -> None:
    """Log a new password, found in `_password` until after this; rehashing the same password is not logged."""
    if created:
        log_security_event_on_commit(SecurityEvent.LOGIN_CREATED, login=instance.pk)
    elif instance._password is not None:  # type: ignore[attr-defined]  # noqa: SLF001
        log_security_event_on_commit(SecurityEvent.PASSWORD_CHANGED, login=instance.pk)
        notify(instance, Notice.PASSWORD_CHANGED, now=timezone.now())


@receiver(post_delete, sender=User, dispatch_uid="accounts.sign_in.security_events.note_deleted")
def note_deleted(instance: User, **kwargs: Any) -> None:
    log_security_event_on_commit(SecurityEvent.LOGIN_DELETED, login=instance.pk)


@receiver(post_save, sender=Authenticator, dispatch_uid="accounts.sign_in.security_events.note_factor_added")
def note_factor_added(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    if created and instance.type in FACTORS:
        log_security_event_on_commit(SecurityEvent.SECOND_FACTOR_ADDED, login=instance.user_id, kind=instance.type)
        notify(instance.user, Notice.SECOND_FACTOR_ADDED, now=timezone.now())
        _end_other_sign_ins(instance.user)
    elif created:
        log_security_event_on_commit(SecurityEvent.RECOVERY_CODES_RENEWED, login=instance.user_id)


@receiver(post_delete, sender=Authenticator, dispatch_uid="accounts.sign_in.security_events.note_factor_removed")
def note_factor_removed(instance: Authenticator, origin: Any = None, **kwargs: Any) -> None:
    if instance.type not in FACTORS or not _is_of(origin, Authenticator):
        return  # The login itself is deleted.
    log_security_event_on_commit(SecurityEvent.SECOND_FACTOR_REMOVED, login=instance.user_id, kind=instance.type)
    notify(instance.user, Notice.SECOND_FACTOR_REMOVED, now=timezone.now())
    _end_other_sign_ins(instance.user)


@receiver(post_save, sender=SocialAccount, dispatch_uid="accounts.sign_in.security_events.note_identity_added")
def note_identity_added(instance: SocialAccount, created: bool, **kwargs: Any) -> None:
    if created:
        log_security_event_on_commit(SecurityEvent.IDENTITY_ADDED, login=instance.user_id, issuer=instance.provider)
        notify(instance.user, Notice.IDENTITY_ADDED, now=timezone.now())


@receiver(post_delete, sender=SocialAccount, dispatch_uid="accounts.sign_in.security_events.note_identity_removed")
def note_identity_removed(instance: SocialAccount, **kwargs: Any) -> None:
    log_security_event_on_commit(SecurityEvent.IDENTITY_REMOVED, login=instance.user_id, issuer=instance.provider)


def _end_other_sign_ins(user: User) -> None:
    """End all sign-ins when a second factor is added, except the one that added it."""
    end_sign_ins(user=user, keep=acting_sign_in(user), now=timezone.now())


def _is_of(origin: Any, model: type[Model]) -> bool:
    return isinstance(origin, model) or (isinstance(origin, QuerySet) and origin.model is model)


@receiver(pre_save, sender=User, dispatch_uid="accounts.sign_in.security_events.see_login")
@receiver(pre_save, sender=Provider, dispatch_uid="accounts.sign_in.security_events.see_provider")
def see_rights(sender: type[Model], instance: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
    """Remember the permissions a login had before the change."""
    names = [name for name in RIGHTS[sender] if update_fields is None or name in update_fields]
    rows = sender._default_manager.filter(pk=instance.pk).order_by().values(*names)  # noqa: SLF001
    instance.rights_before = rows.first() if names and instance.pk is not None else None


@receiver(post_save, sender=User, dispatch_uid="accounts.sign_in.security_events.note_rights_of_login")
@receiver(post_save, sender=Provider, dispatch_uid="accounts.sign_in.security_events.note_rights_of_provider")
def note_rights(sender: type[Model], instance: Any, created: bool, **kwargs: Any) -> None:
    login = instance.pk if sender is User else instance.user_id
    before = {"is_staff": False, "is_superuser": False} if created and sender is User else instance.rights_before
    for name, was in (before or {}).items():
        if getattr(instance, name) != was:
            about = {} if sender is User else {"provider": instance.pk}
            facts = {"what": name, "to": getattr(instance, name), **about}
            log_security_event_on_commit(SecurityEvent.RIGHTS_CHANGED, login=login, **facts)


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="accounts.sign_in.security_events.note_groups")
def note_groups(**change: Any) -> None:
    _note_related("groups", **change)


@receiver(
    m2m_changed, sender=User.user_permissions.through, dispatch_uid="accounts.sign_in.security_events.note_permissions"
)
def note_permissions(**change: Any) -> None:
    _note_related("permissions", **change)


@receiver(
    m2m_changed,
    sender=Group.permissions.through,
    dispatch_uid="accounts.sign_in.security_events.note_group_permissions",
)
def note_group_permissions(**change: Any) -> None:
    _note_related("group_permissions", **change)


CHANGES = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}


def _note_related(
    what: str, *, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any
) -> None:
    """Log groups or permissions given to `instance`, or, with `reverse`, `instance` given to others."""
    if action not in CHANGES:
        return
    holder = "group" if what == "group_permissions" else "login"
    others: list[Any] = ["all"] if pk_set is None else sorted(pk_set)
    changes = [(other, [instance.pk]) for other in others] if reverse else [(instance.pk, others)]
    for who, which in changes if others else ():
        facts: dict[str, Any] = {holder: who, "what": what, CHANGES[action]: which}
        log_security_event_on_commit(SecurityEvent.RIGHTS_CHANGED, **facts)
