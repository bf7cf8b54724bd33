"""Texts of the mails of accounts, and sending one."""

from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.html import linebreaks, urlize
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language_bidi, override
from django.utils.translation import gettext as _

from accounts.models import User


class Letter(NamedTuple):
    subject: str
    text: str
    language: str


def deliver(letter: Letter, *, to: str, key: UUID) -> None:
    """Mail a letter as plain text and HTML. Raises OSError if the mail server does not accept it.

    Mails with the same `key` have the same Message-ID.
    """
    with override(letter.language):
        context = {
            "language": letter.language,
            "direction": "rtl" if get_language_bidi() else "ltr",
            "subject": letter.subject,
            "html": linebreaks(urlize(letter.text, autoescape=True)),
            "site_name": settings.SITE_NAME,
        }
        html = render_to_string("reminders/message.html", context)
    message = EmailMultiAlternatives(
        subject=" ".join(letter.subject.split()),
        body=letter.text,
        to=[to],
        headers={"Message-ID": f"<{key}@{urlsplit(settings.SITE_URL).hostname}>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=settings.SEND_TIMEOUT_SECONDS),
    )
    message.attach_alternative(html, "text/html")
    message.send()


def reset_letter(user: User, language: str) -> Letter:
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
            "site_name": settings.SITE_NAME,
        }
        subject = _("Set a new password at %(site)s") % {"site": " ".join(settings.SITE_NAME.split())}
        return Letter(subject, render_to_string("accounts/password_reset.txt", context).strip(), language)
