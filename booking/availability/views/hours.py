"""A provider's weekly hours, and the hours of single dates."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date

from booking.availability import operations as availability
from booking.availability.forms import BLANK, DateForm, DayTimes, WeekForm, edited, rows_of, sent_rows
from booking.availability.views.previewed import action_of, do_if_previewed
from booking.models import DateOverride, Schedule
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse

CHANGES = ("save", "remove")
"""Actions that are previewed and saved; all others only edit the form."""


@provider_page
def hours(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Edit the weekly hours, any number of stretches a day. Adding, removing and copying change the form only."""
    now, action = timezone.now(), action_of(request)
    rows = WeekForm.rows_sent(request.POST) if request.method == "POST" else WeekForm.rows_of(schedule)
    context: dict[str, Any] = {"schedule": schedule, "overrides": coming_overrides(schedule, now.date())}
    form = WeekForm(schedule, rows, sent=action == "save")
    if request.method == "POST" and action != "save":
        _verb, _dash, key = action.partition("-")
        form = WeekForm(schedule, edited(rows, action, request.POST.getlist(f"to-{key}")), action=action)
    elif request.method == "POST" and form.is_valid():
        try:
            context["tried"] = do_if_previewed(
                request,
                lambda: availability.set_working_hours(
                    provider_id=schedule.provider_id,
                    hours=form.hours,
                    actor=actor_of(request),
                    now=now,
                ),
            )
        except DomainError as refusal:
            context["refusal"] = refusal
        else:
            if context["tried"].done:
                return HttpResponseRedirect(request.path)
    return render(request, "booking/dashboard/hours.html", {**context, "form": form})


def coming_overrides(schedule: Schedule, today: date) -> list[dict[str, Any]]:
    """Return the date overrides from today on."""
    rows = schedule.date_overrides.filter(date__gte=today)
    return [{"date": row.date, "hours": rows_of(row)} for row in rows]


@provider_page
def single_date(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Edit the hours of one date (`?date=`), in place of the weekly ones that begin on it; none: closed."""
    now, action = timezone.now(), action_of(request)
    chosen = override_of(schedule, request.GET.get("date", ""))
    rows = sent_rows(request.POST, "day") if request.method == "POST" else rows_of(chosen) if chosen else [BLANK]
    typed = request.POST.get("date") or request.GET.get("date")
    form = DateForm(request.POST if action == "save" else None, initial={"date": typed})
    context: dict[str, Any] = {"schedule": schedule, "chosen": chosen}
    if request.method == "POST" and action not in CHANGES:
        rows = edited({"day": rows}, action)["day"]
    stretches = DayTimes("day", rows, slot_minutes=schedule.slot_minutes, sent=action == "save", action=action)
    valid = action == "remove" or (action == "save" and form.is_valid() and stretches.is_valid())
    if request.method == "POST" and valid:
        arguments: dict[str, Any] = {"actor": actor_of(request), "now": now}

        def change() -> availability.AvailabilityChange:
            if action == "save":
                return availability.set_date_override(
                    provider_id=schedule.provider_id,
                    day=form.cleaned_data["date"],
                    hours=stretches.hours,
                    **arguments,
                )
            if chosen is None:
                raise NotFound
            return availability.clear_date_override(override=chosen, **arguments)

        try:
            context["tried"] = do_if_previewed(request, change)
        except DomainError as refusal:
            if action != "save":
                raise
            refuse(form, refusal)
        else:
            if context["tried"].done:
                return HttpResponseRedirect(reverse("dashboard-hours"))
    return render(request, "booking/dashboard/date.html", {**context, "form": form, "stretches": stretches})


def override_of(schedule: Schedule, text: str) -> DateOverride | None:
    """Return the override of a date; None if it has none."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return schedule.date_overrides.select_related("schedule").filter(date=day).first() if day else None
