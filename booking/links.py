"""Addresses for mails and other websites: a provider's booking page, and signed ones that act for their recipient."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.models import Provider
from booking.models import Appointment, CalendarFeed, Reservation
from booking.reservations.guests import VISITOR_KEPT
from scheduler_project.common.errors import NotFound

HOLD = "booking.links.hold"


DETAILS = "booking.links.details"


APPOINTMENT = "booking.links.appointment"


VISITOR = "booking.links.visitor"


GUEST = "booking.links.guest"


def booking_link(provider: Provider) -> str:
    """Return the address of a provider's booking page, for their own website and mails."""
    return settings.SITE_URL + reverse("provider", args=[provider.slug])


def hold_link(reservation: Reservation) -> str:
    """Return the address at which a guest confirms a hold. It works for as long as the hold does."""
    return settings.SITE_URL + reverse("hold", args=[signing.dumps([reservation.pk, reservation.client_id], salt=HOLD)])


def hold_from_token(token: str) -> tuple[int, int]:
    """Return the ids of the reservation and the client in a link's token. Raises NotFound if we did not sign it.

    The client may no longer be the hold's: the link may have gone to a mistyped address.
    """
    try:
        reservation_id, client_id = signing.loads(token, salt=HOLD)
        return int(reservation_id), int(client_id)
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def details_token(reservation: Reservation) -> str:
    """Return a token for entering the details of a hold. It cannot confirm the hold: only the link in the mail can."""
    return signing.dumps(reservation.pk, salt=DETAILS)


def hold_from_details_token(token: str) -> int:
    """Return the id of the reservation in a token for details. Raises NotFound if we did not sign it."""
    return _id_in(token, DETAILS)


def visitor_token(reference: str) -> str:
    """Return the token for a visitor's cookie or a frame's address: the signed reference of their client."""
    return signing.dumps(reference, salt=VISITOR)


def visitor_from_token(token: str) -> str | None:
    """Return the reference in a visitor's token; None if we did not sign it, or did more than a day ago."""
    try:
        return str(signing.loads(token, salt=VISITOR, max_age=VISITOR_KEPT))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def guest_token(visitor: str, reservation: Reservation) -> str:
    """Return the token by which a visitor acts on their holds in the API, without a login. It cannot confirm alone."""
    return signing.dumps([visitor, reservation.pk], salt=GUEST)


def hold_from_guest_token(token: str) -> tuple[str, int]:
    """Return the visitor's reference and the reservation in a guest's token.

    Raises BadSignature if we did not sign it, SignatureExpired if we did more than a day ago.
    """
    visitor, reservation_id = signing.loads(token, salt=GUEST, max_age=VISITOR_KEPT)
    return str(visitor), int(reservation_id)


def appointment_token(appointment: Appointment) -> str:
    """Return the token by which the client of an appointment acts on it without a login, while it is theirs."""
    return _token_of(appointment.pk, appointment.reservation.client_id)


def _token_of(appointment_id: int, client_id: int) -> str:
    return signing.dumps([appointment_id, client_id], salt=APPOINTMENT)


def appointment_link(appointment: Appointment, client_id: int | None = None) -> str:
    """Return the address at which a client sees, moves and cancels an appointment without a login.

    It never expires, but leads nowhere once the appointment is another client's. `client_id` spares the look-up of the
    present one.
    """
    token = _token_of(appointment.pk, client_id or appointment.reservation.client_id)
    return settings.SITE_URL + reverse("guest", args=[token])


def appointment_from_token(token: str) -> tuple[int, int | None]:
    """Return the ids of the appointment and its client in a link's token, for `Appointment.objects.of_link`.

    The first tokens name no client. Raises NotFound if we did not sign it.
    """
    try:
        match signing.loads(token, salt=APPOINTMENT):
            case [appointment_id, client_id]:
                return int(appointment_id), int(client_id)
            case appointment_id:
                return int(appointment_id), None
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def _id_in(token: str, salt: str) -> int:
    try:
        return int(signing.loads(token, salt=salt))
    except (signing.BadSignature, ValueError, TypeError):
        raise NotFound from None


def feed_link(feed: CalendarFeed) -> str:
    """Return the address that a calendar program subscribes to. It works until the feed is renewed or closed."""
    return settings.SITE_URL + reverse("feed", args=[feed.token])
