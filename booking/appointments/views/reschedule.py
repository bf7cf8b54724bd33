"""A provider moves an appointment."""

from datetime import datetime
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.appointments.choosing import free_on, refuse_with_alternatives
from booking.appointments.enums import Action, Event
from booking.appointments.forms import MoveForm
from booking.appointments.messages import with_notification_note
from booking.appointments.operations import reschedule
from booking.appointments.permissions import allowed_actions
from booking.appointments.views.appointment import own_appointment
from booking.models import Appointment, Schedule
from booking.reservations.enums import Override
from booking.series.enums import SeriesScope
from booking.series.operations import SeriesChange, edit_series
from booking.views.access import actor_of, provider_page
from booking.views.dates import asked_date
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import preview


@provider_page
def move(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Move an appointment to a free time of the day `?date=`, or to a time typed by hand.

    The time is only previewed; `do=move` moves the appointment.
    """
    now = timezone.now()
    shown = own_appointment(schedule, pk)
    here = reverse("dashboard-appointment", args=[pk])
    if Action.RESCHEDULE not in allowed_actions(shown, actor_of(request), now):
        messages.error(request, _("This appointment can no longer be rescheduled."))
        return HttpResponseRedirect(here)
    form = MoveForm(request.POST if request.method == "POST" else None, schedule=schedule, appointment=shown)
    alternatives: list[datetime] = []
    if request.method == "POST" and form.is_valid():
        call = partial(_move, request, shown, form, now)
        sure = request.POST.get("do") == "move"
        try:
            change = call() if sure else preview(call)
        except DomainError as error:
            alternatives = refuse_with_alternatives(form, error)
        else:
            if not sure:
                after = {
                    "starts_at": form.starts_at,
                    "ends_at": form.ends_at or form.starts_at + shown.reservation.length,
                }
                context = {"appointment": shown, "form": form, "after": after, "change": change}
                return render(request, "booking/dashboard/move_preview.html", context)
            messages.success(request, with_notification_note(_("Rescheduled."), shown, Event.RESCHEDULED))
            return HttpResponseRedirect(here)
    meant = max(shown.starts_at, now).astimezone(schedule.zone).date()
    typed = form.cleaned_data.get("date") if form.is_bound else None
    day = asked_date(request) or typed or meant
    short_notice = "notice" in request.GET
    length = int(shown.reservation.length.total_seconds()) // 60
    context = {
        "schedule": schedule,
        "appointment": shown,
        "form": form,
        "day": day,
        "length": length,
        "short_notice": short_notice,
        "times": free_on(day, schedule, shown.service, length, now, any_notice=short_notice),
        "alternatives": alternatives,
        "notice": Override.NOTICE,
    }
    return render(request, "booking/dashboard/move.html", context)


def _move(request: HttpRequest, shown: Appointment, form: MoveForm, now: datetime) -> SeriesChange | None:
    """Move it, and those of its series in scope. Return the change of the series; None if only the one was moved."""
    actor, overrides = actor_of(request), form.overrides_meant
    scope = SeriesScope(form.cleaned_data.get("scope", SeriesScope.THIS))
    if shown.series_id is None or scope == SeriesScope.THIS:
        reschedule(
            appointment_id=shown.pk,
            starts_at=form.starts_at,
            ends_at=form.ends_at,
            overrides=overrides,
            actor=actor,
            now=now,
        )
        return None
    local = form.starts_at.astimezone(shown.series.zone).replace(tzinfo=None) if shown.series else None
    minutes = form.cleaned_data["minutes"]
    return edit_series(
        series_id=shown.series_id,
        scope=scope,
        occurrence=shown.occurrence,
        changes={"starts": local} | ({"duration_minutes": minutes} if minutes else {}),
        overrides=overrides or None,
        actor=actor,
        now=now,
    )
