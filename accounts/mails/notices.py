"""Notices to the owner of a login about changes to it, whoever makes them.

Signals of the models call this (`accounts/receivers.py`), so no new way to change a login can forget it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from accounts.mails.operations import owe
from accounts.models import User
from scheduler_project.common.audit.log import audit_actor, current_request
from scheduler_project.common.audit.security_log import address_of
from scheduler_project.common.limits.sending import mailbox
from scheduler_project.common.limits.throttling import may
from scheduler_project.common.site.queries import site_settings


class Notice(Enum):
    """Kinds of notices, with their sentences."""

    PASSWORD_CHANGED = gettext_lazy("Your password was changed")
    EMAIL_CHANGED = gettext_lazy("Your email was changed")
    SECOND_FACTOR_ADDED = gettext_lazy("Two-factor authentication is on for your account")
    SECOND_FACTOR_REMOVED = gettext_lazy("Two-factor authentication is off for your account")
    RECOVERY_CODES_RENEWED = gettext_lazy("New recovery codes were created for your account")
    KEY_CREATED = gettext_lazy("A new API key was created for your account")
    IDENTITY_ADDED = gettext_lazy("You can now sign in to your account with another service")
    MAILBOX_PROVED = gettext_lazy("Your email is verified")


_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def silent() -> Iterator[None]:
    """Suppress notices within the block, because the user is notified otherwise, or is deleted."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def notify(user: User, notice: Notice, *, now: datetime, to: str = "", **facts: Any) -> None:
    """Mail the owner of a login that something about it was changed, at their email or at `to`.

    In the language of the login; at most a few times an hour for each kind. The notice names the network only for
    changes made by the login itself, never that of staff.
    """
    to = to or user.email
    if _silent.get() or not user.is_active or not may("mail", f"notice:{notice.name}:{mailbox(to)}"):
        return
    actor = audit_actor()
    by_others = actor.user_id not in (None, user.pk) or current_request.get() is None
    with override(user.language or get_language()):
        context = {
            "sentence": notice.value,
            "notice": notice.name,
            "by_others": by_others,
            "address": None if by_others else address_of(current_request.get()),
            "at": f"{now.astimezone(UTC):%Y-%m-%d %H:%M}",
            "site_name": site_settings().title,
            "site_url": settings.SITE_URL,
            **{name: _translated(value) for name, value in facts.items()},
        }
        text = render_to_string("accounts/notice.txt", context).strip()
        site = " ".join(site_settings().title.split())
        subject = _("%(sentence)s – %(site)s") % {"sentence": notice.value, "site": site}
        owe(to=to, subject=subject, text=text, now=now)


def _translated(value: Any) -> Any:
    """Return the texts translated into the language of the mail."""
    return [str(one) if isinstance(one, Promise) else one for one in value] if isinstance(value, list) else value
