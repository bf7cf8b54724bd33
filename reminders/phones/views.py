"""Phone verification, shared by the two pages that request a code."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from accounts.models import Client
from booking.links import appointment_from_token
from booking.models import Appointment
from reminders.phones import operations as phones
from reminders.phones.forms import PhoneCodeForm
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.limits.throttling import site_network
from scheduler_project.common.pages.base import secret_page, too_many


def verify(
    request: HttpRequest, client: Client, form: PhoneCodeForm, *, actor: Actor, now: datetime
) -> HttpResponse | None:
    """Send a code (`do=code`) or check one (`do=verify`). Errors go into the form.

    A user beyond the rate limit gets a page of its own.
    """
    if request.POST.get("do") == "code":
        refused = too_many(request, "code", f"client:{client.pk}")
        if refused is None:
            phones.ask_code(client_id=client.pk, actor=actor, network=site_network(request), now=now)
            messages.info(request, phones.CODE_ASKED)
        return refused
    if form.is_valid():
        try:
            phones.verify_phone(client_id=client.pk, code=form.cleaned_data["code"], actor=actor, now=now)
        except DomainError as error:
            form.add_error("code", str(error.message))
        else:
            messages.success(request, _("Your phone is verified."))
    return None


@secret_page
def phone(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the number given with the booking, and check the code that is entered."""
    client = Client.objects.filter(
        reservations__appointment__in=Appointment.objects.of_link(*appointment_from_token(token))
    ).first()
    if client is None or not client.phone:
        raise NotFound
    actor = Actor(None, Source.PAGE, guest=client)
    form = PhoneCodeForm(request.POST if request.POST.get("do") == "verify" else None)
    if request.method == "POST":
        refused = verify(request, client, form, actor=actor, now=timezone.now())
        if refused is not None:
            return refused
        if not form.errors:
            here = request.POST.get("do") == "code"
            return HttpResponseRedirect(request.path if here else reverse("guest", args=[token]))
    context = {"client": client, "form": form, "token": token}
    return render(request, "reminders/guest_phone.html", context)
