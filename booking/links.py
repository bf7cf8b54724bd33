"""Addresses for outside: where a provider is booked, and those that act for whoever was sent them, which are signed."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.models import Provider
from booking.models import Appointment, CalendarFeed, Reservation
from scheduler_project.common.errors import NotFound

HOLD = "booking.links.hold"
DETAILS = "booking.links.details"
APPOINTMENT = "booking.links.appointment"
VISITOR = "booking.links.visitor"

VISITOR_KEPT = timedelta(days=1)
"""How long a visitor who never said who they are is remembered, for their holds to be counted together (R19)."""


def booking_link(provider: Provider) -> str:
    """Where a provider is booked: what they put on their own pages and letters."""
    return settings.SITE_URL + reverse("provider", args=[provider.slug])


def hold_link(reservation: Reservation) -> str:
    """Where a guest confirms a hold. It works for as long as the hold does."""
    return settings.SITE_URL + reverse("hold", args=[signing.dumps([reservation.pk, reservation.client_id], salt=HOLD)])


def held_by(token: str) -> tuple[int, int]:
    """The ids of the reservation and the client a link's token stands for. Raises NotFound for one we did not sign.

    Whoever was mailed the link because somebody mistyped their address is no longer that hold's client.
    """
    try:
        reservation_id, client_id = signing.loads(token, salt=HOLD)
        return int(reservation_id), int(client_id)
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def details_token(reservation: Reservation) -> str:
    """What lets whoever took a time say who they are. It confirms nothing: that takes the link in the mail."""
    return signing.dumps(reservation.pk, salt=DETAILS)


def taken_by(token: str) -> int:
    """The id of the reservation a token for details stands for. Raises NotFound for one we did not sign."""
    return _id_in(token, DETAILS)


def visitor_token(reference: str) -> str:
    """What a browser, or the address of a frame, remembers a visitor by: the reference of the client made for them."""
    return signing.dumps(reference, salt=VISITOR)


def visitor_in(token: str) -> str | None:
    """The reference a visitor's token stands for. None for one that we did not sign, or more than a day ago."""
    try:
        return str(signing.loads(token, salt=VISITOR, max_age=VISITOR_KEPT))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def appointment_token(appointment: Appointment) -> str:
    return signing.dumps(appointment.pk, salt=APPOINTMENT)


def appointment_link(appointment: Appointment) -> str:
    """Where a client sees, moves and cancels an appointment without logging in. It never stops working."""
    return settings.SITE_URL + reverse("guest", args=[appointment_token(appointment)])


def appointment_in(token: str) -> int:
    """The id of the appointment a link's token stands for. Raises NotFound for one we did not sign."""
    return _id_in(token, APPOINTMENT)


def _id_in(token: str, salt: str) -> int:
    try:
        return int(signing.loads(token, salt=salt))
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def feed_link(feed: CalendarFeed) -> str:
    """Where a calendar program subscribes. It works until the feed is renewed or closed."""
    return settings.SITE_URL + reverse("feed", args=[feed.token])
