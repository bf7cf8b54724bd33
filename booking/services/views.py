"""The pages of a provider's services: their own, and those of the business they offer."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.models import Schedule, Service
from booking.services import operations
from booking.services.forms import ServiceForm
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse
from scheduler_project.common.validators import isolated


@provider_page
def services(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List the provider's own services, and those of the business with a mark for the ones they offer."""
    provider = schedule.provider
    own = Service.objects.filter(owner=provider).order_by("-is_active", "name", "pk")
    offered = set(provider.services.filter(owner=None).values_list("pk", flat=True))
    shared = [
        {"service": service, "offered": service.pk in offered}
        for service in Service.objects.filter(owner=None, is_active=True)
    ]
    return render(request, "booking/dashboard/services.html", {"schedule": schedule, "own": own, "shared": shared})


@provider_page
def add_service(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    form = ServiceForm(
        request.POST or None, request.FILES or None, row=Service(duration_minutes=schedule.slot_minutes * 2)
    )

    def save(fields: dict[str, Any]) -> None:
        operations.add_service(fields=fields, providers=[schedule.provider_id], actor=actor_of(request))

    return service_form(request, form, save, {"schedule": schedule})


@provider_page
def service(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Change one of the provider's own services, or delete one that was never booked."""
    row = Service.objects.filter(owner=schedule.provider, pk=pk).first()
    if row is None:
        raise NotFound
    if request.method == "POST" and request.POST.get("do") == "remove":
        operations.remove_service(service_id=row.pk, actor=actor_of(request))
        messages.success(request, _("“%s” was deleted.") % isolated(row.name))
        return HttpResponseRedirect(reverse("dashboard-services"))
    now, form = timezone.now(), ServiceForm(request.POST or None, request.FILES or None, row=row)

    def save(fields: dict[str, Any]) -> None:
        operations.edit_service(service_id=row.pk, fields=fields, actor=actor_of(request), now=now)

    return service_form(request, form, save, {"schedule": schedule, "row": row})


def service_form(request: HttpRequest, form: ServiceForm, save: Any, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        changed = (
            {name: form.cleaned_data[name] for name in form.changed_data} if "row" in context else form.cleaned_data
        )
        try:
            save(changed)
        except DomainError as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("“%s” was saved.") % isolated(form.cleaned_data["name"]))
            return HttpResponseRedirect(reverse("dashboard-services"))
    return render(request, "booking/dashboard/service.html", {**context, "form": form})
