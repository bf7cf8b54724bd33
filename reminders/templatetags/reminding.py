"""Template tags about reminders."""

from django import template
from django.conf import settings

from reminders.channels.email.channel import EmailChannel
from reminders.preferences.links import opt_out_link

register = template.Library()


@register.simple_tag
def opt_out_path(address: str) -> str:
    """Return the path to end reminders to an email address. Only for pages reached by a mail to that address."""
    return opt_out_link(EmailChannel.name, address).removeprefix(settings.SITE_URL)


@register.filter
def since(words: str, day: str) -> str:
    """Return an opt-out in words, with the day it began."""
    return str(words) % {"since": day}
