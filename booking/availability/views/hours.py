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
from booking.availability.views.previewed import deed_of, do_if_previewed
from booking.models import DateOverride, Schedule
from booking.pages.access import actor_of, desk_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.forms import refuse

CHANGES = ("save", "remove")
"""Actions that are previewed and saved; all others only edit the form."""


@desk_page
def hours(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """The weekly hours, any number of stretches a day. Adding, removing and copying change the form only."""
    now, deed = timezone.now(), deed_of(request)
    rows = WeekForm.rows_sent(request.POST) if request.method == "POST" else WeekForm.rows_of(schedule)
    context: dict[str, Any] = {"schedule": schedule, "overrides": coming_overrides(schedule, now.date())}
    form = WeekForm(schedule, rows, sent=deed == "save")
    if request.method == "POST" and deed != "save":
        _verb, _dash, key = deed.partition("-")
        form = WeekForm(schedule, edited(rows, deed, request.POST.getlist(f"to-{key}")), deed=deed)
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
    return render(request, "booking/desk/hours.html", {**context, "form": form})


def coming_overrides(schedule: Schedule, today: date) -> list[dict[str, Any]]:
    """The dates from today on that have hours of their own."""
    rows = schedule.date_overrides.filter(date__gte=today)
    return [{"date": row.date, "hours": rows_of(row)} for row in rows]


@desk_page
def single_date(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """The hours of one date (`?date=`), replacing the weekly ones that begin on it; none: closed."""
    now, deed = timezone.now(), deed_of(request)
    chosen = override_of(schedule, request.GET.get("date", ""))
    rows = sent_rows(request.POST, "day") if request.method == "POST" else rows_of(chosen) if chosen else [BLANK]
    typed = request.POST.get("date") or request.GET.get("date")
    form = DateForm(request.POST if deed == "save" else None, initial={"date": typed})
    context: dict[str, Any] = {"schedule": schedule, "chosen": chosen}
    if request.method == "POST" and deed not in CHANGES:
        rows = edited({"day": rows}, deed)["day"]
    stretches = DayTimes("day", rows, slot_minutes=schedule.slot_minutes, sent=deed == "save", deed=deed)
    valid = deed == "remove" or (deed == "save" and form.is_valid() and stretches.is_valid())
    if request.method == "POST" and valid:
        asked: dict[str, Any] = {"actor": actor_of(request), "now": now}

        def change() -> availability.Change:
            if deed == "save":
                return availability.set_date_override(
                    provider_id=schedule.provider_id,
                    day=form.cleaned_data["date"],
                    hours=stretches.hours,
                    **asked,
                )
            if chosen is None:
                raise NotFound
            return availability.clear_date_override(override=chosen, **asked)

        try:
            context["tried"] = do_if_previewed(request, change)
        except DomainError as refusal:
            if deed != "save":
                raise
            refuse(form, refusal)
        else:
            if context["tried"].done:
                return HttpResponseRedirect(reverse("desk-hours"))
    return render(request, "booking/desk/date.html", {**context, "form": form, "stretches": stretches})


def override_of(schedule: Schedule, text: str) -> DateOverride | None:
    """The hours of a date as they are, if it has its own."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return schedule.date_overrides.select_related("schedule").filter(date=day).first() if day else None
