"""Composes the mails about a login. Accounts writes their text, and no template changes it."""

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import linebreaks, urlize
from django.utils.translation import get_language_bidi, override

from accounts.mails.emails import letter_of
from reminders.channels.base import OutgoingMessage
from reminders.models import Message


def account_mail(message: Message) -> OutgoingMessage:
    """Return the complete mail. Whether there is a login for it, and its link, are looked up now."""
    assert message.mail is not None
    letter = letter_of(message.mail)
    assert letter is not None, "`stands` was asked first"
    with override(letter.language):
        context = {
            "language": letter.language,
            "direction": "rtl" if get_language_bidi() else "ltr",
            "subject": letter.subject,
            "html": linebreaks(urlize(letter.text, autoescape=True)),
            "site_name": settings.SITE_NAME,
        }
        html = render_to_string("reminders/message.html", context)
    return OutgoingMessage(message.key, message.mail["to"], subject=letter.subject, text=letter.text, html=html)
