"""The choice of a day and a time. Picking a time holds it at once; the details come next."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.providers.models import published as published_provider
from booking.links import visitor_from_token, visitor_token
from booking.models import Reservation, Schedule, Service
from booking.reservations.errors import SlotTaken, TimeUnavailable, TooManyHolds
from booking.reservations.views.hold_details import (
    VISITOR,
    details_path,
    hold,
    own_client,
    own_holds,
    remember_visitor,
    shown_holds,
    visitor_of,
)
from booking.views.access import published_or_404
from booking.views.embedding import embeddable, let_embed
from booking.views.forms import ChosenForm
from booking.views.month_picker import alternatives_in, in_chosen_zone, month_context, of_service
from scheduler_project.common.db.references import new_reference
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.base import embedded, page, too_many
from scheduler_project.common.time.intervals import MINUTE


@embeddable
@page
def of_provider(request: HttpRequest, slug: str, service_id: int | None = None) -> HttpResponse:
    """Show the free times of one provider, for one of their services or, without one, slot by slot."""
    who = published_or_404(slug)
    let_embed(request, who)
    service = who.services.filter(is_active=True, pk=service_id).first() if service_id else None
    if service_id and service is None:
        raise Http404
    return choose(request, [Schedule.objects.select_related("provider").get(provider=who)], service)


@embeddable
@page
def of_anybody(request: HttpRequest, service_id: int) -> HttpResponse:
    """Show the free times of all providers who offer a service."""
    if request.method != "POST" and (refused := too_many(request, "search")):
        return refused
    service = Service.objects.visible_to(None).filter(pk=service_id).first()
    if service is None:
        raise Http404
    offering = Schedule.objects.filter(published_provider("provider__"), provider__services=service)
    return choose(request, list(offering.select_related("provider")), service, anybody=True)


def choose(
    request: HttpRequest, schedules: Sequence[Schedule], service: Service | None, *, anybody: bool = False
) -> HttpResponse:
    now = timezone.now()
    visitor = visitor_of(request) or new_reference()
    if embedded(request) and request.method != "POST" and visitor_from_token(request.GET.get(VISITOR, "")) is None:
        return HttpResponseRedirect(visitors_own(request, visitor))
    with in_chosen_zone(request):
        held = own_holds(request, now)
        context: dict[str, Any] = {
            "service": service,
            "schedules": schedules,
            "provider": None if anybody else schedules[0].provider,
            "minutes": schedules[0].length_for(service) // MINUTE,
            "holds": shown_holds(request, held),
        }
        if request.method == "POST":
            return take(request, schedules, service, visitor, held, context)
        context |= month_context(request, schedules=schedules, service=service, now=now, held=held)
        if request.GET.get("known") == context["known"]:
            return HttpResponse(status=204)
        response = render(request, "booking/choose.html", context)
        response.headers["Cache-Control"] = "no-store"  # A visitor who comes back must see their holds.
        return response if own_client(request) or embedded(request) else remember_visitor(response, visitor)


def visitors_own(request: HttpRequest, visitor: str) -> str:
    """Redirect to the same address with the visitor's token in it: in a frame there are no cookies to know them by."""
    query = request.GET.copy()
    query[VISITOR] = visitor_token(visitor)
    return f"{request.path}?{query.urlencode()}"


def take(
    request: HttpRequest,
    schedules: Sequence[Schedule],
    service: Service | None,
    visitor: str,
    own: Sequence[Reservation],
    context: dict[str, Any],
) -> HttpResponse:
    """Hold the picked time and ask for details, or show the nearest free times instead."""
    now = timezone.now()
    chosen = ChosenForm(request.POST).chosen
    schedule = next((one for one in schedules if chosen and one.provider_id == chosen[0]), None)
    if schedule is None or chosen is None:
        return HttpResponseRedirect(request.get_full_path())
    if refused := too_many(request, "hold"):
        return refused
    try:
        held = hold(
            request,
            provider_id=schedule.provider_id,
            service_id=service.pk if service else None,
            starts_at=chosen[1],
            visitor=visitor,
            now=now,
        )
    except TimeUnavailable as refusal:
        nearest = alternatives_in(refusal.details, schedule, of_service(own, service))
        return refused_page(request, refusal, context, alternatives=nearest)
    except TooManyHolds as refusal:
        return refused_page(request, refusal, context)
    response = HttpResponseRedirect(details_path(request, held))
    return response if held.created_by_id else remember_visitor(response, visitor)


def refused_page(request: HttpRequest, refusal: DomainError, context: dict[str, Any], **more: Any) -> HttpResponse:
    heading = _("This time has just been taken") if isinstance(refusal, SlotTaken) else _("This time can't be booked")
    context |= {"refusal": refusal, "heading": heading, **more}
    return render(request, "booking/taken.html", context, status=refusal.kind.value)
