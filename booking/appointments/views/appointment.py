"""The page of one appointment on a provider's dashboard, and its actions."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.appointments import operations as appointments
from booking.appointments.choosing import refuse_with_alternatives
from booking.appointments.enums import UPCOMING, Action
from booking.appointments.forms import SCOPES, AppointmentTextsForm, ReasonForm
from booking.appointments.messages import success_message
from booking.appointments.permissions import allowed_actions
from booking.appointments.queries import with_former_clients
from booking.appointments.views.cancel import cancel
from booking.calendars.icalendar import to_ical
from booking.models import Appointment, Schedule
from booking.series.enums import SeriesScope
from booking.series.operations import edit_series
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError, NotFound
from scheduler_project.common.pages.base import back

OTHERS_SHOWN = 10


def own_appointment(schedule: Schedule, appointment_id: int) -> Appointment:
    """Return an appointment of this provider. Raises NotFound."""
    mine = Appointment.objects.detailed().select_related("series").filter(reservation__provider=schedule.provider_id)
    found = mine.filter(pk=appointment_id).first()
    if found is None:
        raise NotFound
    return found


@provider_page
def appointment(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Show an appointment with its history; POST changes its texts and reminders."""
    now = timezone.now()
    shown = own_appointment(schedule, pk)
    form = AppointmentTextsForm(request.POST if request.method == "POST" else None, instance=shown)
    if request.method == "POST" and form.is_valid():
        try:
            _reword(request, shown, form.cleaned_data, now)
        except DomainError as error:
            refuse_with_alternatives(form, error)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("dashboard-appointment", args=[pk]))
    if form.errors:
        shown.refresh_from_db(fields=["title", "description", "reminder_offsets"])
    context = {
        "schedule": schedule,
        "appointment": shown,
        "allowed": [str(action) for action in allowed_actions(shown, actor_of(request), now)],
        "form": form,
        "events": with_former_clients(shown.events.select_related("user")),
        "scopes": SCOPES if shown.series_id else [],
        "others": _others(shown, now),
        "reminders": _reminders_address(shown),
    }
    return render(request, "booking/dashboard/appointment.html", context)


def _reword(request: HttpRequest, shown: Appointment, cleaned: dict[str, Any], now: datetime) -> None:
    changes = {name: cleaned[name] for name in ("title", "description", "reminder_offsets")}
    actor = actor_of(request)
    if cleaned.get("scope", SeriesScope.THIS) == SeriesScope.THIS or shown.series_id is None:
        appointments.edit(appointment_id=shown.pk, changes=changes, actor=actor, now=now)
    else:
        edit_series(
            series_id=shown.series_id,
            scope=SeriesScope(cleaned["scope"]),
            occurrence=shown.occurrence,
            changes=changes,
            actor=actor,
            now=now,
        )


def _others(shown: Appointment, now: datetime) -> list[Appointment]:
    """Return the next appointments of the same series."""
    if shown.series_id is None:
        return []
    coming = Appointment.objects.filter(series=shown.series_id, status__in=UPCOMING, reservation__starts_at__gt=now)
    return list(
        coming.exclude(pk=shown.pk).select_related("reservation").order_by("reservation__starts_at")[:OTHERS_SHOWN]
    )


def _reminders_address(shown: Appointment) -> str:
    """Return the address of its list of messages; "" if no app above this one has such a page."""
    try:
        return f"{reverse('dashboard-reminders')}?appointment={shown.pk}"
    except NoReverseMatch:
        return ""


@provider_page
def appointment_action(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Take the action of a button (`do`), and go back to the page it was on, which also shows a refusal."""
    shown = own_appointment(schedule, pk)
    here = resolve_url("dashboard-appointment", pk)
    form = ReasonForm(request.POST)
    action = request.POST.get("do", "")
    if request.method != "POST" or action not in Action.values or not form.is_valid():
        for error in form.errors.get("reason", []) if request.method == "POST" else []:
            messages.error(request, str(error))
        return HttpResponseRedirect(here)
    try:
        _act(request, shown, Action(action), form.cleaned_data)
    except DomainError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, success_message(Action(action), shown))
    return HttpResponseRedirect(back(request, here))


def _act(request: HttpRequest, shown: Appointment, action: Action, cleaned: dict[str, Any]) -> None:
    now, actor = timezone.now(), actor_of(request)
    if action == Action.CANCEL:
        cancel(shown, cleaned, actor=actor, now=now)
    else:
        appointments.take_action(appointment_id=shown.pk, action=action, actor=actor, now=now, reason=cleaned["reason"])


@provider_page
def appointment_ics(request: HttpRequest, schedule: Schedule, pk: int) -> HttpResponse:
    """Answer the appointment's calendar file."""
    return HttpResponse(
        to_ical(own_appointment(schedule, pk)),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="appointment-{pk}.ics"'},
    )
