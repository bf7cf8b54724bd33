"""The page with appointments that wait for a provider's approval."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from booking.models import Appointment, Schedule
from booking.views.access import provider_page

MOST = 50


@provider_page
def requests(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Show the requests, the nearest first. One click approves or declines each."""
    mine = Appointment.objects.filter(reservation__provider=schedule.provider_id)
    waiting = mine.awaiting_approval().detailed()[:MOST]
    return render(request, "booking/dashboard/requests.html", {"waiting": waiting, "now": timezone.now()})
