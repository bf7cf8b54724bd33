"""The figures counted in plain Python, row by row and minute by minute, with none of the tested code."""

import math
from collections import Counter
from datetime import datetime, timedelta

from booking.appointments.enums import Event
from booking.availability.hours import open_hours
from booking.models import Appointment, AppointmentEvent, Reservation, Schedule
from reminders.models import Message
from tests.factories import minutes

STARTING = ("appointments", "missed", "missed_rate", "booked_minutes")
OFFERED = (*STARTING, "offered_minutes", "utilisation")
STATUSES = ("pending", "scheduled", "completed", "missed", "cancelled", "declined")
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
    """Return the quartiles: of the sorted values, those at a quarter, a half and three quarters."""
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


class Count:
    """The expected answer of `/api/analytics` for some local dates, without names and parameters."""

    def __init__(self, zone, dates, now, *, provider=None, service=None):
        self.zone, self.dates, self.now = zone, dates, now
        self.provider, self.service = provider, service
        self.total = Bin()
        self.days, self.providers, self.services, self.weekdays, self.hours = (Bins() for _ in range(5))
        self.leads, self.notices = [], []

    def within(self, instant):
        return instant.astimezone(self.zone).date() in self.dates

    def asked(self, reservation):
        return (self.provider is None or reservation.provider_id == self.provider.pk) and (
            self.service is None or reservation.service_id == self.service.pk
        )

    def add(self, name, instant, provider, *services, clock=True):
        local = instant.astimezone(self.zone)
        places = [self.total, self.days[local.date()], self.providers[provider]]
        places += [self.services[service] for service in services]
        if clock:
            places += [self.weekdays[local.weekday()], self.hours[local.hour]]
        for place in places:
            place.count[name] += 1

    def appointments(self):
        for row in Appointment.objects.select_related("reservation"):
            reservation = row.reservation
            whose = (reservation.provider_id, reservation.service_id)
            if not self.asked(reservation):
                continue
            if self.within(reservation.starts_at):
                self.add(row.status, reservation.starts_at, *whose)
            if reservation.status == "confirmed":
                for minute in filter(self.within, each_minute(reservation.blocked_from, reservation.blocked_until)):
                    self.add("booked_minutes", minute, *whose)
            if self.within(row.created_at) and "past" not in reservation.overrides:
                self.add("bookings", row.created_at, *whose, clock=False)
                self.leads.append((reservation.starts_at - row.created_at) // timedelta(hours=1))

    def cancellations(self):
        for event in AppointmentEvent.objects.filter(event=Event.CANCELLED).select_related("appointment__reservation"):
            reservation = event.appointment.reservation
            whose = (reservation.provider_id, reservation.service_id)
            if not self.asked(reservation) or not self.within(event.at) or "past" in reservation.overrides:
                continue
            notice = reservation.starts_at - event.at
            self.add("cancellations", event.at, *whose, clock=False)
            if notice < timedelta(days=1):
                self.add("late_cancellations", event.at, *whose, clock=False)
            self.notices.append(max(notice, timedelta()) // timedelta(hours=1))

    def offers(self):
        start = datetime.combine(min(self.dates), datetime.min.time(), self.zone) - timedelta(days=2)
        until = start + timedelta(days=len(self.dates) + 4)
        published = Schedule.objects.filter(provider__is_active=True, provider__is_approved=True)
        for schedule in [self.provider.schedule] if self.provider else published:
            for hours in open_hours(schedule, start, until):
                for minute in filter(self.within, each_minute(*hours)):
                    self.add("offered_minutes", minute, schedule.provider_id)

    def told(self):
        self.appointments()
        self.cancellations()
        self.offers()
        made = Reservation.objects.exclude(expires_at=None)
        holds = Counter(outcome(row, self.now) for row in made if self.asked(row) and self.within(row.created_at))
        reminders = Counter(
            row.status
            for row in Message.objects.filter(kind="reminder").select_related("reservation")
            if self.asked(row.reservation) and self.within(row.due_at)
        )
        count = self.total.count
        return {
            "sent_reminders": reminders["sent"],
            "failed_reminders": reminders["failed"],
            "upcoming_reminders": reminders["pending"],
            "appointments_by_status": {status: count[status] for status in STATUSES},
            "bookings": count["bookings"],
            "cancellations": {
                "count": count["cancellations"],
                "late": count["late_cancellations"],
                "late_share": ratio(count["late_cancellations"], count["cancellations"]),
                "notice_hours": spread(self.notices),
            },
            "holds": {
                "held": holds.total(),
                **{name: holds[name] for name in ("confirmed", "expired", "released", "open")},
                "confirmed_share": ratio(holds["confirmed"], holds.total() - holds["open"]),
            },
            "lead_time_hours": spread(self.leads),
            **self.total.told(("missed_rate", "booked_minutes", "offered_minutes", "utilisation")),
            "by_day": [{"date": day, **self.days[day].told((*DONE, *OFFERED))} for day in sorted(self.dates)],
            "by_provider": {pk: place.told((*DONE, *OFFERED)) for pk, place in self.providers.items()},
            "by_service": {pk: place.told((*DONE, *STARTING)) for pk, place in self.services.items()},
            "by_weekday": [{"weekday": day, **self.weekdays[day].told(OFFERED)} for day in range(7)],
            "by_hour": [{"hour": hour, **self.hours[hour].told(OFFERED)} for hour in range(24)],
        }


def outcome(row, now):
    if row.status == "confirmed":
        return "confirmed"
    if row.status == "released":
        moved = AppointmentEvent.objects.filter(event__in=("rescheduled", "reassigned"), details__reservation=row.pk)
        return "confirmed" if Appointment.objects.filter(reservation=row).exists() or moved.exists() else "released"
    return "expired" if row.status == "expired" or row.expires_at <= now else "open"


def each_minute(start, until):
    while start < until:
        yield start
        start += minutes(1)
