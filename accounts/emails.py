"""The mails accounts sends itself."""

import logging

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.html import linebreaks, urlize
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language, get_language_bidi, override
from django.utils.translation import gettext as _

from accounts.models import User

SEND_TIMEOUT_SECONDS = 10

logger = logging.getLogger(__name__)


def send(*, to: str, subject: str, text: str) -> None:
    """Mail a text, as plain text and as HTML, in the language that is active.

    A mail server that is down is logged and not told to whoever asked: they may not learn whether there is an account,
    and can ask again.
    """
    context = {
        "language": get_language(),
        "direction": "rtl" if get_language_bidi() else "ltr",
        "subject": subject,
        "html": linebreaks(urlize(text, autoescape=True)),
        "site_name": settings.SITE_NAME,
    }
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=text,
        to=[to],
        connection=get_connection(timeout=SEND_TIMEOUT_SECONDS),
    )
    message.attach_alternative(render_to_string("reminders/message.html", context), "text/html")
    try:
        message.send()
    except OSError:  # smtplib's errors are among them
        logger.exception("The mail “%s” could not be sent", subject)


def send_reset_link(user: User) -> None:
    """Mail a link to set a new password, in the language of the login.

    It says nothing that whoever asked could have chosen, such as the name.
    """
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    with override(user.language or get_language()):
        context = {
            "email": user.email,
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
            "link": settings.SITE_URL + reverse("reset-link", args=[uid, token]),
            "site_name": settings.SITE_NAME,
        }
        send(
            to=user.email,
            subject=_("Set a new password at %(site)s") % {"site": " ".join(settings.SITE_NAME.split())},
            text=render_to_string("accounts/password_reset.txt", context).strip(),
        )
