"""A provider gives an appointment to another client."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.appointments.choosing import refuse_with_alternatives
from booking.appointments.clients import clients_of
from booking.appointments.enums import Action, Event
from booking.appointments.forms import NextClientForm, found_clients
from booking.appointments.messages import with_notification_note
from booking.appointments.operations import change
from booking.appointments.permissions import allowed_actions
from booking.appointments.views.appointment import own_appointment
from booking.models import Schedule
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError


@provider_page
def next_client(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Find a client (`?search=`) and give them the appointment."""
    now = timezone.now()
    shown = own_appointment(schedule, pk)
    here = reverse("dashboard-appointment", args=[pk])
    if Action.REASSIGN not in allowed_actions(shown, actor_of(request), now):
        messages.error(request, _("You can no longer change this appointment's client."))
        return HttpResponseRedirect(here)
    form = NextClientForm(request.POST if request.method == "POST" else None, clients=clients_of(schedule.provider))
    if request.method == "POST" and form.is_valid():
        client = form.cleaned_data["client"]
        try:
            changed = change(appointment_id=pk, client_id=client.pk, actor=actor_of(request), now=now)
        except DomainError as error:
            refuse_with_alternatives(form, error)
        else:
            messages.success(request, with_notification_note(_("Client changed."), changed, Event.REASSIGNED))
            return HttpResponseRedirect(here)
    words = NextClientForm.words_in(request)
    clients = [each for each in found_clients(schedule.provider, words) if each.pk != shown.client.pk]
    context = {"schedule": schedule, "appointment": shown, "form": form, "clients": clients, "words": words}
    return render(request, "booking/dashboard/next_client.html", context)
