"""A provider books for a client: once, or a series that is previewed first.

All of it is one form, sent again for each search for clients or times. Only `do=book` and, from the preview,
`do=all_or_nothing` and `do=skip_conflicts` book.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.clients.operations import with_new_client
from accounts.models import Client
from booking.appointments.choosing import free_on, refuse_with_alternatives
from booking.appointments.enums import Event
from booking.appointments.forms import BookForm, found_clients
from booking.appointments.messages import with_notification_note
from booking.appointments.operations import book as book_one
from booking.availability.search import SlotQuery, next_free
from booking.models import Schedule
from booking.reservations.enums import Override
from booking.series.enums import ConflictPolicy
from booking.series.errors import SeriesConflict
from booking.series.operations import SeriesChange, SeriesSpec, create_series, preview_series
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError
from scheduler_project.common.operations import preview
from scheduler_project.common.time.intervals import MINUTE

Made = TypeVar("Made")


@provider_page
def book(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Book for a client. The form keeps what was typed until it is booked."""
    now = timezone.now()
    action = request.POST.get("do", "find")
    if action == "find":
        return _ask(request, schedule, _form_so_far(request, schedule, now), now)
    form = BookForm(request.POST, schedule=schedule)
    if not form.is_valid():
        return _ask(request, schedule, form, now)
    try:
        return _booked(request, form, action, now)
    except DomainError as error:
        return _ask(request, schedule, form, now, refuse_with_alternatives(form, error))


def _booked(request: HttpRequest, form: BookForm, action: str, now: datetime) -> HttpResponse:
    """Book once and show the appointment. Preview a series first, and again if it lost a time since."""
    actor = actor_of(request)
    if not form.rule:
        made = _book_one(form, actor, now)
        messages.success(request, with_notification_note(_("Booked."), made, Event.BOOKED))
        return HttpResponseRedirect(reverse("dashboard-appointment", args=[made.pk]))
    if action not in ConflictPolicy.values:
        return _preview(request, form, now)
    try:
        change = _begin(form, ConflictPolicy(action), actor, now)
    except SeriesConflict as error:
        messages.error(request, str(error.message))
        return _preview(request, form, now)
    return _series_booked(request, change)


def _form_so_far(request: HttpRequest, schedule: Schedule, now: datetime) -> BookForm:
    """Return the form with what was typed so far, not validated; after a link, with the values of its address."""
    typed = request.POST if request.method == "POST" else request.GET
    form = BookForm(schedule=schedule)
    names = [name for name in form.fields if name in typed]
    many = ("weekdays", "overrides")
    form.initial = {name: typed.getlist(name) if name in many else typed[name] for name in names}
    form.initial.setdefault("interval", 1)
    if "date" not in form.initial:
        first = next_free(SlotQuery(now, now + schedule.horizon, now, schedule.provider_id, hidden=True))
        form.initial["date"] = (first.starts_at if first else now).astimezone(schedule.zone).date()
    return form


def _ask(
    request: HttpRequest, schedule: Schedule, form: BookForm, now: datetime, alternatives: list[datetime] | None = None
) -> HttpResponse:
    typed = {name: form[name].value() for name in form.fields}
    day = form.said_so_far("date") or now.astimezone(schedule.zone).date()
    chosen = form.said_so_far("client")
    clients = list(found_clients(schedule.provider, form.said_so_far("search") or ""))
    if chosen and chosen not in clients:
        clients.insert(0, chosen)
    service, minutes = form.said_so_far("service"), form.said_so_far("minutes")
    any_notice = str(Override.NOTICE) in (typed["overrides"] or [])
    length = schedule.length_for(service, minutes) // MINUTE
    context = {
        "schedule": schedule,
        "form": form,
        "day": day,
        "clients": clients,
        "chosen": chosen,
        "start": typed["start"] or "",
        "times": free_on(day, schedule, service, minutes, now, any_notice=any_notice),
        "length": length,
        "alternatives": alternatives or [],
        "open_repeat": bool(typed["repeat"]),
        "is_new": not chosen and (typed["client"] == "" or bool(typed["name"]) or not clients),
        "open_by_hand": bool(typed["time"] or typed["overrides"] or form.errors.get("time")),
    }
    return render(request, "booking/dashboard/book.html", context)


def _for_client(form: BookForm, call: Callable[[int], Made], actor: Actor, now: datetime) -> Made:
    """Call `call` with the id of the chosen client, or with that of a new one in the address book."""
    known = form.cleaned_data["client"]
    if known:
        return call(known.pk)
    newcomer = form.newcomer | {"owner": form.schedule.provider}
    return with_new_client(call, newcomer=newcomer, actor=actor, now=now)


def _book_one(form: BookForm, actor: Actor, now: datetime) -> Any:
    cleaned = form.cleaned_data
    call = partial(
        book_one,
        provider_id=form.schedule.provider_id,
        service_id=cleaned["service"].pk if cleaned["service"] else None,
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        title=cleaned["title"],
        description=cleaned["description"],
        overrides=form.overrides_meant,
        actor=actor,
        now=now,
    )
    return _for_client(form, lambda client_id: call(client_id=client_id), actor, now)


def _wanted(form: BookForm, client_id: int) -> SeriesSpec:
    cleaned = form.cleaned_data
    return SeriesSpec(
        provider_id=form.schedule.provider_id,
        client_id=client_id,
        rrule=form.rule,
        starts=form.starts_local,
        timezone=form.schedule.timezone,
        service_id=cleaned["service"].pk if cleaned["service"] else None,
        duration_minutes=cleaned["minutes"],
        title=cleaned["title"],
        description=cleaned["description"],
        overrides=form.overrides_meant,
    )


def _preview(request: HttpRequest, form: BookForm, now: datetime) -> HttpResponse:
    """Show each occurrence, free or in conflict, with the reason and the nearest free time. Nothing is changed."""
    actor = actor_of(request)

    def begin(client_id: int) -> tuple[SeriesChange, str]:
        change = preview_series(wanted=_wanted(form, client_id), actor=actor, now=now)
        return change, Client.objects.values_list("name", flat=True).get(pk=client_id)

    change, client_name = preview(lambda: _for_client(form, begin, actor, now))
    every: list[dict[str, Any]] = [{"one": one, "free": True} for one in change.booked]
    every += [{"one": conflict, "free": False} for conflict in change.conflicts]
    context = {
        "form": form,
        "schedule": form.schedule,
        "change": change,
        "client_name": client_name,
        "every": sorted(every, key=lambda line: line["one"].starts_at),
        "typed": [(name, value) for name in request.POST for value in request.POST.getlist(name)],
        "kept_out": ("csrfmiddlewaretoken", "do"),
    }
    return render(request, "booking/dashboard/preview.html", context)


def _begin(form: BookForm, policy: ConflictPolicy, actor: Actor, now: datetime) -> SeriesChange:
    def begin(client_id: int) -> SeriesChange:
        return create_series(wanted=_wanted(form, client_id), policy=policy, actor=actor, now=now)

    return _for_client(form, begin, actor, now)


def _series_booked(request: HttpRequest, change: SeriesChange) -> HttpResponse:
    booked, left_out = len(change.booked), len(change.conflicts)
    text = ngettext("%d appointment is booked.", "%d appointments are booked.", booked) % booked
    if left_out:
        text += " " + ngettext("%d was skipped.", "%d were skipped.", left_out) % left_out
    messages.success(request, text)
    if not change.booked:
        return HttpResponseRedirect(reverse("dashboard-week"))
    return HttpResponseRedirect(reverse("dashboard-appointment", args=[change.booked[0].pk]))
