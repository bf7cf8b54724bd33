"""Choosing a day and a time. Taking one holds it at once; who it is for is asked next."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import published as published_provider
from booking.errors import OutsideHours, SlotTaken, TooFar, TooManyHolds, TooSoon
from booking.forms.finding import ChosenForm
from booking.models import Schedule, Service
from booking.views.embedding import embeddable, let_embed
from booking.views.finding import published
from booking.views.holding import details_path, held_by_visitor, hold, remember_visitor, visitor_of
from booking.views.picking import alternatives_in, calendar_of, in_chosen_zone
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages import page, too_many

NOT_TO_BE_HAD = (SlotTaken, OutsideHours, TooSoon, TooFar)


@embeddable
@page
def of_provider(request: HttpRequest, slug: str, service_id: int | None = None) -> HttpResponse:
    """The free times of one provider, for one of their services or, without one, slot by slot."""
    who = published(slug)
    let_embed(request, who)
    service = who.services.filter(is_active=True, pk=service_id).first() if service_id else None
    if service_id and service is None:
        raise Http404
    return choose(request, [Schedule.objects.select_related("provider").get(provider=who)], service)


@embeddable
@page
def of_anybody(request: HttpRequest, service_id: int) -> HttpResponse:
    """The free times of all who offer a service."""
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
    with in_chosen_zone(request):
        context: dict[str, Any] = {
            "service": service,
            "schedules": schedules,
            "provider": None if anybody else schedules[0].provider,
            "minutes": service.duration_minutes if service else schedules[0].slot_minutes,
        }
        if request.method == "POST":
            return take(request, schedules, service, context)
        context |= calendar_of(request, schedules=schedules, service=service, now=now)
        if request.GET.get("known") == context["known"]:
            return HttpResponse(status=204)
        return render(request, "booking/choose.html", context)


def take(
    request: HttpRequest, schedules: Sequence[Schedule], service: Service | None, context: dict[str, Any]
) -> HttpResponse:
    """Hold the time that was chosen, and ask for details; or say what is free instead."""
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
            visitor_id=visitor_of(request),
            now=now,
        )
    except NOT_TO_BE_HAD as refusal:
        return refused_page(request, refusal, context, alternatives=alternatives_in(refusal.details, schedule))
    except TooManyHolds as refusal:
        return refused_page(request, refusal, context, holds=held_by_visitor(request, now))
    response = HttpResponseRedirect(details_path(request, held))
    return remember_visitor(response, held)


def refused_page(request: HttpRequest, refusal: DomainError, context: dict[str, Any], **more: Any) -> HttpResponse:
    heading = _("This time has just been taken") if isinstance(refusal, SlotTaken) else _("This time cannot be booked")
    context |= {"refusal": refusal, "heading": heading, **more}
    return render(request, "booking/taken.html", context, status=refusal.kind.value)
