"""Appointments taken over from calendar files (RFC 5545): each VEVENT becomes a row as the CSV has them.

A rule becomes a series. An occurrence that the calendar changed by itself (RECURRENCE-ID) is left out of the series and
becomes an appointment of its own. What has no time of day, no single client, or recurs in a way that ours do not, is
refused with the reason.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from icalendar import Calendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from accounts.models import Provider
from booking.appointments.transitions import FROM_ICAL
from booking.calendars.icalendar import CONTROLS
from booking.imports.lookups import own_uid
from booking.imports.parse import COLUMNS, RRULE
from booking.imports.sheet import APPOINTMENTS, OPTIONS
from booking.models import Appointment
from scheduler_project.common.files.csv_reader import FileRefused, Row, RowRefused, check_number, check_size
from scheduler_project.common.files.imports import Sheet
from scheduler_project.common.time.zones import YEARS, rfc3339, to_utc, zone_names

UNSUPPORTED = ("RDATE", "EXRULE")


def read_calendar(content: bytes, options: dict[str, Any]) -> list[Row]:
    """The events of a calendar file, as rows. Raises FileRefused.

    `options` say whose calendar it is (`provider`, a slug), and the email of the client whom events mean that name
    nobody (`client_email`, may be empty). Times without a zone are read on that provider's clocks.
    """
    check_size(len(content))
    check_number(content.upper().count(b"BEGIN:VEVENT"))
    provider = Provider.objects.select_related("schedule", "user").filter(slug=options.get("provider", "")).first()
    if provider is None:
        raise FileRefused("unknown_provider", _("Choose whose calendar this is."))
    try:
        calendars = Calendar.from_ical(content, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise FileRefused(
            "not_calendar", _("This isn't a calendar file (iCalendar, RFC 5545). Choose an .ics file.")
        ) from error
    events = [(calendar, event) for calendar in calendars for event in calendar.walk("VEVENT")]
    if not events:
        raise FileRefused("file_empty", _("There are no events in this file."))
    rows = []
    for number, (calendar, event) in enumerate(events, start=1):
        row = Row(number, {"provider": provider.slug})
        try:
            row.cells |= _Event(event, provider).cells(str(calendar.get("METHOD", "")), options.get("client_email", ""))
        except (RowRefused, OverflowError) as error:
            row.refusals.append(error if isinstance(error, RowRefused) else _beyond())
            row.cells |= {"reference": str(event.get("UID", ""))[:300], "title": str(event.get("SUMMARY", ""))[:200]}
        rows.append(row)
    _leave_out_exceptions(rows)
    return rows


def _beyond() -> RowRefused:
    """Return the refusal of an event with a time outside the years that datetimes can hold."""
    return RowRefused("year_out_of_range", _("Enter a year from %d to %d.") % (YEARS[0], YEARS[-1]))


def _leave_out_exceptions(rows: list[Row]) -> None:
    """Let each series leave out the dates that are events of their own."""
    own: dict[str, list[str]] = {}
    for row in rows:
        if day := row.cells.pop("exception", ""):
            own.setdefault(row.cells["reference"].rpartition("/")[0], []).append(day)
    for row in rows:
        if row.cells.get("rrule"):
            days = {*row.cells.get("exdates", "").split(), *own.get(row.cells["reference"], [])}
            row.cells["exdates"] = " ".join(sorted(days))


class _Event:
    """Reads one VEVENT. Raises RowRefused for what cannot become an appointment."""

    def __init__(self, event: Any, provider: Provider) -> None:
        self.event, self.provider = event, provider
        self.zone = provider.schedule.zone

    def cells(self, method: str, client_email: str) -> dict[str, str]:
        if self.event.errors:
            name, says = self.event.errors[0]
            raise RowRefused("invalid_event", _("Can't read %(name)s: %(says)s") % {"name": name, "says": says})
        starts_at, zone_name = self._start()
        uid = str(self._one("UID") or "").strip()
        if not uid:
            raise RowRefused("required", _("Every event needs a UID to identify it."), "reference")
        cells = {
            "reference": uid,
            "start": rfc3339(starts_at),
            "timezone": zone_name,
            "end": self._end(starts_at),
            "status": FROM_ICAL.get(
                "CANCELLED" if method.upper() == "CANCEL" else str(self._one("STATUS")).upper(), ""
            ),
        }
        if own_uid(uid) is None:  # Ours begin with the title, and go on with a name.
            cells["title"] = self._line("SUMMARY")
            cells["description"] = CONTROLS.sub(" ", str(self._one("DESCRIPTION") or "").replace("\r\n", "\n")).strip()
        return cells | self._client(client_email) | self._recurrence(uid, zone_name)

    def _one(self, name: str) -> Any:
        value = self.event.get(name)
        if isinstance(value, list):
            raise RowRefused("repeated", _("%s appears more than once in the event.") % name)
        return value

    def _line(self, name: str) -> str:
        return " ".join(CONTROLS.sub(" ", str(self._one(name) or "")).split())

    # --- Time ---

    def _start(self) -> tuple[datetime, str]:
        """Return the start in UTC, and the name of the timezone in the file; "" for floating and UTC times."""
        begins = self._one("DTSTART")
        if begins is None:
            raise RowRefused("required", _("Every event needs a start."), "start")
        return self._instant(begins, "start")

    def _instant(self, written: Any, column: str) -> tuple[datetime, str]:
        value = getattr(written, "dt", None)
        if not isinstance(value, datetime):
            says = _("This is an all-day event. Enter it as time off, or as an appointment with a time.")
            raise RowRefused("all_day", says, column)
        named = str(written.params.get("TZID", ""))
        if not named:
            return (to_utc(value, self.zone) if value.tzinfo is None else value.astimezone(UTC)), ""
        zone_name = named if named in zone_names() else WINDOWS_TO_OLSON.get(named, "")
        if zone_name not in zone_names():
            says = _("“%s” isn't a time zone we know. Use an IANA name such as Europe/Berlin, or UTC.")
            raise RowRefused("unknown_timezone", says % named[:64], column)
        return to_utc(value.replace(tzinfo=None), ZoneInfo(zone_name)), zone_name

    def _end(self, starts_at: datetime) -> str:
        if ends := self._one("DTEND"):
            return rfc3339(self._instant(ends, "end")[0])
        lasts = getattr(self._one("DURATION"), "dt", None)
        return rfc3339(starts_at + lasts) if isinstance(lasts, timedelta) else ""

    # --- Who ---

    def _client(self, otherwise: str) -> dict[str, str]:
        """Whoever takes part beside the provider; rooms do not."""
        kept = self.provider.user.email if self.provider.user else ""
        people = {}
        for person in self._people():
            email = str(person).strip().lower().removeprefix("mailto:")
            if email != kept and str(person.params.get("CUTYPE", "")).upper() not in ("ROOM", "RESOURCE"):
                people[email] = str(person.params.get("CN", "")).strip()
        organizer = str(self._one("ORGANIZER") or "").strip().lower().removeprefix("mailto:")
        if len(people) > 1:
            people.pop(organizer, None)
        if len(people) > 1:
            raise RowRefused(
                "several_clients", _("Several people take part, but an appointment has only one client."), "client"
            )
        if people:
            [(email, name)] = people.items()
            return {"client_email": email, "client_name": "" if "@" in name else name}
        if not otherwise:
            says = _("Nobody else takes part. Choose a client for such events.")
            raise RowRefused("no_client", says, "client_email")
        return {"client_email": otherwise}

    def _people(self) -> Iterator[Any]:
        for name in ("ORGANIZER", "ATTENDEE"):
            value = self.event.get(name)
            yield from value if isinstance(value, list) else [value] if value is not None else []

    # --- Recurrence ---

    def _recurrence(self, uid: str, zone_name: str) -> dict[str, str]:
        if unsupported := next((name for name in UNSUPPORTED if name in self.event), None):
            says = _("It repeats by %s, which we don't support. Enter its dates one by one.")
            raise RowRefused("unsupported_recurrence", says % unsupported)
        own = ZoneInfo(zone_name) if zone_name else self.zone
        if exception := self._one("RECURRENCE-ID"):
            if "RANGE" in exception.params:
                says = _("It changes an occurrence and all later ones. Enter those as a separate series.")
                raise RowRefused("unsupported_recurrence", says)
            instant, _zone = self._instant(exception, "start")
            day = instant.astimezone(own).date().isoformat()
            return {"reference": f"{uid}/{day}", "exception": day}
        rule = self._one("RRULE")
        if rule is None:
            return {}
        days = {day.isoformat() for day in self._exceptions(own)}
        return {"rrule": rule.to_ical().decode(), "exdates": " ".join(sorted(days))}

    def _exceptions(self, own: ZoneInfo) -> Iterator[date]:
        value = self.event.get("EXDATE")
        for group in value if isinstance(value, list) else [value] if value is not None else []:
            for each in group.dts:
                when = each.dt
                if isinstance(when, datetime):
                    named = str(group.params.get("TZID", "")) or (when.tzinfo is not None and "UTC")
                    if named == "UTC":
                        when = when.astimezone(own)
                    yield when.date()
                else:
                    yield when


CALENDAR = Sheet(
    name="calendar",
    model=Appointment,
    title=gettext_lazy("calendar files (.ics)"),
    columns=(*COLUMNS, RRULE),
    permissions=APPOINTMENTS.permissions,
    work=APPOINTMENTS.work,
    parts=APPOINTMENTS.parts,
    read=read_calendar,
    options=OPTIONS,
    suffix="ics",
)
