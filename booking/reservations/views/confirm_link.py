"""`/r/<token>/`: the page behind the link in a guest's mail.

GET shows and POST acts, so that opening or scanning a link changes nothing (R10).
"""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Source
from booking.appointments import operations as appointments
from booking.appointments.queries import moved_from
from booking.appointments.views.guest import in_clients_zone
from booking.availability import search
from booking.links import appointment_token, hold_from_token
from booking.models import Appointment, Reservation
from booking.reservations import guests
from booking.reservations import operations as reservations
from booking.reservations.errors import HoldExpired, HoldReleased
from booking.views.month_picker import labelled_time
from scheduler_project.common.errors import NotFound
from scheduler_project.common.pages.base import secret_page


@secret_page
def hold(request: HttpRequest, token: str) -> HttpResponse:
    """Show a guest's hold, to be confirmed or released. Once it is confirmed, redirect to the appointment."""
    now = timezone.now()
    reservation = reservation_of(token)
    if request.method == "POST":
        do_action(request.POST.get("do", ""), reservation, now)
        return HttpResponseRedirect(request.get_full_path())
    appointment = appointment_of(reservation)
    if appointment is not None:
        return HttpResponseRedirect(reverse("guest", args=[appointment_token(appointment)], query=request.GET or None))
    with in_clients_zone(request, reservation.client):
        try:
            guests.check_held(reservation, now)
        except (HoldExpired, HoldReleased) as refusal:
            return over(request, reservation, refusal, now)
        service = reservation.service
        context = {
            "reservation": reservation,
            "provider": reservation.provider,
            "title": service.name if service else _("Appointment"),
            "now": now,
        }
        return render(request, "booking/hold.html", context)


def over(
    request: HttpRequest, reservation: Reservation, refusal: HoldExpired | HoldReleased, now: datetime
) -> HttpResponse:
    """Show that the hold is over, with the nearest free times."""
    zone = timezone.get_current_timezone()
    free = search.alternatives(reservation.provider_id, reservation.service, reservation.starts_at, now)
    context = {
        "reservation": reservation,
        "provider": reservation.provider,
        "refusal": refusal,
        "nearest": [labelled_time(time, reservation.provider.schedule, zone, dated=True) for time in free],
    }
    return render(request, "booking/hold_ended.html", context, status=refusal.kind.value)


def reservation_of(token: str) -> Reservation:
    """Return the reservation of a token.

    Raises NotFound if we did not sign it, or if the hold has another client now.
    """
    reservation_id, client_id = hold_from_token(token)
    rows = Reservation.objects.select_related("provider__schedule", "client", "service", "appointment")
    reservation = rows.filter(pk=reservation_id, client=client_id).first()
    if reservation is None:
        raise NotFound
    return reservation


def appointment_of(reservation: Reservation) -> Appointment | None:
    """Return the appointment made of a hold, also after a move; None if there is none."""
    return getattr(reservation, "appointment", None) or moved_from(reservation)


def do_action(action: str, reservation: Reservation, now: datetime) -> None:
    """Confirm or release the hold as its client, by the button pressed. Ignore all else."""
    guest = Actor(None, Source.PAGE, guest=reservation.client)
    if action == "confirm":
        appointments.confirm(reservation_id=reservation.pk, actor=guest, now=now)
    elif action == "release":
        reservations.release(reservation_id=reservation.pk, actor=guest, now=now)
