"""Mails about a login: the app above stores them in its outbox, in the same transaction, and sends them later."""

from datetime import datetime, timedelta

from allauth.account import app_settings
from django.conf import settings
from django.utils.translation import get_language

from accounts.models import User
from accounts.signals import mail_owed
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.sending import mailbox
from scheduler_project.common.limits.throttling import may
from scheduler_project.common.operations import operation


@operation
def owe(*, to: str, subject: str, text: str, now: datetime) -> None:
    """Send a mail as it is, once this transaction is committed and no longer than a link in it works."""
    useful_until = now + timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS)
    # PostgreSQL knows no NUL, and the text may hold what a browser calls itself.
    _send({"to": to, "subject": subject, "text": text.replace("\0", "")}, useful_until, now)


@operation
def owe_reset_link(*, email: str, now: datetime) -> None:
    """Send a link to set a new password to the owner of this email, at most a few times an hour.

    The account is looked up only when the mail is sent, so that neither the answer nor its timing reveals whether it
    exists, and no key is stored.
    """
    email = User.objects.normalize_email(email)
    log_security_event(SecurityEvent.PASSWORD_RESET_ASKED)
    if may("mail", f"reset:{mailbox(email)}"):
        useful_until = now + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        _send({"to": email, "subject": "", "text": ""}, useful_until, now)


def _send(mail: dict[str, str], useful_until: datetime, now: datetime) -> None:
    language = get_language() or ""
    mail_owed.send(User, mail={**mail, "language": language}, useful_until=useful_until, now=now)
