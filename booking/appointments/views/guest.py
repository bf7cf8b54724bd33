"""`/a/<token>/`: one appointment for the holder of the link mailed to its client: see, move, cancel."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.appointments.enums import UPCOMING, Action, AppointmentStatus
from booking.appointments.forms import CancelForm
from booking.appointments.permissions import allowed_actions
from booking.appointments.transitions import STATUSES
from booking.appointments.views.cancel import cancel
from booking.appointments.views.move import move_page
from booking.calendars.icalendar import to_ical, web_links
from booking.links import appointment_from_token
from booking.models import Appointment
from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages.base import secret_page, visitor_zone
from scheduler_project.common.time.zones import zone_names


@contextmanager
def in_clients_zone(request: HttpRequest, client: Client) -> Iterator[None]:
    """Show times in the timezone the visitor chose, else in that of the client who was sent the link."""
    requested = request.GET.get("timezone", "")
    zone = ZoneInfo(requested) if requested in zone_names() else visitor_zone(request) or ZoneInfo(client.timezone)
    with timezone.override(zone):
        yield


@secret_page
def appointment(request: HttpRequest, token: str) -> HttpResponse:
    """Show the appointment and what its client may do with it."""
    now = timezone.now()
    made = appointment_of(token)
    guest = Actor(None, Source.PAGE, guest=made.client)
    if request.method == "POST":
        form = CancelForm(request.POST, appointment=made)
        if request.POST.get("do") == "cancel" and form.is_valid():
            cancel(made, form.cleaned_data, actor=guest, now=now)
        return HttpResponseRedirect(request.get_full_path())
    allowed = allowed_actions(made, guest, now)
    with in_clients_zone(request, made.client):
        context: dict[str, Any] = {
            "appointment": made,
            "provider": made.provider,
            "token": token,
            "heading": STATUSES[AppointmentStatus(made.status)].heading,
            "coming": made.status in UPCOMING and made.ends_at > now,
            "may_move": Action.RESCHEDULE in allowed,
            "may_cancel": Action.CANCEL in allowed,
            "form": CancelForm(appointment=made),
            "calendars": web_links(made),
        }
        return render(request, "booking/appointment.html", context)


@secret_page
def appointment_ics(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the appointment's calendar file."""
    return HttpResponse(
        to_ical(appointment_of(token)),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@secret_page
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Move an appointment to a time picked from the calendar."""
    made = appointment_of(token)
    guest = Actor(None, Source.PAGE, guest=made.client)
    with in_clients_zone(request, made.client):
        return move_page(request, made, actor=guest, here=reverse("guest", args=[token]), now=timezone.now())


def appointment_of(token: str) -> Appointment:
    """Return the appointment of a token. Raises NotFound if we did not sign it, or if it has another client now."""
    rows = Appointment.objects.of_link(*appointment_from_token(token)).detailed()
    made = rows.select_related("reservation__provider__schedule", "series").first()
    if made is None:
        raise NotFound
    return made
