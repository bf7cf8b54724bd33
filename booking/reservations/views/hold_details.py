"""The details of a time that was just held: a visitor gives theirs and is mailed a link, a login confirms here.

The address holds a signed token that allows entering details and nothing else. A visitor's requests rely on it alone,
never on cookies, which browsers keep from frames. Only the hold of a registered client needs their login.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.actors import Actor, Source
from accounts.clients.fields import GUEST_FIELDS
from accounts.models import Client
from booking.appointments import operations as appointments
from booking.appointments.enums import AppointmentStatus
from booking.appointments.errors import TooManyAppointments
from booking.appointments.transitions import STATUSES
from booking.availability import search
from booking.links import details_token, hold_from_details_token, visitor_from_token, visitor_token
from booking.models import Reservation
from booking.reservations import guests
from booking.reservations import operations as reservations
from booking.reservations.enums import ReservationStatus
from booking.reservations.errors import HoldExpired, HoldReleased, TimeUnavailable, TooManyHolds
from booking.reservations.forms import DetailsForm, NoteForm
from booking.reservations.guests import VISITOR_KEPT
from booking.views.access import actor_of
from booking.views.embedding import framed, let_embed
from booking.views.forms import ChosenForm
from booking.views.month_picker import Time, alternatives_in, in_chosen_zone, labelled_time
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.limits.throttling import site_network
from scheduler_project.common.pages.base import embedded, secret_page, too_many, too_many_mails

REMEMBERED = timedelta(hours=1)
"""The time after the end of a hold for which its page still shows the details entered."""


VISITOR = "visitor"
"""The parameter, in frames without cookies, that names the client for whom a visitor's holds are counted."""


def hold(
    request: HttpRequest,
    *,
    provider_id: int,
    service_id: int | None,
    starts_at: datetime,
    visitor: str,
    now: datetime,
    as_visitor: bool = False,
) -> Reservation:
    """Hold a time for the client who is logged in, else for a visitor. It replaces their undecided hold."""
    own = None if as_visitor else own_client(request)
    if own is not None:
        return reservations.pick(
            provider_id=provider_id,
            client_id=own.pk,
            service_id=service_id,
            starts_at=starts_at,
            actor=actor_of(request),
            now=now,
            network=site_network(request),
        )
    return guests.hold_as_visitor(
        provider_id=provider_id,
        service_id=service_id,
        starts_at=starts_at,
        visitor=visitor,
        timezone=timezone.get_current_timezone_name(),
        now=now,
        network=site_network(request),
    )


def own_client(request: HttpRequest) -> Client | None:
    client: Client | None = getattr(request.user, "client_or_none", None)
    return client


def visitor_of(request: HttpRequest) -> str | None:
    """Return the reference of this visitor's client, from a cookie or, in a frame, from the address."""
    visitor_key = request.GET.get(VISITOR) if embedded(request) else None
    return visitor_from_token(visitor_key or request.COOKIES.get(settings.VISITOR_COOKIE_NAME, ""))


