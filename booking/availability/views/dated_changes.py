"""Dated changes of a provider's hours: extra hours and time off."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from booking.availability import operations as availability
from booking.availability.forms import TimeOffForm, WindowForm
from booking.availability.queries import ending_after
from booking.availability.views.previewed import action_of, do_if_previewed, with_nearest_times
from booking.models import AvailabilityWindow, Closure, Schedule, TimeOff
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse


@provider_page
def windows(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List coming extra hours, and add some."""
    coming = schedule.windows.filter(ends_at__gt=timezone.now())
    return window_form(request, schedule, None, {"windows": coming})


@provider_page
def window(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Change or remove one stretch of extra hours."""
    row = schedule.windows.select_related("schedule").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return window_form(request, schedule, row, {})


def window_form(
    request: HttpRequest, schedule: Schedule, row: AvailabilityWindow | None, context: dict[str, Any]
) -> HttpResponse:
    arguments: dict[str, Any] = {"actor": actor_of(request), "now": timezone.now()}
    removing = row is not None and action_of(request) == "remove"
    sent = request.POST if request.method == "POST" and not removing else None
    form = WindowForm(schedule, sent, window=row)

    def change() -> availability.AvailabilityChange:
        if row is None:
            return availability.open_window(provider_id=schedule.provider_id, **form.cleaned_data, **arguments)
        if removing:
            return availability.close_window(window=row, **arguments)
        return availability.move_window(window=row, **form.cleaned_data, **arguments)

    if request.method == "POST" and (removing or form.is_valid()):
        try:
            context["tried"] = do_if_previewed(request, change)
        except DomainError as refusal:
            if removing:
                raise
            refuse(form, with_nearest_times(refusal, schedule), WindowForm.refusal_fields)
        else:
            if context["tried"].done:
                return HttpResponseRedirect(reverse("dashboard-windows"))
    template = "booking/dashboard/window.html" if row else "booking/dashboard/windows.html"
    return render(request, template, {**context, "schedule": schedule, "form": form, "row": row})


@provider_page
def time_off(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """List coming time off and closures, and add time off."""
    now = timezone.now()
    own = ending_after(schedule.time_off.all(), now, schedule.zone)
    closures = ending_after(Closure.objects.all(), now, schedule.zone)
    return time_off_form(request, schedule, None, {"absences": own, "closures": closures})


@provider_page
def absence(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Change or remove one absence."""
    row = schedule.time_off.select_related("schedule").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return time_off_form(request, schedule, row, {})


def time_off_form(
    request: HttpRequest, schedule: Schedule, row: TimeOff | None, context: dict[str, Any]
) -> HttpResponse:
    arguments: dict[str, Any] = {"actor": actor_of(request), "now": timezone.now()}
    removing = row is not None and action_of(request) == "remove"
    sent = request.POST if request.method == "POST" and not removing else None
    form = TimeOffForm(schedule, sent, time_off=row)

    def change() -> availability.AvailabilityChange:
        if row is None:
            return availability.take_time_off(provider_id=schedule.provider_id, fields=form.wanted, **arguments)
        if removing:
            return availability.end_time_off(time_off=row, **arguments)
        return availability.change_time_off(time_off=row, fields=form.wanted, **arguments)

    if request.method == "POST" and (removing or form.is_valid()):
        try:
            context["tried"] = do_if_previewed(request, change)
        except DomainError as refusal:
            if removing:
                raise
            refuse(form, refusal)
        else:
            if context["tried"].done:
                return HttpResponseRedirect(reverse("dashboard-time-off"))
    template = "booking/dashboard/absence.html" if row else "booking/dashboard/time_off.html"
    return render(request, template, {**context, "schedule": schedule, "form": form, "row": row})
