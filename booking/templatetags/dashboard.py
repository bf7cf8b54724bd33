"""Tags of a provider's dashboard: its sections, which every page shows."""

from datetime import date, datetime
from typing import Any

from django import template
from django.template import RequestContext
from django.template.defaultfilters import date as date_format
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from booking.models import Appointment
from scheduler_project.common.pages.formats import CLOCK, DAY, LONG, WEEKDAY, on

register = template.Library()

SECTIONS = (
    ("dashboard", _("Today")),
    ("dashboard-week", _("Calendar")),
    ("dashboard-requests", _("Requests")),
    ("dashboard-clients", _("Clients")),
    ("dashboard-services", _("Services")),
    ("dashboard-hours", _("Hours")),
    ("dashboard-time-off", _("Time off")),
    ("dashboard-reminders", _("Reminders")),
    ("dashboard-numbers", _("Reports")),
    ("dashboard-settings", _("Settings")),
)

PART_OF = {
    "dashboard-day": "dashboard-week",
    "dashboard-appointment": "dashboard-week",
    "dashboard-book": "dashboard-week",
    "dashboard-window": "dashboard-hours",
    "dashboard-windows": "dashboard-hours",
    "dashboard-message": "dashboard-reminders",
    "dashboard-template": "dashboard-reminders",
    "dashboard-templates": "dashboard-reminders",
    "dashboard-webhook": "dashboard-reminders",
    "dashboard-webhooks": "dashboard-reminders",
    "dashboard-feed": "dashboard-settings",
}
"""The sections of pages whose names do not begin with them. `dashboard-client-edit` belongs to `dashboard-clients`."""


@register.inclusion_tag("booking/dashboard/sections.html", takes_context=True)
def dashboard_sections(context: RequestContext) -> dict[str, Any]:
    """Return the sections, with the present one marked, and the number of requests that wait. One query."""
    provider = context["user"].provider_or_none
    requests = Appointment.objects.filter(reservation__provider=provider).awaiting_approval()
    view = context["request"].resolver_match.view_name
    sections = [
        {"name": name, "label": label, "url": url, "current": _is_part(view, name)}
        for name, label in SECTIONS
        if (url := _url(name))
    ]
    return {"sections": sections, "waiting": requests.count() if provider else 0}


@register.filter(expects_localtime=True)
def day(value: date) -> str:
    """Return a date like “Tuesday, 4 March 2027”."""
    return date_format(value, on(value, DAY))


@register.filter(expects_localtime=True)
def weekday(value: date) -> str:
    """Return a date like “Tue 4 Mar”."""
    return date_format(value, on(value, WEEKDAY))


@register.filter(expects_localtime=True)
def moment(value: datetime) -> str:
    """Return an instant like “Tuesday, 4 March 2027, 13:30”."""
    return date_format(value, on(value, LONG))


@register.filter
def until(start: datetime, end: datetime) -> str:
    """Return a stretch like “13:30 – 14:15”; with the day if it ends on another."""
    return f"{clock(localtime(start))} – {end_after(start, end)}"


@register.filter(expects_localtime=True)
def clock(value: datetime) -> str:
    """Return a time like “13:30”."""
    return date_format(value, str(CLOCK))


@register.filter
def end_after(start: datetime, end: datetime) -> str:
    """Return a time like “14:15”; with its day if it differs from the start's."""
    start, end = localtime(start), localtime(end)
    return date_format(end, str(CLOCK) if start.date() == end.date() else f"D {CLOCK}")


@register.filter
def minutes_to(start: datetime, end: datetime) -> int:
    """Return the number of whole minutes between two instants."""
    return int((end - start).total_seconds()) // 60


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_part(view: str, section: str) -> bool:
    for page, belongs_to in PART_OF.items():
        if view == page or view.startswith(f"{page}-"):
            return section == belongs_to
    one = section.removesuffix("s")
    return view in (section, one) or (section != "dashboard" and view.startswith(f"{one}-"))
