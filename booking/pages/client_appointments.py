"""A client's own appointments, to come and past: see, move and cancel."""

from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from accounts.models import Client
from booking.appointments.enums import Action, Event
from booking.appointments.forms import CancelForm
from booking.appointments.models import events_for_client
from booking.appointments.permissions import allowed_actions
from booking.appointments.views import cancel as cancelling
from booking.appointments.views.move import move_page
from booking.calendars.icalendar import web_links
from booking.models import Appointment
from booking.views.access import actor_of, client_page
from scheduler_project.common.errors import NotFound

PER_PAGE = 20


MOST_COMING = 200
"""The most coming appointments on one page. A series may have many."""


@client_page
def upcoming(request: HttpRequest, client: Client) -> HttpResponse:
    """List the client's coming appointments by day."""
    now = timezone.now()
    rows = Appointment.objects.filter(reservation__client=client).coming(now=now).detailed()
    coming = rows.order_by("reservation__starts_at", "pk")[:MOST_COMING]
    days = groupby(with_actions(request, coming, now), lambda row: localdate(row["appointment"].starts_at))
    context = {"days": [(day, list(rows)) for day, rows in days], "tab": "coming"}
    return render(request, "booking/client/appointments.html", context)


@client_page
def past(request: HttpRequest, client: Client) -> HttpResponse:
    """List the client's past, cancelled and declined appointments; the latest first."""
    now = timezone.now()
    over = Appointment.objects.filter(reservation__client=client).exclude(pk__in=coming_ids(client, now)).detailed()
    page = Paginator(over.order_by("-reservation__starts_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": with_actions(request, page, now), "tab": "past"}
    return render(request, "booking/client/past.html", context)


def coming_ids(client: Client, now: datetime) -> Any:
    return Appointment.objects.filter(reservation__client=client).coming(now=now).order_by().values("pk")


def with_actions(request: HttpRequest, appointments: Any, now: datetime) -> list[dict[str, Any]]:
    """Return each appointment with the actions that its client may take."""
    actor = actor_of(request)
    return [{"appointment": row, "allowed": allowed_actions(row, actor, now)} for row in appointments]


def own(client: Client, pk: int) -> Appointment:
    """Return an appointment of the client. Raises NotFound."""
    rows = Appointment.objects.filter(reservation__client=client).detailed().select_related("series")
    appointment = rows.filter(pk=pk).first()
    if appointment is None:
        raise NotFound
    return appointment


@client_page
def appointment(request: HttpRequest, client: Client, pk: int) -> HttpResponse:
    """Show an appointment, its history, and the actions that the client may take."""
    now = timezone.now()
    row = own(client, pk)
    others = Appointment.objects.none()
    if row.series_id:
        others = Appointment.objects.filter(series=row.series_id).coming(now=now).exclude(pk=pk)
    context = {
        "appointment": row,
        "allowed": allowed_actions(row, actor_of(request), now),
        "coming": row.ends_at > now,
        "history": [(Event(event.event).label, event.at) for event in events_for_client(row.events.all())],
        "others": others.select_related("reservation").order_by("reservation__starts_at")[:PER_PAGE],
        "calendars": web_links(row),
    }
    return render(request, "booking/client/appointment.html", context)


@client_page
def move(request: HttpRequest, client: Client, pk: int) -> HttpResponse:
    """Move an appointment to a time picked from the calendar."""
    here = reverse("my-appointment", args=[pk])
    return move_page(request, own(client, pk), actor=actor_of(request), here=here, now=timezone.now())


@client_page
def cancel(request: HttpRequest, client: Client, pk: int) -> HttpResponse:
    """Cancel an appointment, after asking for confirmation and a reason."""
    now = timezone.now()
    row = own(client, pk)
    form = CancelForm(request.POST if request.method == "POST" else None, appointment=row)
    if request.method == "POST" and form.is_valid():
        number = cancelling.cancel(row, form.cleaned_data, actor=actor_of(request), now=now)
        one = _("Your appointment has been cancelled. We've notified the provider.")
        more = _("%d of your appointments have been cancelled. We've notified the provider.")
        messages.success(request, one if number == 1 else more % number)
        return HttpResponseRedirect(reverse("my-appointment", args=[pk]))
    allowed = Action.CANCEL in allowed_actions(row, actor_of(request), now)
    return render(request, "booking/client/cancel.html", {"appointment": row, "form": form, "cancellable": allowed})
