"""What pages of others say of reminders."""

from django import template
from django.conf import settings

from reminders.enums import Channel
from reminders.links import opt_out_link

register = template.Library()


@register.simple_tag
def opt_out_path(address: str) -> str:
    """Where the owner of an email address ends its reminders. Only for pages that a mail to that address led to."""
    return opt_out_link(Channel.EMAIL, address).removeprefix(settings.SITE_URL)
