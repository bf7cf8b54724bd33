"""One-click links that end reminders (RFC 8058)."""

from django.conf import settings
from django.core import signing

from reminders.enums import OF_PEOPLE, Channel
from scheduler_project.common.errors import NotFound

OPT_OUT = "reminders.links.opt_out"


def opt_out_link(channel: Channel, address: str) -> str:
    """Return the link by which the owner of an address opts out of reminders on a channel. It never expires."""
    return f"{settings.SITE_URL}/unsubscribe/{signing.dumps([str(channel), address], salt=OPT_OUT)}/"


def opting_out(token: str) -> tuple[Channel, str]:
    """Return the channel and address of a link's token. Raises NotFound if we did not sign it."""
    try:
        channel, address = signing.loads(token, salt=OPT_OUT)
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None
    if str(channel) not in dict(OF_PEOPLE):
        raise NotFound
    return Channel(channel), str(address)
