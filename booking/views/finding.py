"""Finding a provider and a free time. Nobody needs to log in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Provider
from scheduler_project.common.pages import page


@page
def home(request: HttpRequest) -> HttpResponse:
    """Find a provider."""
    return render(request, "booking/home.html", {"providers": Provider.objects.published()[:50]})
