"""The description of an appointment for programs: the one list of its fields.

The API answers all of them; webhooks, a person's archive and the sheets of imports and exports choose from them.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from accounts.clients.fields import summary_of
from booking.models import Appointment

PLACES = {
    "id": "pk",
    "uid": "uid",
    "provider": "reservation__provider",
    "client": "reservation__client",
    "service": "reservation__service",
    "reservation": "reservation",
    "series": "series",
    "occurrence": "occurrence",
    "title": "title",
    "description": "description",
    "status": "status",
    "start_time": "reservation__starts_at",
    "end_time": "reservation__ends_at",
    "timezone": "timezone",
    "reminder_offsets": "reminder_offsets",
    "cancellation_reason": "cancellation_reason",
    "sequence": "sequence",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
"""The fields, in order, and the path from an appointment to where each is stored."""


def describe(
    appointment: Appointment, names: Iterable[str] | None = None, *, instant: Callable[[datetime], Any]
) -> dict[str, Any]:
    """Return the fields of these names, or all. `instant` writes a time.

    Written by hand: walking the fields costs five times as much.
    """
    reservation = appointment.reservation
    service = reservation.service
    fields = {
        "id": appointment.pk,
        "uid": str(appointment.uid),
        "provider": {"id": reservation.provider_id, "name": reservation.provider.name},
        "client": summary_of(reservation.client),
        "service": {"id": service.pk, "name": service.name} if service else None,
        "reservation": reservation.pk,
        "series": appointment.series_id,
        "occurrence": appointment.occurrence,
        "title": appointment.called,
        "description": appointment.description,
        "status": str(appointment.status),
        "start_time": instant(reservation.starts_at),
        "end_time": instant(reservation.ends_at),
        "timezone": appointment.timezone,
        "reminder_offsets": appointment.reminder_offsets,
        "cancellation_reason": appointment.cancellation_reason,
        "sequence": appointment.sequence,
        "created_at": instant(appointment.created_at),
        "updated_at": instant(appointment.updated_at),
    }
    return fields if names is None else {name: fields[name] for name in names}
