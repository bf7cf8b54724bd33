"""Mail to ADMINS about findings of the site itself, never about requests.

This module sends nothing: a receiver of the signal puts the mail into the outbox.
"""

import hashlib
import time
from datetime import datetime

from django.conf import settings
from django.dispatch import Signal

from scheduler_project.common.audit.redaction import redact
from scheduler_project.common.limits.throttling import tallied

admin_mail_owed = Signal()
"""A mail to ADMINS is due. Arguments: `to` (a list of addresses), `subject`, `text`, `now`."""


DAY = 24 * 60 * 60


def owe_admin_mail(*, subject: str, text: str, now: datetime) -> bool:
    """Mail ADMINS: the same mail at most once a day (UTC), and at most `ADMIN_MAILS_PER_DAY` different ones.

    Return whether it will be sent. Secrets are removed from the text.
    """
    to = [address for _, address in settings.ADMINS]
    subject, text = redact(subject), redact(text)
    if not to or not _allowed(f"{subject}\n{text}"):
        return False
    admin_mail_owed.send(None, to=to, subject=subject, text=text, now=now)
    return True


def _allowed(text: str) -> bool:
    day = int(time.time() // DAY)
    ends_at = (day + 1) * DAY
    digest = hashlib.sha256(text.encode()).hexdigest()
    most = settings.ADMIN_MAILS_PER_DAY
    return tallied(f"admins:{digest}:{day}", 1, ends_at) <= 1 and tallied(f"admins:{day}", most, ends_at) <= most
