"""A provider's calendar: a week, a day."""

from datetime import date, timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from booking.models import Schedule
from booking.pages.access import desk_page
from booking.pages.calendar_layout import laid_out
from scheduler_project.common.pages.forms import DayField
from scheduler_project.common.time.zones import YEARS

WEEK = 7


@desk_page
def week(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Monday to Sunday of the week with `?date=` in it."""
    return _calendar(request, schedule, WEEK)


@desk_page
def day(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """The day `?date=`, with 23 or 25 hours if it has them."""
    return _calendar(request, schedule, 1)


def _calendar(request: HttpRequest, schedule: Schedule, length: int) -> HttpResponse:
    now = timezone.now()
    today = now.astimezone(schedule.zone).date()
    asked = asked_date(request) or today
    first = asked - timedelta(days=asked.weekday()) if length == WEEK else asked
    days = [first + timedelta(days=number) for number in range(length)]
    here = reverse("desk-week" if length == WEEK else "desk-day")
    context = {
        "grid": laid_out(schedule, days, now),
        "schedule": schedule,
        "asked": asked,
        "first": first,
        "last": days[-1],
        "today": today,
        "earlier": f"{here}?date={first - timedelta(days=length)}",
        "later": f"{here}?date={first + timedelta(days=length)}",
        "here": here,
        "is_week": length == WEEK,
        "now_shown": first <= today <= days[-1],
    }
    return render(request, "booking/desk/calendar.html", context)


def asked_date(request: HttpRequest) -> date | None:
    """The date in the address; None for none, or what is none."""
    try:
        asked = DayField(required=False).clean(request.GET.get("date"))
    except forms.ValidationError:
        return None
    return asked if asked and asked.year in YEARS else None
