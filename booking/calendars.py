"""One appointment as an iCalendar file (RFC 5545)."""

from datetime import UTC

from django.conf import settings
from icalendar import Calendar, Event

from booking.enums import AppointmentStatus
from booking.models import Appointment

ICAL_STATUS = {
    AppointmentStatus.PENDING: "TENTATIVE",
    AppointmentStatus.CANCELLED: "CANCELLED",
    AppointmentStatus.DECLINED: "CANCELLED",
}
"""The rest is CONFIRMED (RFC 5545 §3.8.1.11)."""


def to_ical(appointment: Appointment) -> bytes:
    """The appointment as a calendar with one event, in UTC: the same UID for life, SEQUENCE rising with each change."""
    event = Event()
    event.add("uid", f"{appointment.uid}@scheduler")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", appointment.updated_at.astimezone(UTC))
    event.add("created", appointment.created_at.astimezone(UTC))
    event.add("last-modified", appointment.updated_at.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", f"{appointment.title} – {appointment.provider.name}")
    if appointment.description:
        event.add("description", appointment.description)
    event.add("status", ICAL_STATUS.get(AppointmentStatus(appointment.status), "CONFIRMED"))
    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.SITE_NAME}//scheduler//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
