"""What every page of a provider's desk shows: its sections."""

from typing import Any

from django import template
from django.template import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from booking.enums import AppointmentStatus
from booking.models import Appointment

register = template.Library()

SECTIONS = (
    ("desk", _("Today")),
    ("desk-week", _("Calendar")),
    ("desk-requests", _("Requests")),
    ("desk-clients", _("Clients")),
    ("desk-services", _("Services")),
    ("desk-hours", _("Hours")),
    ("desk-time-off", _("Time off")),
    ("desk-reminders", _("Reminders")),
    ("desk-settings", _("Settings")),
)

PART_OF = {
    "desk-day": "desk-week",
    "desk-appointment": "desk-week",
    "desk-book": "desk-week",
    "desk-window": "desk-hours",
    "desk-windows": "desk-hours",
    "desk-message": "desk-reminders",
    "desk-template": "desk-reminders",
    "desk-templates": "desk-reminders",
    "desk-webhook": "desk-reminders",
    "desk-webhooks": "desk-reminders",
    "desk-feed": "desk-settings",
}
"""Pages that belong to a section by another name; else `desk-client-edit` belongs to `desk-clients`."""


@register.inclusion_tag("booking/desk/sections.html", takes_context=True)
def desk_sections(context: RequestContext) -> dict[str, Any]:
    """The sections there are, the one that is shown, and how many requests wait. One query."""
    provider = context["user"].provider_or_none
    pending = Appointment.objects.filter(status=AppointmentStatus.PENDING, reservation__provider=provider)
    view = context["request"].resolver_match.view_name
    sections = [
        {"name": name, "label": label, "url": url, "current": _is_part(view, name)}
        for name, label in SECTIONS
        if (url := _url(name))
    ]
    return {"sections": sections, "waiting": pending.count() if provider else 0}


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_part(view: str, section: str) -> bool:
    for page, belongs_to in PART_OF.items():
        if view == page or view.startswith(f"{page}-"):
            return section == belongs_to
    return view == section or (section != "desk" and view.startswith(f"{section.removesuffix('s')}-"))
