"""Proof that a mailbox belongs to the owner of its login, and the end of everything created before it.

Anybody can register with another person's email, set things up, and wait for that person to come. So everything created
before the owner proves the mailbox ends at that moment, because its creator is unknown.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from accounts.keys.operations import end_keys
from accounts.mails.notices import Notice, notify, silent
from accounts.mails.operations import owe_reset_link
from accounts.models import Client, Provider, SignIn, User
from accounts.sign_in.sign_ins import end_sign_ins
from accounts.signals import mailbox_proved
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event_on_commit
from scheduler_project.common.models import IdempotentRequest
from scheduler_project.common.operations import operation


@operation
def confirm(*, address: EmailAddress, by_owner: bool, confirm_it: Callable[[], bool]) -> tuple[bool, list[Any]]:
    """Verify an email by the link that was mailed to it.

    Return whether it is verified, and the names of what ended. If the visitor is not logged in as that login
    (`by_owner`), another person may know its password, so the password ends too.
    """
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=address.user_id)
    first = not is_proved(user)
    confirmed = confirm_it()
    ended: list[Any] = getattr(address, "ended", [])
    if confirmed and first and not by_owner:
        with silent():
            end_password(user)
        ended = [*ended, _("the password")]
    return confirmed, ended


def end_password(user: User) -> None:
    """Set a random password that is stored nowhere else.

    It counts as a password, so that a mailed link can set another.
    """
    user.set_password(get_random_string(64))
    user.save(update_fields=["password"])


def is_proved(user: User) -> bool:
    """Return whether this login has ever proved that its email is its own."""
    return EmailAddress.objects.filter(user=user, verified=True).exists()


@operation
def prove(
    *, user: User, address: EmailAddress, keep: SignIn | None, now: datetime, by_staff: bool = False
) -> list[Any]:
    """End everything created before a login first proved its mailbox, except the sign-in `keep`.

    If staff verify a mailbox, the password ends too, since others may know it, and a link to set another is mailed.
    Return the names of what ended, which the owner also gets by mail. Apps that issue keys end them on the signal
    `mailbox_proved`.
    """
    client, provider = user.client_or_none, user.provider_or_none
    ended: list[Any] = []
    kept: list[Any] = []
    with silent():
        if end_sign_ins(user=user, keep=keep, now=now):
            ended.append(_("sign-ins in other browsers and apps"))
        others = SignIn.objects.filter(user=user)
        (others.exclude(pk=keep.pk) if keep else others).delete()  # their networks may not be the owner's
        if end_keys(user=user, now=now):
            ended.append(_("API keys"))
        ended += _delete_ways_in(user, address)
        IdempotentRequest.objects.filter(user=user).delete()  # a repeated write would return old answers
        if Client.objects.filter(user=user, owner=None).exclude(phone="").update(phone="", verified_phone=""):
            ended.append(_("the phone number"))
        if client is not None:
            client.refresh_from_db(fields=["phone", "verified_phone"])
        if provider is not None and provider.embed_origins:
            Provider.objects.filter(pk=provider.pk).update(embed_origins=[])
            ended.append(_("websites that may embed your booking pages"))
        mailbox_proved.send(User, user=user, client=client, provider=provider, now=now, ended=ended, kept=kept)
        if by_staff:
            end_password(user)
            ended.append(_("the password"))
    if by_staff:
        owe_reset_link(email=address.email, now=now)
    if provider is not None:
        kept.append(_("your provider profile"))
    log_security_event_on_commit(SecurityEvent.MAILBOX_PROVED, login=user.pk, ended=len(ended))
    if ended:
        notify(user, Notice.MAILBOX_PROVED, now=now, to=address.email, ended=ended, kept=kept)
    return ended


def _delete_ways_in(user: User, address: EmailAddress) -> list[Any]:
    """Delete what lets somebody log in beside the password. Return the names of what was deleted."""
    ways = {
        _("two-factor authentication"): Authenticator.objects.filter(user=user),
        _("sign-in with another service"): SocialAccount.objects.filter(user=user),
        _("another email waiting to be verified"): EmailAddress.objects.filter(user=user, primary=False).exclude(
            pk=address.pk
        ),
    }
    return [name for name, rows in ways.items() if rows.delete()[0]]
