"""Receivers of changes of logins by django-allauth, the admin or a command."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, password_changed, password_reset, password_set
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.actors import Source
from accounts.clients.operations import carry_email
from accounts.keys.operations import end_keys
from accounts.mails.notices import Notice, notify
from accounts.mails.operations import owe
from accounts.models import Client, SignIn, User
from accounts.privacy.operations import purge_audit_log
from accounts.providers.approval import note_verified
from accounts.sign_in.mailboxes import is_proved, prove
from accounts.sign_in.operations import drop_new_email
from accounts.sign_in.sign_ins import SID, Origin, acting_sign_in, end_sign_in, end_sign_ins, start_sign_in
from scheduler_project.common.audit.log import audit_actor
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.mail.admins import admin_mail_owed


@receiver(post_save, sender=User, dispatch_uid="accounts.receivers.note_email")
def note_email(instance: User, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """Copy a changed email of a login to allauth, by whatever way it changed. It is not verified yet."""
    if update_fields is not None and "email" not in update_fields:
        return
    known = None if created else EmailAddress.objects.filter(user=instance, primary=True).first()
    if known is None:
        EmailAddress.objects.update_or_create(user=instance, email=instance.email, defaults={"primary": True})
    elif known.email != instance.email:
        tell_old_mailbox(instance, known.email)
        EmailAddress.objects.filter(user=instance).delete()
        EmailAddress.objects.create(user=instance, email=instance.email, primary=True)


@receiver(pre_save, sender=EmailAddress, dispatch_uid="accounts.receivers.on_email_saving")
def on_email_saving(instance: EmailAddress, raw: bool, **kwargs: Any) -> None:
    proved_now = instance.verified and not raw and instance.user_id is not None
    instance.first_proof = proved_now and not is_proved(instance.user)


@receiver(post_save, sender=EmailAddress, dispatch_uid="accounts.receivers.on_email_verified")
def on_email_verified(instance: EmailAddress, **kwargs: Any) -> None:
    """End what was created before the mailbox was proved, for links, resets, invitations and the admin alike."""
    if instance.first_proof:
        keep = acting_sign_in(instance.user)
        by_staff = audit_actor().source == Source.ADMIN and audit_actor().user_id != instance.user_id
        instance.ended = prove(user=instance.user, address=instance, keep=keep, now=timezone.now(), by_staff=by_staff)


@receiver(post_save, sender=EmailAddress, dispatch_uid="accounts.receivers.note_answer")
def note_answer(instance: EmailAddress, **kwargs: Any) -> None:
    """Verify a provider with the first verified email of their login, by whatever way it was verified."""
    if instance.verified:
        note_verified(user_id=instance.user_id, now=timezone.now())


@receiver(email_changed, dispatch_uid="accounts.receivers.follow_email")
def follow_email(user: User, from_email_address: EmailAddress | None = None, **kwargs: Any) -> None:
    if from_email_address is not None:
        carry_email(user_id=user.pk, was=from_email_address.email)
        tell_old_mailbox(user, from_email_address.email)


def tell_old_mailbox(user: User, was: str) -> None:
    """Notify the old mailbox when a login moves to another one."""
    log_security_event_on_commit(SecurityEvent.EMAIL_CHANGED, login=user.pk)
    emails = {"from_email": was, "to_email": user.email}
    notify(user, Notice.EMAIL_CHANGED, now=timezone.now(), to=was, **emails)


@receiver([password_changed, password_reset, password_set], dispatch_uid="accounts.receivers.lose_new_email")
def lose_new_email(user: User, **kwargs: Any) -> None:
    drop_new_email(user)


@receiver(user_logged_in, dispatch_uid="accounts.receivers.begin_sign_in")
def begin_sign_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Create a sign-in for a new session, so that it can be listed and ended."""
    now = timezone.now()
    former = request.session.get(SID)
    if former is not None:  # another login in the same browser
        end_sign_in(former, now=now)
    kind = SignIn.Kind.BROWSER
    user.sign_in = start_sign_in(user=user, kind=kind, origin=Origin.of(request), now=now)
    request.session[SID] = str(user.sign_in.pk)


@receiver(user_logged_out, dispatch_uid="accounts.receivers.end_with_session")
def end_with_session(user: User | None, **kwargs: Any) -> None:
    if user is not None and user.sign_in is not None:
        end_sign_in(user.sign_in.pk, now=timezone.now())


@receiver(post_save, sender=User, dispatch_uid="accounts.receivers.end_with_password")
def end_with_password(instance: User, created: bool, **kwargs: Any) -> None:
    """End all sign-ins with a new password or a deactivation: a reactivated login starts afresh.

    API keys end with a deactivation only: programs do not know the password, and who changes it may not know of them.
    Django keeps a new password in `_password` until after this.
    """
    has_new_password = instance._password is not None  # type: ignore[attr-defined]  # noqa: SLF001
    if not created and (has_new_password or not instance.is_active):
        end_sign_ins(user=instance, keep=acting_sign_in(instance), now=timezone.now())
    if not created and not instance.is_active:
        end_keys(user=instance, now=timezone.now())


@receiver([authenticator_added, authenticator_removed], dispatch_uid="accounts.receivers.change_session_key")
def change_session_key(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Change the session's key when a second factor is added, which logs out all who knew the old key."""
    if request.user == user:
        request.session.cycle_key()


@receiver(admin_mail_owed, dispatch_uid="accounts.receivers.owe_admins")
def owe_admins(to: list[str], subject: str, text: str, now: datetime, **kwargs: Any) -> None:
    for address in to:
        owe(to=address, subject=subject, text=text, now=now)


@receiver(post_delete, sender=Client, dispatch_uid="accounts.receivers.forget_deleted_client")
@receiver(post_delete, sender=User, dispatch_uid="accounts.receivers.forget_deleted_login")
def on_person_deleted(instance: Client | User, **kwargs: Any) -> None:
    """Erase a deleted login: the audit log keeps only that there was one, and who deleted it."""
    if instance.name:
        purge_audit_log(instance)