def remember_visitor(response: HttpResponse, visitor: str) -> HttpResponse:
    response.set_cookie(
        settings.VISITOR_COOKIE_NAME,
        visitor_token(visitor),
        max_age=VISITOR_KEPT,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def own_holds(request: HttpRequest, now: datetime) -> list[Reservation]:
    """Return the present holds of the visitor or client, by start."""
    own, visitor = own_client(request), visitor_of(request)
    if own is None and visitor is None:
        return []
    whose = Q(client=own) if own else Q(client__in=guests.visitors(visitor or ""))
    held = Reservation.objects.held(now=now).filter(whose)
    return list(held.select_related("provider", "service").order_by("starts_at"))


def shown_holds(request: HttpRequest, held: Iterable[Reservation]) -> list[dict[str, Any]]:
    """Return holds, each with the address of the page that confirms or releases it."""
    return [{"reservation": one, "path": details_path(request, one)} for one in held]


def kept_in_address(request: HttpRequest) -> dict[str, str]:
    """Return the parameters for the next page's address: the frame, the visitor's token, and the chosen timezone."""
    return {name: request.GET[name] for name in ("embed", VISITOR, "timezone") if name in request.GET}


def details_path(request: HttpRequest, held: Reservation) -> str:
    """Return the address of the page that asks for the details of a hold."""
    return reverse("details", args=[details_token(held)], query=kept_in_address(request))


def chooser_path(request: HttpRequest, held: Reservation) -> str:
    """Return the address at which to choose another time."""
    where = [held.provider.slug, *([held.service_id] if held.service_id else [])]
    return reverse("choose", args=where, query=kept_in_address(request))


@csrf_exempt
@framed
@secret_page
def details(request: HttpRequest, token: str) -> HttpResponse:
    """Show a hold, the time left, and the form for the client's details.

    A visitor's form has no CSRF token: an attacker who can make a browser post it has the address, and so could post it
    themselves. A registered client acts by their session and needs a token.
    """
    rows = Reservation.objects.select_related("provider__schedule", "client", "service", "appointment")
    held = rows.filter(pk=hold_from_details_token(token)).first()
    if held is None:
        raise NotFound
    with in_chosen_zone(request):
        if held.client.user_id is None:
            let_embed(request, held.provider)
            return visitors(request, held)
        if held.client.user_id != request.user.pk:
            return redirect_to_login(request.get_full_path())
        return csrf_protect(registered)(request, held)


def visitors(request: HttpRequest, held: Reservation) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        return show(request, held, DetailsForm(initial=known_of(held, now)), now)
    action = request.POST.get("do")
    if action == "release":
        reservations.release(reservation_id=held.pk, actor=Actor(None, Source.PAGE, guest=held.client), now=now)
        return HttpResponseRedirect(chooser_path(request, held))
    form = DetailsForm(request.POST)
    if "at" in request.POST:
        return hold_instead(request, held, form, now)
    if action == "look":  # the hold expired: show again what was typed
        form = DetailsForm(initial=request.POST.dict())
    elif form.is_valid():
        with suppress(HoldExpired):
            return take_details(request, held, form, now)
    return show(request, held, form, now)


def take_details(request: HttpRequest, held: Reservation, form: DetailsForm, now: datetime) -> HttpResponse:
    guests.check_may_ask(held, now)
    if refused := too_many(request, "hold") or too_many_mails(request, "hold", form.cleaned_data["email"]):
        return refused
    give_details(held, form, now)
    return HttpResponseRedirect(request.get_full_path())


def give_details(held: Reservation, form: DetailsForm, now: datetime) -> None:
    guests.give_details(reservation_id=held.pk, language=get_language() or "", now=now, **form.cleaned_data)


def registered(request: HttpRequest, held: Reservation) -> HttpResponse:
    """Show the hold of a client who is logged in: they may add a note, and confirm at once."""
    now = timezone.now()
    if request.method != "POST":
        return show(request, held, NoteForm(initial={"note": held.note}), now)
    if request.POST.get("do") == "release":
        reservations.release(reservation_id=held.pk, actor=actor_of(request), now=now)
        return HttpResponseRedirect(chooser_path(request, held))
    form = NoteForm(request.POST)
    if "at" in request.POST:
        return hold_instead(request, held, form, now)
    if request.POST.get("do") == "look" or not form.is_valid():
        return show(request, held, form, now)
    try:
        made = appointments.confirm(
            reservation_id=held.pk, actor=actor_of(request), now=now, note=form.cleaned_data["note"]
        )
    except (HoldExpired, TooManyAppointments) as refusal:
        return show(request, held, form, now, refusal=refusal if isinstance(refusal, TooManyAppointments) else None)
    messages.success(request, str(STATUSES[AppointmentStatus(made.status)].heading))
    return HttpResponseRedirect(reverse("my-appointment", args=[made.pk]))


def hold_instead(request: HttpRequest, held: Reservation, form: NoteForm, now: datetime) -> HttpResponse:
    """Hold one of the nearest free times for the same visitor, with the details typed so far."""
    chosen = ChosenForm(request.POST).chosen
    if chosen is None or chosen[0] != held.provider_id:
        return HttpResponseRedirect(request.get_full_path())
    mailed = form.cleaned_data["email"] if isinstance(form, DetailsForm) and form.is_valid() else None
    if refused := too_many(request, "hold") or (mailed and too_many_mails(request, "hold", mailed)):
        return refused
    try:
        new = hold(
            request,
            provider_id=held.provider_id,
            service_id=held.service_id,
            starts_at=chosen[1],
            visitor=held.client.reference,
            now=now,
            as_visitor=held.client.user_id is None,
        )
    except TooManyHolds as refusal:
        return show(request, held, form, now, refusal=refusal)
    except TimeUnavailable as refusal:
        nearest = alternatives_in(refusal.details, held.provider.schedule)
        return show(request, held, form, now, refusal=refusal, nearest=nearest)
    new = Reservation.objects.select_related("provider__schedule", "client", "service").get(pk=new.pk)
    path = details_path(request, new)
    if isinstance(form, DetailsForm) and mailed:
        give_details(new, form, now)
        return HttpResponseRedirect(path)
    return show(request, new, type(form)(initial=request.POST.dict()), now, action=path)


def known_of(held: Reservation, now: datetime) -> dict[str, Any]:
    """Return the details already given for this hold. None long after its end: its address may still be in use."""
    if not held.asked or held.expires_at is None or held.expires_at + REMEMBERED < now:
        return {}
    return {field.name: getattr(held.client, field.name) for field in GUEST_FIELDS} | {"note": held.note}


def show(
    request: HttpRequest,
    held: Reservation,
    form: NoteForm,
    now: datetime,
    *,
    status: int = 200,
    action: str = "",
    refusal: DomainError | None = None,
    nearest: list[Time] | None = None,
) -> HttpResponse:
    over: type[DomainError] | None = None
    state = held.state(now)
    if state == ReservationStatus.RELEASED:
        over = HoldReleased
    elif state == ReservationStatus.EXPIRED:
        over = HoldExpired
    if over and nearest is None:
        free = search.alternatives(held.provider_id, held.service, held.starts_at, now)
        zone = timezone.get_current_timezone()
        nearest = [labelled_time(time, held.provider.schedule, zone, dated=True) for time in free]
    context = {
        "reservation": held,
        "provider": held.provider,
        "form": form,
        "action": action or request.get_full_path(),
        "over": over() if over else None,
        "refusal": refusal,
        "nearest": nearest,
        "now": now,
        "confirmed": state == ReservationStatus.CONFIRMED,
        "mailed": held.asked > 0,
        "may_ask": held.asked < guests.MOST_ASKED,
        "registered": held.client.user_id is not None,
        "chooser": chooser_path(request, held),
        "framed": embedded(request),
        "holds": shown_holds(request, own_holds(request, now)) if over else [],
    }
    code = refusal.kind.value if refusal else over.kind.value if over else status
    return render(request, "booking/details.html", context, status=code)
