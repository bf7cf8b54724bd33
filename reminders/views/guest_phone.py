"""`/a/<token>/phone/`: verification of a guest's phone by a code, so that text messages go there."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor, Face
from accounts.models import Client
from booking.links import appointment_in
from reminders.forms.mine import CodeForm
from reminders.views.verifying import verify
from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages import secret_page


@secret_page
def phone(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the number given with the booking, and check the code entered."""
    client = Client.objects.filter(reservations__appointment=appointment_in(token)).first()
    if client is None or not client.phone:
        raise NotFound
    actor = Actor(None, Face.PAGE, guest=client)
    form = CodeForm(request.POST if request.POST.get("do") == "verify" else None)
    if request.method == "POST":
        refused = verify(request, client, form, actor=actor, now=timezone.now())
        if refused is not None:
            return refused
        if not form.errors:
            here = request.POST.get("do") == "code"
            return HttpResponseRedirect(request.path if here else reverse("guest", args=[token]))
    context = {"client": client, "form": form, "token": token}
    return render(request, "reminders/guest_phone.html", context)
