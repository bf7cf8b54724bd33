"""A client's own appointments."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Client
from booking.views.access import client_page


@client_page
def mine(request: HttpRequest, client: Client) -> HttpResponse:
    """What is to come and what is past."""
    return render(request, "booking/mine.html", {"client": client})
