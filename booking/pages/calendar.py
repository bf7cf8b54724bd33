"""A provider's calendar: a week or a day."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from booking.models import Schedule
from booking.pages.calendar_layout import laid_out
from booking.views.access import provider_page
from booking.views.dates import asked_date

WEEK = 7


@provider_page
def week(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Show Monday to Sunday of the week of `?date=`."""
    return _calendar(request, schedule, WEEK)


@provider_page
def day(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Show the day `?date=`; it may have 23 or 25 hours."""
    return _calendar(request, schedule, 1)


def _calendar(request: HttpRequest, schedule: Schedule, length: int) -> HttpResponse:
    now = timezone.now()
    today = now.astimezone(schedule.zone).date()
    chosen = asked_date(request) or today
    first = chosen - timedelta(days=chosen.weekday()) if length == WEEK else chosen
    days = [first + timedelta(days=number) for number in range(length)]
    here = reverse("dashboard-week" if length == WEEK else "dashboard-day")
    context = {
        "grid": laid_out(schedule, days, now),
        "schedule": schedule,
        "chosen": chosen,
        "first": first,
        "last": days[-1],
        "today": today,
        "earlier": f"{here}?date={first - timedelta(days=length)}",
        "later": f"{here}?date={first + timedelta(days=length)}",
        "here": here,
        "is_week": length == WEEK,
        "now_shown": first <= today <= days[-1],
    }
    return render(request, "booking/dashboard/calendar.html", context)
