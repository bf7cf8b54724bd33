"""Composes the mails about a login. Accounts writes their text, and no template changes it."""

from django.template.loader import render_to_string
from django.utils.html import linebreaks, urlize
from django.utils.translation import get_language_bidi, override

from accounts.mails.emails import mail_text_of
from reminders.channels.base import OutgoingMessage
from reminders.models import Message
from scheduler_project.common.site.queries import site_settings


def account_mail(message: Message) -> OutgoingMessage:
    """Return the complete mail. Whether there is a login for it, and its link, are looked up now."""
    assert message.mail is not None
    mail = mail_text_of(message.mail)
    assert mail is not None, "`stands` was asked first"
    with override(mail.language):
        context = {
            "language": mail.language,
            "direction": "rtl" if get_language_bidi() else "ltr",
            "subject": mail.subject,
            "html": linebreaks(urlize(mail.text, autoescape=True)),
            "site_name": site_settings().title,
        }
        html = render_to_string("reminders/message.html", context)
    return OutgoingMessage(message.key, message.mail["to"], subject=mail.subject, text=mail.text, html=html)
