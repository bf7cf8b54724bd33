"""What booking keeps about somebody, and what becomes of it when they leave."""

from datetime import datetime
from typing import Any

from accounts.errors import AppointmentsComing
from accounts.models import User
from booking.links import feed_link
from booking.models import Appointment, CalendarFeed
from booking.models.reservations import party
from scheduler_project.common.operations import operation
from scheduler_project.common.times import rfc3339


def bookings_of(user: User) -> dict[str, Any]:
    """The appointments of a client or provider with what happened to each, and their calendar feeds; ready for JSON.

    Of others it tells only their names.
    """
    rows = Appointment.objects.filter(party(user, "reservation__")).detailed().prefetch_related("events")
    return {
        "appointments": [_told(row) for row in rows],
        "calendar_feeds": [
            {"address": feed_link(feed), "created_at": rfc3339(feed.created_at)}
            for feed in CalendarFeed.objects.filter(party(user))
        ],
    }


def _told(appointment: Appointment) -> dict[str, Any]:
    return {
        "id": appointment.pk,
        "title": appointment.called,
        "description": appointment.description,
        "provider": appointment.provider.name,
        "client": appointment.client.name,
        "starts_at": rfc3339(appointment.starts_at),
        "ends_at": rfc3339(appointment.ends_at),
        "timezone": appointment.timezone,
        "status": appointment.status,
        "cancellation_reason": appointment.cancellation_reason,
        "series": appointment.series_id,
        "history": [
            {"event": event.event, "at": rfc3339(event.at), "through": event.face, "details": event.details}
            for event in appointment.events.all()
        ],
    }


@operation
def leave_no_bookings(*, user: User, now: datetime) -> None:
    """Close the feeds of somebody who leaves. Raises AppointmentsComing."""
    if Appointment.objects.filter(party(user, "reservation__")).coming(now=now).exists():
        raise AppointmentsComing
    CalendarFeed.objects.filter(party(user)).delete()
