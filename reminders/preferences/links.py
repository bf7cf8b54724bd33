"""One-click links that end reminders (RFC 8058)."""

from django.conf import settings
from django.core import signing

from reminders.channels.registry import personal_channels
from scheduler_project.common.errors import NotFound

OPT_OUT = "reminders.links.opt_out"


def opt_out_link(channel: str, address: str) -> str:
    """Return the link by which the owner of an address opts out of reminders on a channel. It never expires."""
    return f"{settings.SITE_URL}/unsubscribe/{signing.dumps([channel, address], salt=OPT_OUT)}/"


def opting_out(token: str) -> tuple[str, str]:
    """Return the channel and address of a link's token. Raises NotFound if we did not sign it."""
    try:
        channel, address = signing.loads(token, salt=OPT_OUT)
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None
    if channel not in personal_channels():
        raise NotFound
    return str(channel), str(address)
