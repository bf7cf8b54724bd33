"""What accounts does when django-allauth, the admin or a command changes a login."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, password_changed, password_reset, password_set
from allauth.mfa.signals import authenticator_added
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from accounts.operations.logins import end_tokens, forget_new_email
from accounts.operations.people import carry_email
from accounts.signals import mail_owed
from accounts.tasks import wake_sender


@receiver(post_save, sender=User, dispatch_uid="accounts.receivers.note_email")
def note_email(instance: User, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """Let allauth know the email of a login, however it came to be. Another one has yet to be verified."""
    if update_fields is not None and "email" not in update_fields:
        return
    known = None if created else EmailAddress.objects.filter(user=instance, primary=True).first()
    if known is None:
        EmailAddress.objects.update_or_create(user=instance, email=instance.email, defaults={"primary": True})
    elif known.email != instance.email:
        EmailAddress.objects.filter(user=instance).delete()
        EmailAddress.objects.create(user=instance, email=instance.email, primary=True)


@receiver(email_changed, dispatch_uid="accounts.receivers.follow_email")
def follow_email(user: User, from_email_address: EmailAddress | None = None, **kwargs: Any) -> None:
    if from_email_address is not None:
        carry_email(user_id=user.pk, was=from_email_address.email)


@receiver([password_changed, password_reset, password_set], dispatch_uid="accounts.receivers.lose_new_email")
def lose_new_email(user: User, **kwargs: Any) -> None:
    forget_new_email(user)


@receiver(authenticator_added, dispatch_uid="accounts.receivers.ask_all_again")
def ask_all_again(user: User, **kwargs: Any) -> None:
    end_tokens(user_id=user.pk)


@receiver(mail_owed, dispatch_uid="accounts.receivers.ring_for_mails")
def ring_for_mails(**kwargs: Any) -> None:
    transaction.on_commit(wake_sender)
