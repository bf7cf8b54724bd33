"""What accounts does when django-allauth, the admin or a command changes a login."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, password_changed, password_reset, password_set
from allauth.mfa.signals import authenticator_added
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import Client, User
from accounts.operations.approval import note_verified
from accounts.operations.leaving import forget_traces
from accounts.operations.logins import end_tokens, forget_new_email
from accounts.operations.mailboxes import is_proved, prove
from accounts.operations.notices import Notice, notify
from accounts.operations.people import carry_email
from accounts.signals import mail_owed
from accounts.tasks import wake_sender
from scheduler_project.common.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.trail import asker


@receiver(post_save, sender=User, dispatch_uid="accounts.receivers.note_email")
def note_email(instance: User, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """Let allauth know the email of a login, however it came to be. Another one has yet to be verified."""
    if update_fields is not None and "email" not in update_fields:
        return
    known = None if created else EmailAddress.objects.filter(user=instance, primary=True).first()
    if known is None:
        EmailAddress.objects.update_or_create(user=instance, email=instance.email, defaults={"primary": True})
    elif known.email != instance.email:
        tell_old_mailbox(instance, known.email)
        EmailAddress.objects.filter(user=instance).delete()
        EmailAddress.objects.create(user=instance, email=instance.email, primary=True)


@receiver(pre_save, sender=EmailAddress, dispatch_uid="accounts.receivers.see_first_proof")
def see_first_proof(instance: EmailAddress, raw: bool, **kwargs: Any) -> None:
    proved_now = instance.verified and not raw and instance.user_id is not None
    instance.first_proof = proved_now and not is_proved(instance.user)


@receiver(post_save, sender=EmailAddress, dispatch_uid="accounts.receivers.end_what_was_before")
def end_what_was_before(instance: EmailAddress, **kwargs: Any) -> None:
    """The one place where a mailbox becomes its login's, whether by a link, a reset, an invitation or the admin."""
    if instance.first_proof:
        keep = acting_sign_in(instance.user)
        instance.ended = prove(user=instance.user, address=instance, keep=keep, now=timezone.now())


def acting_sign_in(user: User) -> Any:
    """The sign-in by which a login is at work on itself, if it is."""
    asked = getattr(asker.get(), "user", None)
    return getattr(asked, "sign_in", None) if getattr(asked, "pk", None) == user.pk else None


@receiver(post_save, sender=EmailAddress, dispatch_uid="accounts.receivers.note_answer")
def note_answer(instance: EmailAddress, **kwargs: Any) -> None:
    """A provider's email counts as verified from the first one that was, whoever verified it and how."""
    if instance.verified:
        note_verified(user_id=instance.user_id, now=timezone.now())


@receiver(email_changed, dispatch_uid="accounts.receivers.follow_email")
def follow_email(user: User, from_email_address: EmailAddress | None = None, **kwargs: Any) -> None:
    if from_email_address is not None:
        carry_email(user_id=user.pk, was=from_email_address.email)
        tell_old_mailbox(user, from_email_address.email)


def tell_old_mailbox(user: User, was: str) -> None:
    """Whoever has lost a login to another mailbox learns of it in theirs."""
    log_security_event_on_commit(SecurityEvent.EMAIL_CHANGED, login=user.pk)
    emails = {"from_email": was, "to_email": user.email}
    notify(user, Notice.EMAIL_CHANGED, now=timezone.now(), to=was, **emails)


@receiver([password_changed, password_reset, password_set], dispatch_uid="accounts.receivers.lose_new_email")
def lose_new_email(user: User, **kwargs: Any) -> None:
    forget_new_email(user)


@receiver(authenticator_added, dispatch_uid="accounts.receivers.ask_all_again")
def ask_all_again(user: User, **kwargs: Any) -> None:
    end_tokens(user_id=user.pk)


@receiver(mail_owed, dispatch_uid="accounts.receivers.ring_for_mails")
def ring_for_mails(**kwargs: Any) -> None:
    transaction.on_commit(wake_sender)


@receiver(post_delete, sender=Client, dispatch_uid="accounts.receivers.forget_deleted_client")
@receiver(post_delete, sender=User, dispatch_uid="accounts.receivers.forget_deleted_login")
def forget_deleted(instance: Client | User, **kwargs: Any) -> None:
    """Whoever is deleted is erased: the trail says that there was somebody, and who deleted them."""
    if instance.name:
        forget_traces(instance)
