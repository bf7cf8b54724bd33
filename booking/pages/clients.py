"""A provider's clients: their address book, and others who have booked with them."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.clients import operations as people
from accounts.clients.operations import remove_client
from accounts.models import Client
from booking.appointments.clients import clients_of, with_visits
from booking.models import Appointment, Schedule
from booking.pages.forms import ClientForm
from booking.pages.search_forms import ClientSearchForm
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse
from scheduler_project.common.validators import isolated

PAGE = 25


REFUSAL_FIELDS = {"client_exists": "email"}


@provider_page
def clients(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List the address book and the registered clients who have booked; `?q=` narrows the list."""
    form, known = ClientSearchForm(request.GET), clients_of(schedule.provider)
    if form.is_valid():
        wanted = form.cleaned_data["q"]
        rows = known.matching(wanted) if wanted else known
    else:
        wanted, rows = request.GET.get("q", ""), known.none()
    page = Paginator(with_visits(rows, schedule.provider, timezone.now()), PAGE).get_page(request.GET.get("page"))
    return render(
        request, "booking/dashboard/clients.html", {"schedule": schedule, "page": page, "q": wanted, "form": form}
    )


@provider_page
def client(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Show a client: contact details, appointments with this provider, and private notes."""
    row = client_of(schedule, pk)
    appointments = Appointment.objects.detailed().filter(
        reservation__client=row, reservation__provider=schedule.provider
    )
    now = timezone.now()
    past = Paginator(appointments.past(now=now).order_by("-reservation__starts_at", "-pk"), PAGE)
    context = {
        "schedule": schedule,
        "row": row,
        "own": row.owner_id == schedule.provider_id,
        "coming": appointments.coming(now=now).order_by("reservation__starts_at", "pk"),
        "page": past.get_page(request.GET.get("page")),
    }
    return render(request, "booking/dashboard/client.html", context)


@provider_page
def add_client(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    now, form = timezone.now(), ClientForm(request.POST or None, row=Client(timezone=schedule.timezone))

    def save() -> Client:
        return people.add_client(**form.cleaned_data, owner=schedule.provider, actor=actor_of(request), now=now)

    return client_form(request, form, save, {"schedule": schedule})


@provider_page
def edit_client(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Change a client of the provider's own address book, or delete one who never booked."""
    row = client_of(schedule, pk)
    if row.owner_id != schedule.provider_id:
        raise NotFound
    if request.method == "POST" and request.POST.get("do") == "remove":
        remove_client(client_id=row.pk, actor=actor_of(request))
        messages.success(request, _("%s was deleted.") % isolated(row.name))
        return HttpResponseRedirect(reverse("dashboard-clients"))
    form = ClientForm(request.POST or None, row=row)

    def save() -> Client:
        return people.edit_client(client_id=row.pk, changes=form.cleaned_data, actor=actor_of(request))

    return client_form(request, form, save, {"schedule": schedule, "row": row})


def client_of(schedule: Schedule, pk: int) -> Client:
    row = clients_of(schedule.provider).filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def client_form(request: HttpRequest, form: ClientForm, save: Any, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            saved = save()
        except DomainError as refusal:
            refusal.field = REFUSAL_FIELDS.get(refusal.code, refusal.field)
            refuse(form, refusal)
        else:
            messages.success(request, _("%s was saved.") % isolated(saved.name))
            return HttpResponseRedirect(reverse("dashboard-client", args=[saved.pk]))
    return render(request, "booking/dashboard/client_form.html", {**context, "form": form})
