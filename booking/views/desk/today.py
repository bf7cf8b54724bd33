"""A provider's day."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from booking.models import Schedule
from booking.views.access import desk_page


@desk_page
def desk(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Today: what is next, what waits."""
    return render(request, "booking/desk/today.html", {"schedule": schedule})
