"""Texts of the mails of accounts."""

from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import User
from scheduler_project.common.site.queries import site_settings


class MailText(NamedTuple):
    subject: str
    text: str
    language: str


def mail_text_of(mail: Mapping[str, str]) -> MailText | None:
    """Return the text of an owed mail; None for a link to set a new password if no login has this email."""
    if mail["text"]:
        return MailText(mail["subject"], mail["text"], mail["language"])
    user = User.objects.filter(email=mail["to"], is_active=True).first()
    return reset_mail_text(user, mail["language"]) if user and user.has_usable_password() else None


def reset_mail_text(user: User, language: str) -> MailText:
    """Return the mail with a link to set a new password, in the login's language or else in that of the request.

    The text contains nothing the requester could have chosen, such as the name.
    """
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    language = user.language or language
    with override(language):
        context = {
            "email": user.email,
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
            "link": settings.SITE_URL + reverse("reset-link", args=[uid, token]),
            "site_name": site_settings().title,
        }
        subject = _("Choose a new password at %(site)s") % {"site": " ".join(site_settings().title.split())}
        return MailText(subject, render_to_string("accounts/password_reset.txt", context).strip(), language)
