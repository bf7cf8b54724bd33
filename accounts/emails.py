"""The mails accounts sends itself."""

import logging

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from accounts.models import User

SEND_TIMEOUT_SECONDS = 10

logger = logging.getLogger(__name__)


def send_reset_link(user: User) -> None:
    """Mail a link to set a new password.

    It says nothing that whoever asked could have chosen, such as the name. A mail server that is down is logged and not
    told to the asker, who may not learn whether there is an account, and can ask again.
    """
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    context = {
        "email": user.email,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        "link": f"{settings.SITE_URL}/password/reset/{uid}/{token}/",
        "site_name": settings.SITE_NAME,
    }
    message = EmailMessage(
        subject=_("Set a new password at %(site)s") % {"site": " ".join(settings.SITE_NAME.split())},
        body=render_to_string("accounts/password_reset.txt", context),
        to=[user.email],
        connection=get_connection(timeout=SEND_TIMEOUT_SECONDS),
    )
    try:
        message.send()
    except OSError:  # smtplib's errors are among them
        logger.exception("The link to reset the password of user %s could not be mailed", user.pk)
