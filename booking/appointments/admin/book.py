"""Pages on which staff choose a time for a known or a new client, to book, hold or move an appointment."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.clients.operations import with_new_client
from booking.admin.base import staff
from booking.appointments.choosing import free_on, refuse_with_alternatives
from booking.appointments.enums import Action, Event
from booking.appointments.forms import CLIENTS_FOUND, InstantField, NextClientForm
from booking.appointments.messages import with_notification_note
from booking.appointments.operations import book, change, reschedule
from booking.appointments.permissions import allowed_actions
from booking.appointments.staff_forms import StaffBookForm, StaffTimeForm, WhoseForm, bookable_clients
from booking.availability.search import FreeTime, SlotQuery, next_free
from booking.models import Appointment, Schedule, Service
from booking.reservations.enums import Override
from booking.reservations.operations import reserve
from scheduler_project.common.admin.base import StaffModelAdmin
from scheduler_project.common.errors import DomainError
from scheduler_project.common.time.intervals import MINUTE
from scheduler_project.common.validators import isolated

Made = TypeVar("Made")


FROM_LINKS = ("client", "service")
"""Further parameters that a link to the booking page may carry, beside the schedule and the first day."""


class BookingPages(StaffModelAdmin):
    """Pages on which staff choose a time. A form is sent again for each search for clients or times."""

    # --- Booking ---

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Book for a client. The form keeps what was typed until it is booked."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        whose = WhoseForm(request.GET if "schedule" in request.GET else None)
        if not whose.is_valid():
            return self.ask(
                request,
                title=_("Book an appointment: choose a provider"),
                submit=_("Continue"),
                form=whose,
                method="get",
                hidden=[(name, request.GET[name]) for name in (*FROM_LINKS, "start") if name in request.GET],
                back=self.list_url(),
            )
        schedule, now = whose.cleaned_data["schedule"], timezone.now()
        action = request.POST.get("do", "find")
        if request.method == "POST" and action in ("book", "hold"):
            return self._book(request, schedule, now, hold=action == "hold")
        return self._ask_whom(request, schedule, self._typed(request, schedule, now), now)

    def _typed(self, request: HttpRequest, schedule: Schedule, now: datetime) -> StaffBookForm:
        """Return the form with what was typed so far, not validated; after a link, with the values of its address."""
        form = StaffBookForm(schedule=schedule)
        if request.method == "POST":
            names = [name for name in form.fields if name in request.POST]
            many = ("overrides",)
            form.initial = {name: request.POST.getlist(name) if name in many else request.POST[name] for name in names}
        else:
            form.initial = {name: request.GET[name] for name in FROM_LINKS if name in request.GET}
            form.initial |= self._from_start(request, schedule, now)
        return form

    def _from_start(self, request: HttpRequest, schedule: Schedule, now: datetime) -> dict[str, Any]:
        """Return the initial day: that of the time that was clicked on, else the first day with a free time."""
        try:
            start = InstantField(required=False).clean(request.GET.get("start"))
        except ValidationError:
            start = None
        if start is None:
            first = next_free(SlotQuery(now, now + schedule.horizon, now, schedule.provider_id, hidden=True))
            return {"date": (first.starts_at if first else now).astimezone(schedule.zone).date()}
        clicked = {"date": start.astimezone(schedule.zone).date(), "start": start.isoformat()}
        return clicked | ({"overrides": [Override.NOTICE]} if start < now + schedule.notice else {})

    def _book(self, request: HttpRequest, schedule: Schedule, now: datetime, *, hold: bool) -> HttpResponse:
        form = StaffBookForm(request.POST, schedule=schedule)
        if not self._may_add_clients(request) and not request.POST.get("client"):
            form.add_error("client", _("Choose a client."))
        if not form.is_valid():
            return self._ask_whom(request, schedule, form, now)
        if hold and form.overrides_meant:
            form.add_error("overrides", _("You can't override rules for a hold. Book instead, and give a reason."))
            return self._ask_whom(request, schedule, form, now)
        try:
            made = self._hold_it(form, staff(request), now) if hold else self._book_it(form, staff(request), now)
        except DomainError as error:
            return self._ask_whom(request, schedule, form, now, refuse_with_alternatives(form, error))
        if hold:
            messages.success(request, _("Held for %s until it's confirmed.") % isolated(str(made.client)))
            return HttpResponseRedirect(reverse("admin:booking_reservation_change", args=[made.pk]))
        self.log_addition(request, made, [{"added": {}}])
        messages.success(request, with_notification_note(_("Booked."), made, Event.BOOKED))
        return HttpResponseRedirect(self.change_url(made.pk))

    def _book_it(self, form: StaffBookForm, actor: Actor, now: datetime) -> Appointment:
        cleaned = form.cleaned_data
        call = partial(
            book,
            provider_id=form.schedule.provider_id,
            service_id=cleaned["service"].pk if cleaned["service"] else None,
            starts_at=form.starts_at,
            ends_at=form.ends_at,
            title=cleaned["title"],
            description=cleaned["description"],
            overrides=form.overrides_meant,
            reason=cleaned["reason"],
            actor=actor,
            now=now,
        )
        return _for_client(form, lambda client_id: call(client_id=client_id), actor, now)

    def _hold_it(self, form: StaffBookForm, actor: Actor, now: datetime) -> Any:
        cleaned = form.cleaned_data
        call = partial(
            reserve,
            provider_id=form.schedule.provider_id,
            service_id=cleaned["service"].pk if cleaned["service"] else None,
            starts_at=form.starts_at,
            ends_at=form.ends_at,
            actor=actor,
            now=now,
        )
        return _for_client(form, lambda client_id: call(client_id=client_id), actor, now)

    def _ask_whom(
        self,
        request: HttpRequest,
        schedule: Schedule,
        form: StaffBookForm,
        now: datetime,
        alternatives: list[datetime] | None = None,
    ) -> HttpResponse:
        chosen, words = form.said_so_far("client"), form.said_so_far("search")
        clients = list(bookable_clients(schedule.provider).matching(words)[:CLIENTS_FOUND]) if words else []
        if form.is_bound and form.has_error("somebody_else"):
            clients = form.namesakes()
        if chosen and chosen not in clients:
            clients.insert(0, chosen)
        return self.ask(
            request,
            title=_("Book an appointment with %s") % isolated(schedule.provider.name),
            submit="",
            template="admin/booking/appointment/book.html",
            clients=clients,
            chosen=chosen,
            searched=bool(words),
            adds_clients=self._may_add_clients(request),
            day_url=self._day_url(schedule, form.said_so_far("date")),
            hold_minutes=schedule.hold_minutes,
            **_times(form, schedule, form.said_so_far("service"), form.said_so_far("minutes"), now),
            alternatives=sorted(alternatives or []),
        )

    def _may_add_clients(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_client")

    def _day_url(self, schedule: Schedule, day: date | None) -> str:
        query = {"provider": schedule.provider_id} | ({"date": f"{day:%Y-%m-%d}"} if day else {})
        return reverse("admin:booking_appointment_day", query=query)

    # --- Moving ---

    def move_view(self, request: HttpRequest, appointment: Appointment) -> HttpResponse:
        """Move an appointment to a free time, or to a time typed by hand."""
        schedule, now = appointment.provider.schedule, timezone.now()
        if Action.RESCHEDULE not in allowed_actions(appointment, staff(request), now):
            messages.error(request, _("This appointment can no longer be rescheduled."))
            return HttpResponseRedirect(self.change_url(appointment.pk))
        if request.method != "POST" or request.POST.get("do") == "find":
            meant = max(appointment.starts_at, now).astimezone(schedule.zone).date()
            form = StaffTimeForm(schedule=schedule, initial={"date": meant})
            typed = [name for name in ("date", "minutes", "reason", "time") if request.POST.get(name)]
            form.initial.update({name: request.POST[name] for name in typed})
            form.initial["overrides"] = request.POST.getlist("overrides")
            return self._ask_when(request, appointment, form, now)
        form = StaffTimeForm(request.POST, schedule=schedule)
        alternatives: list[datetime] = []
        if form.is_valid():
            try:
                reschedule(
                    appointment_id=appointment.pk,
                    starts_at=form.starts_at,
                    ends_at=form.ends_at,
                    overrides=form.overrides_meant,
                    reason=form.cleaned_data["reason"],
                    actor=staff(request),
                    now=now,
                )
            except DomainError as error:
                alternatives = refuse_with_alternatives(form, error)
            else:
                messages.success(request, with_notification_note(_("Rescheduled."), appointment, Event.RESCHEDULED))
                return HttpResponseRedirect(self.change_url(appointment.pk))
        return self._ask_when(request, appointment, form, now, alternatives)

    def _ask_when(
        self,
        request: HttpRequest,
        appointment: Appointment,
        form: StaffTimeForm,
        now: datetime,
        alternatives: list[datetime] | None = None,
    ) -> HttpResponse:
        schedule = appointment.provider.schedule
        minutes = form.said_so_far("minutes") or int(appointment.reservation.length.total_seconds()) // 60
        return self.ask(
            request,
            title=_("Reschedule appointment"),
            submit="",
            template="admin/booking/appointment/move.html",
            original=appointment,
            back=self.change_url(appointment.pk),
            day_url=self._day_url(schedule, form.said_so_far("date")),
            **_times(form, schedule, appointment.service, minutes, now),
            alternatives=sorted(alternatives or []),
        )

    # --- Another client ---

    def client_view(self, request: HttpRequest, appointment: Appointment) -> HttpResponse:
        """Find a client (`?search=`) and give them the appointment."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        schedule, now = appointment.provider.schedule, timezone.now()
        if Action.REASSIGN not in allowed_actions(appointment, staff(request), now):
            messages.error(request, _("You can no longer change this appointment's client."))
            return HttpResponseRedirect(self.change_url(appointment.pk))
        bookable = bookable_clients(schedule.provider).exclude(pk=appointment.client.pk)
        form = NextClientForm(request.POST if request.method == "POST" else None, clients=bookable)
        if request.method == "POST" and form.is_valid():
            client = form.cleaned_data["client"]
            try:
                changed = change(appointment_id=appointment.pk, client_id=client.pk, actor=staff(request), now=now)
            except DomainError as error:
                refuse_with_alternatives(form, error)
            else:
                messages.success(request, with_notification_note(_("Client changed."), changed, Event.REASSIGNED))
                return HttpResponseRedirect(self.change_url(appointment.pk))
        words = NextClientForm.words_in(request)
        return self.ask(
            request,
            title=_("Change client"),
            submit="",
            template="admin/booking/appointment/client.html",
            original=appointment,
            back=self.change_url(appointment.pk),
            zone=schedule.timezone,
            form=form,
            words=words,
            clients=list(bookable.matching(words)[:CLIENTS_FOUND]) if words else [],
        )


