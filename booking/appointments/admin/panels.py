"""Booking's panels on the admin's first page. Each appears only to users who may see its rows."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.admin.base import staff
from booking.appointments.permissions import allowed_actions
from booking.appointments.queries import attendance, of_today, outside_hours
from booking.appointments.transitions import AWAITING_APPROVAL
from booking.models import Appointment, Reservation
from scheduler_project.common.admin.panels import Panel, panels

SHOWN = 50
"""The most of today's appointments in the list. The page of the day has them all."""


FEW = 8
"""The most holds, and the most requests for approval, in a list."""


DAYS_BACK = 14


CHART = 40
"""The height of the chart, in its own units."""


TASKS = (
    (gettext_lazy("Book an appointment"), "admin:booking_appointment_add", "booking.add_appointment"),
    (gettext_lazy("Day by provider"), "admin:booking_appointment_day", "booking.view_appointment"),
    (gettext_lazy("Find an appointment"), "admin:booking_appointment_changelist", "booking.view_appointment"),
    (gettext_lazy("Add a client"), "admin:accounts_client_add", "accounts.add_client"),
    (gettext_lazy("Add time off"), "admin:booking_timeoff_add", "booking.add_timeoff"),
    (gettext_lazy("Add closure"), "admin:booking_closure_add", "booking.add_closure"),
    (gettext_lazy("Reports"), "numbers", "booking.view_appointment"),
)


def tasks(request: HttpRequest, now: datetime) -> Panel | None:
    """Return links to the most frequent tasks, and a search for a client."""
    allowed = [(label, reverse(name)) for label, name, right in TASKS if request.user.has_perm(right)]
    searches = request.user.has_perm("accounts.view_client")
    return Panel("admin/panels/tasks.html", {"tasks": allowed, "searches": searches}) if allowed or searches else None


def today(request: HttpRequest, now: datetime) -> Panel | None:
    """Return today's appointments of all providers, with their outcomes."""
    if not request.user.has_perm("booking.view_appointment"):
        return None
    found = list(of_today(now).detailed().select_related("reservation__provider__schedule")[: SHOWN + 1])
    return Panel("admin/panels/today.html", {"lines": _lines(request, found[:SHOWN], now), "more": len(found) > SHOWN})


def waiting(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the appointments that wait for approval."""
    if not request.user.has_perm("booking.view_appointment"):
        return None
    rows = Appointment.objects.awaiting_approval().detailed().select_related("reservation__provider__schedule")
    found = list(rows[: FEW + 1])
    context = {"lines": _lines(request, found[:FEW], now), "more": len(found) > FEW, "status": AWAITING_APPROVAL}
    return Panel("admin/panels/waiting.html", context)


def outside(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the appointments outside the hours, each to be kept, moved or cancelled (R6); no panel if none are."""
    if not request.user.has_perm("booking.view_appointment"):
        return None
    rows = outside_hours(Appointment.objects.detailed().select_related("reservation__provider__schedule"), now)
    found = list(rows.order_by("reservation__starts_at", "pk")[: FEW + 1])
    context = {"lines": _lines(request, found[:FEW], now), "more": len(found) > FEW}
    return Panel("admin/panels/outside.html", context) if found else None


def holds(request: HttpRequest, now: datetime) -> Panel | None:
    """Return the live holds in order of expiry."""
    if not request.user.has_perm("booking.view_reservation"):
        return None
    rows = Reservation.objects.held(now=now).select_related("provider__schedule", "client", "service")
    found = list(rows.order_by("expires_at")[: FEW + 1])
    context = {
        "holds": [(row, int((row.expires_at - now).total_seconds()) // 60) for row in found[:FEW] if row.expires_at],
        "more": len(found) > FEW,
        "acts": request.user.has_perm("booking.change_reservation"),
        "confirms": request.user.has_perms(["booking.change_reservation", "booking.add_appointment"]),
    }
    return Panel("admin/panels/holds.html", context)


def last_days(request: HttpRequest, now: datetime) -> Panel | None:
    """Return a chart of the last days: the appointments of each day, and how many of them were missed."""
    if not request.user.has_perm("booking.view_appointment"):
        return None
    zone = ZoneInfo(request.user.timezone)  # type: ignore[union-attr]
    last = now.astimezone(zone).date()
    counted = attendance([last - timedelta(days=number) for number in reversed(range(DAYS_BACK))], zone)
    context = {
        "bars": _bars(counted),
        "width": DAYS_BACK * 10,
        "height": CHART,
        "appointments": sum(number for number, _missed in counted.values()),
        "missed": sum(missed for _number, missed in counted.values()),
    }
    return Panel("admin/panels/last_days.html", context)


def _bars(counted: dict[date, tuple[int, int]]) -> list[dict[str, Any]]:
    """Return each day as two bars, one upon the other: the missed below, the others above."""
    most = max(1, *(number for number, _missed in counted.values()))
    bars = []
    for place, (day, (number, missed)) in enumerate(counted.items()):
        whole, low = CHART * number // most, CHART * missed // most
        bars.append(
            {
                "day": day,
                "said": _("Appointments: %(number)d, missed: %(missed)d") % {"number": number, "missed": missed},
                "x": place * 10 + 1,
                "top": CHART - whole,
                "height": whole - low,
                "missed_top": CHART - low,
                "missed_height": low,
            }
        )
    return bars


def _lines(request: HttpRequest, found: list[Appointment], now: datetime) -> list[dict[str, Any]]:
    changes = request.user.has_perm("booking.change_appointment")
    actor = staff(request)
    return [
        {
            "appointment": row,
            "zone": row.provider.schedule.timezone,
            "going_on": row.starts_at <= now < row.ends_at,
            "allowed": [str(action) for action in allowed_actions(row, actor, now)] if changes else [],
        }
        for row in found
    ]


panels[:0] = [tasks, today]  # These two take the whole width, so they come before the columns.


panels += [waiting, outside, holds, last_days]
