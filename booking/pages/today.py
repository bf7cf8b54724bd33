"""A provider's page of today."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from booking.appointments.permissions import allowed_actions
from booking.appointments.queries import outside_hours
from booking.links import booking_link
from booking.models import Appointment, Schedule
from booking.reservations.day import breaks, reservations_of_day
from booking.views.access import actor_of, provider_page
from scheduler_project.common.time.zones import day_interval

REQUESTS_SHOWN = 3


OUTSIDE_SHOWN = 10


@provider_page
def dashboard(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Show today: the next appointment, requests, appointments outside the hours, and free time."""
    now = timezone.now()
    today = now.astimezone(schedule.zone).date()
    mine = Appointment.objects.filter(reservation__provider=schedule.provider).detailed()
    coming = mine.coming(now=now).order_by("reservation__starts_at")
    lines = timeline(request, schedule, now)
    context = {
        "schedule": schedule,
        "today": today,
        "now": now,
        "next": coming.first(),
        "waiting": mine.awaiting_approval()[:REQUESTS_SHOWN],
        "outside": outside_hours(mine, now).order_by("reservation__starts_at")[:OUTSIDE_SHOWN],
        "lines": lines,
        "busy": sum(1 for line in lines if "reservation" in line),
        "address": booking_link(schedule.provider) if schedule.provider.is_published else "",
    }
    return render(request, "booking/dashboard/today.html", context)


def timeline(request: HttpRequest, schedule: Schedule, now: datetime) -> list[dict[str, Any]]:
    """Return today's appointments and holds with their actions, and the free gaps still to come, in order."""
    actor = actor_of(request)
    start, until = day_interval(now.astimezone(schedule.zone).date(), schedule.zone)
    lines: list[dict[str, Any]] = [
        {"starts_at": begins, "ends_at": ends} for begins, ends in breaks(schedule, max(start, now), until, now)
    ]
    for reservation in reservations_of_day(schedule, start, until, now):
        appointment = getattr(reservation, "appointment", None)
        allowed = allowed_actions(appointment, actor, now) if appointment else []
        lines.append(
            {
                "starts_at": reservation.starts_at,
                "ends_at": reservation.ends_at,
                "reservation": reservation,
                "appointment": appointment,
                "allowed": [str(action) for action in allowed],
                "on_now": reservation.starts_at <= now < reservation.ends_at,
            }
        )
    return sorted(lines, key=lambda line: line["starts_at"])
