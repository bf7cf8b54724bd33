"""Cancelling on a page: one appointment, or further ones of its series too."""

from datetime import datetime
from typing import Any

from accounts.actors import Actor
from booking.appointments.enums import Action
from booking.appointments.operations import take_action
from booking.models import Appointment
from booking.series.enums import SeriesScope
from booking.series.operations import cancel_series


def cancel(appointment: Appointment, cleaned: dict[str, Any], *, actor: Actor, now: datetime) -> int:
    """Cancel within the form's `scope` (default: only this one), for its `reason`. Return how many were cancelled."""
    scope = SeriesScope(cleaned.get("scope") or SeriesScope.THIS)
    if appointment.series_id is None or scope == SeriesScope.THIS:
        take_action(appointment_id=appointment.pk, action=Action.CANCEL, actor=actor, now=now, reason=cleaned["reason"])
        return 1
    change = cancel_series(
        series_id=appointment.series_id,
        scope=scope,
        occurrence=appointment.occurrence if scope == SeriesScope.FOLLOWING else None,
        reason=cleaned["reason"],
        actor=actor,
        now=now,
    )
    return len(change.cancelled)
