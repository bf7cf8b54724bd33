"""The figures counted again in plain Python, row by row and minute by minute, with nothing of what is tested."""

import math
from collections import Counter
from datetime import datetime, timedelta

from booking.enums import Event
from booking.models import Appointment, AppointmentEvent, Reservation, Schedule
from booking.queries import open_hours
from reminders.models import Message
from tests.factories import minutes

STARTING = ("appointments", "missed", "missed_rate", "booked_minutes")
OFFERED = (*STARTING, "offered_minutes", "utilisation")
DONE = ("bookings", "cancellations", "late_cancellations")


class Bin:
    def __init__(self):
        self.count = Counter()

    def told(self, names):
        count = self.count
        rates = {
            "appointments": sum(count[name] for name in ("pending", "scheduled", "completed", "missed")),
            "missed_rate": ratio(count["missed"], count["missed"] + count["completed"]),
            "utilisation": ratio(count["booked_minutes"], count["offered_minutes"]),
        }
        return {name: rates.get(name, count[name]) for name in names}


class Bins(dict):
    def __missing__(self, key):
        self[key] = Bin()
        return self[key]


def ratio(part, whole):
    return round(part / whole, 4) if whole else None


def spread(values):
    """Quartiles: of the sorted values, those at a quarter, a half and three quarters."""
    ranked = sorted(values)
    if not ranked:
        return None
    return dict(
        zip(
            ("lower", "median", "upper"),
            (ranked[math.ceil(len(ranked) * quarters / 4) - 1] for quarters in (1, 2, 3)),
            strict=True,
        )
    )


def counted(zone, dates, now, *, provider=None, service=None):
    """What `/api/analytics` should say of these local dates, but for names and what was asked."""

    def within(instant):
        return instant.astimezone(zone).date() in dates

    def asked(reservation):
        return (provider is None or reservation.provider_id == provider.pk) and (
            service is None or reservation.service_id == service.pk
        )

    days, providers, services, weekdays, hours = Bins(), Bins(), Bins(), Bins(), Bins()
    total = Bin()

    def add(reservation, instant, name, *, clock=True):
        local = instant.astimezone(zone)
        places = [total, days[local.date()], providers[reservation.provider_id], services[reservation.service_id]]
        if clock:
            places += [weekdays[local.weekday()], hours[local.hour]]
        for place in places:
            place.count[name] += 1

    leads, notices = [], []
    appointments = [row for row in Appointment.objects.select_related("reservation") if asked(row.reservation)]
    for row in appointments:
        reservation = row.reservation
        if within(reservation.starts_at):
            add(reservation, reservation.starts_at, row.status)
        if reservation.status == "confirmed":
            for minute in each_minute(reservation.blocked_from, reservation.blocked_until):
                if within(minute):
                    add(reservation, minute, "booked_minutes")
        if within(row.created_at):
            add(reservation, row.created_at, "bookings", clock=False)
            leads.append((reservation.starts_at - row.created_at) // timedelta(hours=1))
    for event in AppointmentEvent.objects.filter(event=Event.CANCELLED).select_related("appointment__reservation"):
        reservation = event.appointment.reservation
        if asked(reservation) and within(event.at):
            notice = reservation.starts_at - event.at
            add(reservation, event.at, "cancellations", clock=False)
            if notice < timedelta(days=1):
                add(reservation, event.at, "late_cancellations", clock=False)
            notices.append(max(notice, timedelta()) // timedelta(hours=1))
    calendars = Schedule.objects.filter(provider__is_active=True, provider__is_approved=True)
    for schedule in [provider.schedule] if provider else calendars:
        start = datetime.combine(min(dates), datetime.min.time(), zone) - timedelta(days=2)
        for opened, closed in open_hours(schedule, start, start + timedelta(days=len(dates) + 4)):
            for minute in each_minute(opened, closed):
                if within(minute):
                    local = minute.astimezone(zone)
                    for place in (
                        total,
                        days[local.date()],
                        providers[schedule.provider_id],
                        weekdays[local.weekday()],
                        hours[local.hour],
                    ):
                        place.count["offered_minutes"] += 1

    holds = Counter(outcome(row, now) for row in Reservation.objects.exclude(expires_at=None) if asked(row) and within(row.created_at))
    reminders = Counter(
        row.status
        for row in Message.objects.filter(kind="reminder").select_related("reservation")
        if asked(row.reservation) and within(row.due_at)
    )
    statuses = ("pending", "scheduled", "completed", "missed", "cancelled", "declined")
    ended = holds.total() - holds["open"]
    return {
        "sent_reminders": reminders["sent"],
        "failed_reminders": reminders["failed"],
        "upcoming_reminders": reminders["pending"],
        "appointments_by_status": {status: total.count[status] for status in statuses},
        "bookings": total.count["bookings"],
        "cancellations": {
            "count": total.count["cancellations"],
            "late": total.count["late_cancellations"],
            "late_share": ratio(total.count["late_cancellations"], total.count["cancellations"]),
            "notice_hours": spread(notices),
        },
        "holds": {
            "held": holds.total(),
            **{name: holds[name] for name in ("confirmed", "expired", "released", "open")},
            "confirmed_share": ratio(holds["confirmed"], ended),
        },
        "lead_time_hours": spread(leads),
        **total.told(("missed_rate", "booked_minutes", "offered_minutes", "utilisation")),
        "by_day": [{"date": day, **days[day].told((*DONE, *OFFERED))} for day in sorted(dates)],
        "by_provider": {pk: place.told((*DONE, *OFFERED)) for pk, place in providers.items()},
        "by_service": {pk: place.told((*DONE, *STARTING)) for pk, place in services.items()},
        "by_weekday": [{"weekday": day, **weekdays[day].told(OFFERED)} for day in range(7)],
        "by_hour": [{"hour": hour, **hours[hour].told(OFFERED)} for hour in range(24)],
    }


def outcome(row, now):
    if row.status == "confirmed":
        return "confirmed"
    if row.status == "released":
        moved = AppointmentEvent.objects.filter(event=Event.RESCHEDULED, details__reservation=row.pk)
        return "confirmed" if Appointment.objects.filter(reservation=row).exists() or moved.exists() else "released"
    return "expired" if row.status == "expired" or row.expires_at <= now else "open"


def each_minute(start, until):
    while start < until:
        yield start
        start += minutes(1)
