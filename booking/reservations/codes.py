"""Codes that confirm a guest's hold in the API, where its mail has the link for the pages (R10)."""

from datetime import datetime

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from booking.models import Reservation
from booking.reservations.enums import ReservationStatus
from booking.reservations.errors import (
    AlreadyConfirmed,
    ConfirmationRequired,
    DetailsRequired,
    HoldExpired,
    HoldReleased,
    WrongHoldCode,
)
from scheduler_project.common.audit.security_log import SecurityEvent, log_security_event
from scheduler_project.common.limits.throttling import tallied, uncount

MOST_TRIES = 5
"""The most codes tried for one hold. After them none is right."""


def code_of(reservation: Reservation) -> str:
    """Return the six digits that confirm a hold. They are of this hold and this client, as the link in the mail is."""
    whose = f"{reservation.pk}:{reservation.client_id}"
    digest = salted_hmac("booking.reservations.codes", whose, algorithm="sha256").digest()
    return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"


def check_code(reservation: Reservation, code: str | None, now: datetime) -> None:
    """Check the code with which a guest confirms a hold, or confirms it once more. The caller must not roll back.

    Where the site lets guests confirm without one, the details are enough. Raises WrongHoldCode, ConfirmationRequired
    or DetailsRequired without one; HoldExpired, HoldReleased, AlreadyConfirmed if none helps.
    """
    state = reservation.state(now)
    if state == ReservationStatus.EXPIRED:
        raise HoldExpired
    if code is None and not settings.GUESTS_CONFIRM:
        if not reservation.asked:
            raise DetailsRequired
        return
    if code is None and state == ReservationStatus.RELEASED:
        raise HoldReleased
    if state == ReservationStatus.CONFIRMED and (code is None or reservation.is_past_hold(now)):
        raise AlreadyConfirmed
    if code is None:
        raise ConfirmationRequired
    if not is_right(code, reservation, now):
        raise WrongHoldCode(field="code")


def is_right(code: str, reservation: Reservation, now: datetime) -> bool:
    """Count one more try, and return whether it is the code that was mailed for a hold that has not ended.

    Tries are counted before codes are compared, so that many at once are not more than one after another. The caller
    must not roll back if the code is wrong.
    """
    if not reservation.asked or reservation.expires_at is None or reservation.is_past_hold(now):
        return False
    tries = f"hold-code:{reservation.pk}"
    if tallied(tries, MOST_TRIES, reservation.expires_at.timestamp()) > MOST_TRIES:
        return False
    if constant_time_compare(code, code_of(reservation)):
        uncount(tries)
        return True
    log_security_event(SecurityEvent.HOLD_CODE_FAILED, reservation=reservation.pk)
    return False
