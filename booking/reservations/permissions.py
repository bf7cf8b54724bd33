"""The actions that an actor may take on a hold at a moment."""

from datetime import datetime

from accounts.actors import Actor
from booking.models import Reservation
from booking.reservations.claims import BOOK
from booking.reservations.enums import HoldAction, ReservationStatus

CHANGE = "booking.change_reservation"
"""The permission of staff to release any hold."""

PERMISSIONS = {HoldAction.CONFIRM: BOOK, HoldAction.RELEASE: CHANGE}


def allowed_actions(reservation: Reservation, actor: Actor | None, now: datetime) -> list[HoldAction]:
    """Return the actions that `actor` may take on the reservation at `now`: none once it is no hold any more.

    Its client may confirm and release it, and so may the provider, and staff with the permission. Without an actor,
    the reader is the guest whose hold it is.
    """
    if reservation.state(now) != ReservationStatus.HELD:
        return []
    if actor is None:
        return list(HoldAction)
    is_own = reservation.client_id == actor.client_id
    return [
        action
        for action, permission in PERMISSIONS.items()
        if is_own or actor.runs(reservation.provider_id, permission)
    ]
