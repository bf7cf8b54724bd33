"""Addresses for outside: where a provider is booked, and those that act for whoever was sent them, which are signed."""

from django.conf import settings
from django.core import signing

from accounts.models import Provider
from booking.models import CalendarFeed, Reservation
from scheduler_project.common.errors import NotFound

HOLD = "booking.links.hold"


def booking_link(provider: Provider) -> str:
    """Where a provider is booked: what they put on their own pages and letters."""
    return f"{settings.SITE_URL}/p/{provider.slug}/"


def hold_link(reservation: Reservation) -> str:
    """Where a guest confirms a hold. It works for as long as the hold does."""
    return f"{settings.SITE_URL}/r/{signing.dumps(reservation.pk, salt=HOLD)}/"


def held_by(token: str) -> int:
    """The id of the reservation a link's token stands for. Raises NotFound for one we did not sign."""
    try:
        return int(signing.loads(token, salt=HOLD))
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def feed_link(feed: CalendarFeed) -> str:
    """Where a calendar program subscribes. It works until the feed is renewed or closed."""
    return f"{settings.SITE_URL}/calendar/{feed.token}.ics"
