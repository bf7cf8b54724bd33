"""Appointments as iCalendar (RFC 5545)."""

import re
from collections.abc import Iterable
from datetime import UTC, timedelta
from email.utils import parseaddr
from urllib.parse import quote, urlencode

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress, vText

from booking.appointments.transitions import STATUSES, AppointmentStatus
from booking.models import Appointment, CalendarFeed
from scheduler_project.common.site.queries import site_settings
from scheduler_project.common.validators import isolated

REFRESH = timedelta(minutes=15)
"""The interval at which calendar programs should fetch a feed."""


CONTROLS = re.compile(r"[^\S\n]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Characters that a TEXT must not hold (RFC 5545 §3.3.11), and line separators: some programs end lines at them."""


def to_ical(appointment: Appointment) -> bytes:
    """Return a calendar with the appointment as its one event, in UTC.

    UID stays for life; SEQUENCE rises with each change.
    """
    calendar = _calendar()
    calendar.add_component(_event(appointment, appointment.provider.name))
    return bytes(calendar.to_ical())


def web_links(appointment: Appointment) -> dict[str, str]:
    """Return the addresses that add the appointment to web calendars, by the calendar's name."""
    title = _between(appointment.called, appointment.provider.name)
    starts, ends = appointment.starts_at.astimezone(UTC), appointment.ends_at.astimezone(UTC)
    google = {"action": "TEMPLATE", "text": title, "dates": f"{starts:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}"}
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {
        "Google": f"https://calendar.google.com/calendar/render?{urlencode(google)}",
        "Outlook": f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}",
    }


def to_feed(feed: CalendarFeed, appointments: Iterable[Appointment]) -> bytes:
    """Return a calendar to subscribe to. A provider's has the clients' names, a client's the providers'."""
    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    name = vText(_one_line(f"{site_settings().title}: {isolated(feed.owner.name)}"))
    calendar.add("name", name)  # RFC 7986 has these two. All programs read those that begin with X.
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH.seconds // 60}M")
    for appointment in appointments:
        other = appointment.client if feed.provider_id else appointment.provider
        calendar.add_component(_event(appointment, other.name))
    return bytes(calendar.to_ical())


def to_invitation(
    appointment: Appointment, *, attendee: str, name: str, for_provider: bool = False
) -> tuple[str, bytes]:
    """Return the METHOD and the calendar file that are mailed with an appointment (iTIP, RFC 5546).

    A REQUEST adds or changes it, a CANCEL removes it. `attendee` is the mail address it goes to.
    """
    method = "REQUEST" if STATUSES[AppointmentStatus(appointment.status)].claims_time else "CANCEL"
    event = _organized(appointment, for_provider)
    invited = _address(attendee, name)
    invited.params |= {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    event.add("attendee", invited)
    calendar = _calendar()
    calendar.add("method", method)
    calendar.add_component(event)
    return method, bytes(calendar.to_ical())


def to_publication(appointments: Iterable[Appointment], *, for_provider: bool = False) -> tuple[str, bytes]:
    """Return the METHOD and the calendar file that are mailed with many appointments.

    They are published, cancelled ones too: a REQUEST or CANCEL is about one UID (RFC 5546 §3.2.1, §3.2.2).
    """
    calendar = _calendar()
    calendar.add("method", "PUBLISH")
    for appointment in appointments:
        calendar.add_component(_organized(appointment, for_provider))
    return "PUBLISH", bytes(calendar.to_ical())


def _organized(appointment: Appointment, for_provider: bool) -> Event:
    """Return the event for a mail: the organizer is the site's address, in the provider's name."""
    event = _event(appointment, appointment.client.name if for_provider else appointment.provider.name)
    event.add("organizer", _address(parseaddr(settings.DEFAULT_FROM_EMAIL)[1], appointment.provider.name))
    return event


def _address(email: str, name: str) -> vCalAddress:
    """Return a mail address with a name. Double quotes become single: few programs read what RFC 6868 makes of them."""
    address = vCalAddress("mailto:" + quote(email, safe="@!$'*+-./=^_`{|}~"))
    address.params["CN"] = _one_line(name).replace('"', "'") or email
    return address


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", f"-//{_one_line(site_settings().title)}//scheduler//EN")
    calendar.add("version", "2.0")
    return calendar


def _event(appointment: Appointment, other: str) -> Event:
    """Return the event, for a calendar of whom will meet the person named `other`."""
    event = Event()
    event.add("uid", f"{appointment.uid}@scheduler")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", appointment.updated_at.astimezone(UTC))
    event.add("created", appointment.created_at.astimezone(UTC))
    event.add("last-modified", appointment.updated_at.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", _between(appointment.called, other))
    if appointment.description:
        event.add("description", CONTROLS.sub(" ", appointment.description.replace("\r\n", "\n")))
    event.add("status", STATUSES[AppointmentStatus(appointment.status)].ical)
    return event


def _one_line(text: str) -> str:
    return " ".join(CONTROLS.sub(" ", text).split())


def _between(title: str, name: str) -> str:
    """Return an entry's title: the appointment's and the other person's name, each in its own text direction."""
    return _one_line(f"{isolated(title)} – {isolated(name)}")