def _for_client(form: StaffBookForm, call: Callable[[int], Made], actor: Actor, now: datetime) -> Made:
    """Call `call` with the id of the chosen client, or with that of a new one who belongs to the business."""
    known = form.cleaned_data["client"]
    return call(known.pk) if known else with_new_client(call, newcomer=form.newcomer, actor=actor, now=now)


def _times(
    form: StaffTimeForm, schedule: Schedule, service: Service | None, minutes: int | None, now: datetime
) -> dict[str, Any]:
    """Return the context for choosing a time: the free times of the chosen day, and the time selected."""
    day = form.said_so_far("date") or now.astimezone(schedule.zone).date()
    any_notice = Override.NOTICE in (form["overrides"].value() or [])
    times = free_on(day, schedule, service, minutes, now, any_notice=any_notice)
    length = schedule.length_for(service, minutes) // MINUTE
    return {
        "form": form,
        "schedule": schedule,
        "zone": schedule.timezone,
        "day": day,
        "times": times,
        "start": _nearest(form.said_so_far("start"), times),
        "length": length,
    }


def _nearest(wanted: datetime | None, times: list[FreeTime]) -> datetime | None:
    """Return the free time that a click into the calendar means: the time itself, or the next one after it."""
    return next((time.starts_at for time in times if wanted and time.starts_at >= wanted), None)
