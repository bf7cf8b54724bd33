"""Pages that links lead to, and calendars to subscribe to.

GET shows and POST acts, so that whoever only looks at a link changes nothing (R10).
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import etag, require_safe

from accounts.actors import Actor, Face
from booking import queries
from booking.calendars import to_feed, to_ical
from booking.enums import COMING, AppointmentStatus, ReservationStatus
from booking.errors import HoldExpired, HoldReleased
from booking.links import held_by
from booking.models import Appointment, CalendarFeed, Reservation
from booking.operations import appointments, reservations
from scheduler_project.common.errors import NotFound
from scheduler_project.common.languages import LONG
from scheduler_project.common.pages import secret_page
from scheduler_project.common.times import zone_names

# --- A guest's hold ---------------------------------------------------------------------------------------------------

HEADINGS = {
    AppointmentStatus.PENDING: gettext_lazy("Confirmed; it has yet to be approved"),
    AppointmentStatus.SCHEDULED: gettext_lazy("Your appointment is booked"),
    AppointmentStatus.COMPLETED: gettext_lazy("This appointment is over"),
    AppointmentStatus.MISSED: gettext_lazy("This appointment is over"),
    AppointmentStatus.CANCELLED: gettext_lazy("This appointment was cancelled"),
    AppointmentStatus.DECLINED: gettext_lazy("This appointment was declined"),
}


@secret_page
def hold(request: HttpRequest, token: str) -> HttpResponse:
    """A guest's hold, and once it is confirmed its appointment, in the client's timezone or one they choose."""
    now = timezone.now()
    reservation = reservation_of(token)
    if request.method == "POST":
        act(request.POST.get("do", ""), reservation, now)
        return HttpResponseRedirect(request.get_full_path())
    appointment = appointment_of(reservation)
    if appointment is None:
        check_held(reservation, now)
    else:
        reservation = appointment.reservation
    chosen = request.GET.get("timezone", "")
    zone = ZoneInfo(chosen if chosen in zone_names() else reservation.client.timezone)
    same_day = reservation.starts_at.astimezone(zone).date() == reservation.ends_at.astimezone(zone).date()
    service = reservation.service
    context = {
        "reservation": reservation,
        "appointment": appointment,
        "heading": HEADINGS[AppointmentStatus(appointment.status)] if appointment else _("Please confirm this time"),
        "title": appointment.called if appointment else service.name if service else _("Appointment"),
        "zone": zone.key,
        "zones": sorted(zone_names()),
        "format": LONG,
        "end_format": "H:i" if same_day else LONG,
        "coming": appointment is not None and appointment.status in COMING,
        "file": reverse("hold-ics", args=[token]),
    }
    return render(request, "booking/hold.html", context)


@secret_page
def hold_ics(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar file of a confirmed hold's appointment."""
    appointment = appointment_of(reservation_of(token))
    if appointment is None:
        raise NotFound
    return HttpResponse(
        to_ical(appointment),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


def reservation_of(token: str) -> Reservation:
    """Raises NotFound for a token we did not sign."""
    rows = Reservation.objects.select_related("provider", "client", "service", "appointment")
    reservation = rows.filter(pk=held_by(token)).first()
    if reservation is None:
        raise NotFound
    return reservation


def appointment_of(reservation: Reservation) -> Appointment | None:
    """What was made of a hold, wherever it was moved since."""
    return getattr(reservation, "appointment", None) or queries.moved_from(reservation)


def act(deed: str, reservation: Reservation, now: datetime) -> None:
    """Do as the buttons say, as the client the link was sent to. Anything else is nothing."""
    guest = Actor(None, Face.PAGE, guest=reservation.client)
    if deed == "confirm":
        appointments.confirm(reservation_id=reservation.pk, actor=guest, now=now)
    elif deed == "release":
        reservations.release(reservation_id=reservation.pk, actor=guest, now=now)


def check_held(reservation: Reservation, now: datetime) -> None:
    """Raise HoldReleased or HoldExpired for a hold that is over, tidied up or not."""
    if reservation.status == ReservationStatus.RELEASED:
        raise HoldReleased
    if reservation.status != ReservationStatus.HELD or reservation.expires_at is None or reservation.expires_at <= now:
        raise HoldExpired


# --- Calendars --------------------------------------------------------------------------------------------------------


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """A calendar to subscribe to. Who has it already, by its ETag, is told so without its being written anew."""
    now = timezone.now()
    row = CalendarFeed.objects.readable().select_related("provider", "client").filter(token=token).first()
    if row is None:
        raise Http404
    tag = queries.feed_etag(row, now)

    @etag(lambda *_: tag)
    def answer(request: HttpRequest) -> HttpResponse:
        rows = queries.feed_appointments(row, now).detailed().order_by("reservation__starts_at", "pk")
        return HttpResponse(
            to_feed(row, rows),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": 'inline; filename="calendar.ics"'},
        )

    response = answer(request)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
