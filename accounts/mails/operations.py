"""The outbox of accounts: mails are stored during the request, and sent outside of it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.account import app_settings
from django.conf import settings
from django.utils.translation import get_language

from accounts.mails.emails import Letter, deliver, reset_letter
from accounts.models import Mail, User
from accounts.signals import mail_owed
from scheduler_project.common import outages
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.sending import Sending, give_back, mailbox, take
from scheduler_project.common.limits.throttling import may
from scheduler_project.common.mail.smtp import Meaning, meaning_of
from scheduler_project.common.operations import operation
from scheduler_project.common.outages import MAIL_SERVER

LEASE = timedelta(minutes=1)
"""Time a worker has to send a mail before another one tries."""


ROUND = timedelta(minutes=1)


BACKOFF = timedelta(minutes=1)
"""Delay before the second try, doubled for each further try, and the upper limit of the delay."""


LONGEST_BACKOFF = timedelta(minutes=30)


logger = logging.getLogger(__name__)


@operation
def owe(*, to: str, subject: str, text: str, now: datetime) -> None:
    """Send a mail as it is, once this transaction is committed and no longer than a link in it works."""
    useful_until = now + timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS)
    # PostgreSQL knows no NUL, and the text may hold what a browser calls itself.
    _put(Mail(to=to, subject=subject, text=text.replace("\0", ""), useful_until=useful_until), now)


@operation
def owe_reset_link(*, email: str, now: datetime) -> None:
    """Send a link to set a new password to the owner of this email, at most a few times an hour.

    The account is looked up only when the mail is sent, so that neither the answer nor its timing reveals whether it
    exists.
    """
    email = User.objects.normalize_email(email)
    log_security_event(SecurityEvent.PASSWORD_RESET_ASKED)
    if may("mail", f"reset:{mailbox(email)}"):
        _put(Mail(to=email, useful_until=now + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)), now)


def _put(mail: Mail, now: datetime) -> None:
    mail.language, mail.created_at, mail.next_at = get_language() or "", now, now
    mail.save(force_insert=True)
    mail_owed.send(Mail)


def send_due(*, clock: Callable[[], datetime]) -> int:
    """Send the due mails, retrying each while it is useful. Returns how many were sent.

    Any number of workers may run this at once. A crash repeats at most the mail in flight, with the same Message-ID.
    While the mail server does not answer, one mail at a time is tried and the others wait (`common/outages.py`).
    """
    sent, until = 0, clock() + ROUND
    probing = (
        Mail.objects.due(now=clock()).exists() and outages.take_probe(channel=MAIL_SERVER, now=clock()) is not None
    )
    while (now := clock()) < until and (mail := claim(now=now, probing=probing)):
        tried = send(mail, probing=probing, clock=clock)
        sent += tried is True
        probing = probing and tried is None
    if probing:
        outages.return_probe(MAIL_SERVER, now=clock())
    return sent


@operation
def claim(*, now: datetime, probing: bool = False) -> Mail | None:
    """Return the mail that is due longest and not being sent by another worker. `probing`: although nobody answered
    before."""
    due = Mail.objects.due(now=now)
    rows = due if probing else due.open()
    mail = rows.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if mail is not None:
        mail.next_at = now + LEASE
        mail.save(update_fields=["next_at"])
    return mail


def send(mail: Mail, *, probing: bool, clock: Callable[[], datetime]) -> bool | None:
    """Send a claimed mail. Returns whether it was sent; None if there was nothing to send any more."""
    if mail.useful_until <= clock():
        give_up(mail, "It came too late to help.")
        return None
    letter = letter_of(mail)
    if letter is None:
        mail.delete()
        return None
    sending = Sending("email", "", mail.to, trusted=True, asked_for=True)
    if not mail.failures and (wait := take([sending], now=clock())[0]):
        Mail.objects.filter(pk=mail.pk).update(next_at=wait.until)
        return None
    try:
        deliver(letter, to=mail.to, key=mail.pk)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors, a bad address is a ValueError
        put_off(mail, error, probing=probing, now=clock())
        if not mail.failures:
            give_back([sending], now=clock())
        return False
    mail.delete()
    if probing:
        outages.note_up([MAIL_SERVER])
    return True


def letter_of(mail: Mail) -> Letter | None:
    """Return the text of a mail; None for a link to set a new password if no login has this email."""
    if mail.text:
        return Letter(mail.subject, mail.text, mail.language)
    user = User.objects.filter(email=mail.to, is_active=True).first()
    return reset_letter(user, mail.language) if user and user.has_usable_password() else None


def put_off(mail: Mail, error: Exception, *, probing: bool, now: datetime) -> None:
    """Postpone a mail, unless it was rejected for good; postpone the others too if the server does not answer.

    Only an answer about this mail counts as an attempt.
    """
    meaning = meaning_of(error)
    if meaning == Meaning.DOWN:
        outages.note_down(MAIL_SERVER, error=f"The mail server cannot be reached: {error}", now=now, probe=probing)
        Mail.objects.filter(pk=mail.pk).update(next_at=now)
        return
    if probing:
        outages.note_up([MAIL_SERVER])
    if meaning == Meaning.NEVER:
        give_up(mail, str(error))
        return
    logger.warning("The mail %s could not be sent yet: %s", mail.pk, error)
    backoff = min(BACKOFF * 2 ** min(mail.failures, 10), LONGEST_BACKOFF)
    Mail.objects.filter(pk=mail.pk).update(failures=mail.failures + 1, next_at=now + backoff)


def give_up(mail: Mail, reason: str) -> None:
    """Delete a mail that cannot be sent; the user can request it again."""
    logger.error("The mail %s is given up: %s", mail.pk, reason)
    mail.delete()
