"""The mails accounts owes: rows written within the request, and sent outside of it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils.translation import get_language

from accounts.emails import Letter, deliver, reset_letter
from accounts.models import Mail, User
from accounts.signals import mail_owed
from scheduler_project.common.operations import operation
from scheduler_project.common.throttling import may

LEASE = timedelta(minutes=1)
"""How long whoever sends a mail has for it; then another tries."""
ROUND = timedelta(minutes=1)
TRIES = 6
BACKOFF = timedelta(minutes=1)
"""How long until the second try; then twice as long each time."""

logger = logging.getLogger(__name__)


@operation
def owe(*, to: str, subject: str, text: str, now: datetime) -> None:
    """Let a mail be sent, as it is, once this transaction is done."""
    # PostgreSQL knows no NUL, and the text may hold what a browser calls itself.
    _put(Mail(to=to, subject=subject, text=text.replace("\0", "")), now)


@operation
def owe_reset_link(*, email: str, now: datetime) -> None:
    """Let the owner of this account be sent a link to set a new password, a few times an hour at most.

    Whether there is an account is only looked at when the mail is sent, so that neither answer nor time tells.
    """
    email = User.objects.normalize_email(email)
    if may("mail", f"reset:{email}"):
        _put(Mail(to=email), now)


def _put(mail: Mail, now: datetime) -> None:
    mail.language, mail.created_at, mail.next_at = get_language() or "", now, now
    mail.save(force_insert=True)
    mail_owed.send(Mail)


def send_due(*, clock: Callable[[], datetime]) -> int:
    """Send what is owed, each mail as often as it takes, but not for ever. Returns how many were sent.

    Any number of these may run at once. A crash repeats at most the mail in flight, with the same Message-ID.
    """
    sent, until = 0, clock() + ROUND
    while (now := clock()) < until and (mail := claim(now=now)):
        sent += send(mail, clock=clock)
    return sent


@operation
def claim(*, now: datetime) -> Mail | None:
    """The mail that has been due longest and that nobody else is sending."""
    mail = Mail.objects.due(now=now).select_for_update(skip_locked=True, no_key=True).first()
    if mail is not None:
        mail.next_at = now + LEASE
        mail.save(update_fields=["next_at"])
    return mail


def send(mail: Mail, *, clock: Callable[[], datetime]) -> bool:
    letter = letter_of(mail)
    try:
        if letter is not None:
            deliver(letter, to=mail.to, key=mail.pk)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors, a bad address is a ValueError
        put_off(mail, error, now=clock())
        return False
    mail.delete()
    return letter is not None


def letter_of(mail: Mail) -> Letter | None:
    """What a mail says; nothing if it is a link to set a new password, and nobody's."""
    if mail.text:
        return Letter(mail.subject, mail.text, mail.language)
    user = User.objects.filter(email=mail.to, is_active=True).first()
    return reset_letter(user, mail.language) if user and user.has_usable_password() else None


def put_off(mail: Mail, error: Exception, *, now: datetime) -> None:
    """Let it be tried again later; after the last try it is given up, and whoever misses it can ask again."""
    mail.failures += 1
    if mail.failures >= TRIES:
        logger.error("The mail %s is given up: %s", mail.pk, error)
        mail.delete()
        return
    logger.warning("The mail %s could not be sent yet: %s", mail.pk, error)
    next_at = now + BACKOFF * 2 ** (mail.failures - 1)
    Mail.objects.filter(pk=mail.pk).update(failures=mail.failures, next_at=next_at)
