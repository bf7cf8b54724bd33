"""A client moves an appointment, logged in or by a mailed link. Both use the same calendar."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.actors import Actor
from booking.appointments.enums import Action
from booking.appointments.operations import reschedule
from booking.appointments.permissions import check_allowed
from booking.models import Appointment
from booking.reservations.errors import TimeUnavailable
from booking.services.models import with_length
from booking.views.forms import ChosenForm
from booking.views.month_picker import alternatives_in, month_context
from scheduler_project.common.operations import preview
from scheduler_project.common.pages.formats import LONG


def move_page(request: HttpRequest, made: Appointment, *, actor: Actor, here: str, now: datetime) -> HttpResponse:
    """Show a calendar to pick another time from, then both times, then return to the appointment's page, `here`.

    The picked time is only previewed; `do=move` moves the appointment. If the time is taken meanwhile, the page shows
    the nearest others and the appointment stays. Raises what the table of actions refuses `actor`.
    """
    check_allowed(Action.RESCHEDULE, made, actor, now)
    schedule = made.provider.schedule
    context: dict[str, Any] = {"appointment": made, "provider": made.provider, "here": here, "format": LONG}
    if request.method == "POST":
        chosen = ChosenForm(request.POST).chosen
        if chosen is None or chosen[0] != schedule.provider_id:
            return HttpResponseRedirect(request.get_full_path())
        call = partial(reschedule, appointment_id=made.pk, starts_at=chosen[1], actor=actor, now=now)
        sure = request.POST.get("do") == "move"
        try:
            moved = call() if sure else preview(call)
        except TimeUnavailable as refusal:
            context |= {
                "refusal": refusal,
                "heading": _("This time is no longer available"),
                "alternatives": alternatives_in(refusal.details, schedule),
            }
            return render(request, "booking/taken.html", context, status=refusal.kind.value)
        if not sure:
            return render(request, "booking/move_preview.html", context | {"moved": moved, "at": request.POST["at"]})
        messages.success(request, _("The appointment has been rescheduled."))
        return HttpResponseRedirect(here)
    context |= month_context(
        request, schedules=[schedule], service=with_length(made.reservation.length, made.service), now=now
    )
    if request.GET.get("known") == context["known"]:
        return HttpResponse(status=204)
    return render(request, "booking/move.html", context)
