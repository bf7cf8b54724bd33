"""The admin of appointments: book, move and end them through the operations, and read their history."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clients.fields import contact_search
from booking.admin.base import InScheduleAdmin, local_time_with_zone, provider_filter, refusal_in_words, staff
from booking.admin.imports import BookingImports, CalendarUploadForm
from booking.appointments import operations as appointments
from booking.appointments.admin.book import BookingPages
from booking.appointments.admin.day import DayPage
from booking.appointments.enums import Action, AppointmentStatus
from booking.appointments.messages import success_message
from booking.appointments.permissions import allowed_actions
from booking.appointments.queries import of_today, outside_hours, with_former_clients
from booking.appointments.staff_forms import StaffReasonForm
from booking.appointments.transitions import TRANSITIONS
from booking.imports.kinds import APPOINTMENTS, CALENDAR
from booking.models import Appointment, AppointmentEvent, ImportedEntry, Schedule
from booking.reservations.enums import Override
from scheduler_project.common.admin.base import ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.base import back
from scheduler_project.common.time.intervals import DAY
from scheduler_project.common.validators import isolated

FORMS: dict[Action, type[forms.Form]] = {
    action: StaffReasonForm for action, row in TRANSITIONS.items() if row.asks_reason
}
"""The form to fill in before an action. The client gets the reason of cancelling or declining."""


class EventColumns:
    @admin.display(description=here(gettext_lazy("at")), ordering="at")
    def when(self, event: AppointmentEvent) -> str:
        return local_time(event.at)

    @admin.display(description=gettext_lazy("details"))
    def details_display(self, event: AppointmentEvent) -> str:
        former = getattr(event, "former_client", None)
        words = [_("previously: %s") % isolated(former)] if former else []
        return "; ".join([*words, *_details_in_words(event.details)]) or "–"


def _details_in_words(details: dict[str, Any]) -> Iterator[str]:
    """Yield the details of an event in words. Ids, which are for programs, are left out."""
    if "to" in details:
        before, after = (local_time(parse_datetime(details[name])) for name in ("from", "to"))
        yield str(here(f"{before} → {after}"))
    if "status" in details:
        yield str(AppointmentStatus(details["status"]).label)
    if "series" in details:
        yield _("part of a series")
    if "overrides" in details:
        yield _("overridden: %s") % ", ".join(str(Override(name).label) for name in details["overrides"])
    for name in details.get("changed", ()):
        if name == "client":
            continue
        was = (details.get("was") or {}).get(name, _("(not kept)"))
        old = ", ".join(was) if isinstance(was, list) else was
        yield _("%(field)s was “%(old)s”") % {
            "field": label_for_field(name, Appointment),
            "old": old or "–",
        }
    if details.get("key"):
        yield _("API key “%s”") % details["key"]["name"]
    if "reference" in details:
        yield _("imported as %s") % (details["reference"] or _("(not kept)"))
    if "reason" in details:
        yield _("reason: %s") % (details["reason"] or _("(not kept)"))


class EventInline(EventColumns, ReadOnly, admin.TabularInline):
    model = AppointmentEvent
    fields = ("when", "event", "user", "face", "details_display")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("history")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentEvent]:
        return with_former_clients(super().get_queryset(request).select_related("user"))


@admin.register(AppointmentEvent)
class AppointmentEventAdmin(EventColumns, ReadOnly, StaffModelAdmin):
    list_display = ("when", "event", "appointment", "user", "face", "details_display")
    list_filter = ("event", "face")
    list_select_related = ("appointment", "user")
    search_fields = ("appointment__title", "user__email")
    date_hierarchy = "at"
    ordering = ("-pk",)
    fields = ("appointment", "when", "event", "user", "face", "details_display")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentEvent]:
        return with_former_clients(super().get_queryset(request))


NO_QUESTION = frozenset({"p", "o", "all", "e", "_facets"})
"""Parameters of a list's address that do not select rows."""


def _when(request: HttpRequest) -> str:
    """Return the time filter's value. The default is coming appointments, or all in a search or a filtered list."""
    return request.GET.get("when") or ("all" if set(request.GET) - NO_QUESTION else "coming")


class WhenFilter(admin.SimpleListFilter):
    title = gettext_lazy("time")
    parameter_name = "when"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.chosen = _when(request)
        super().__init__(request, *args)

    def value(self) -> str:
        return self.chosen

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("today", _("today")),
            ("coming", _("upcoming")),
            ("past", _("past")),
            ("outside", _("upcoming, outside the hours")),
        ]

    def choices(self, changelist: Any) -> Any:
        every, *others = super().choices(changelist)
        link = changelist.get_query_string({self.parameter_name: "all"})
        return [{**every, "selected": self.chosen == "all", "query_string": link}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Appointment]:
        now = timezone.now()
        match self.chosen:
            case "today":
                around = queryset.filter(reservation__starts_at__range=(now - 2 * DAY, now + 2 * DAY))
                return around.filter(pk__in=of_today(now).order_by().values("pk"))
            case "coming":
                return queryset.not_over(now=now)
            case "past":
                return queryset.past(now=now)
            case "outside":
                return outside_hours(queryset, now)
        return queryset


def on_many(action: Action) -> Callable[..., Any]:
    """Return the action of the list that takes `action` on each of the chosen appointments."""

    @admin.action(description=cast("str", TRANSITIONS[action].many), permissions=["change"])
    def take(office: Any, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return office.act_on_many(request, queryset, action)

    take.__name__ = str(action)
    return take


@admin.register(Appointment)
class AppointmentAdmin(BookingPages, DayPage, BookingImports, InScheduleAdmin):
    """The admin of appointments. Only title, description and timezone are edited here; buttons do everything else."""

    sheets = (APPOINTMENTS, CALENDAR)
    upload_forms = {CALENDAR.name: CalendarUploadForm}
    list_display = ("providers_start", "client", "name", "provider", "status")
    list_display_links = ("providers_start", "client")
    list_per_page = 50
    list_filter = ("status", WhenFilter, provider_filter("reservation__provider"), "reservation__service")
    list_select_related = ("reservation__provider__schedule", "reservation__client", "reservation__service")
    search_fields = ("title", "reservation__provider__name", *contact_search("reservation__client__"))
    date_hierarchy = "reservation__starts_at"
    change_form_template = "admin/booking/appointment/change_form.html"
    actions = tuple(on_many(action) for action, row in TRANSITIONS.items() if row.many)
    fieldsets = (
        (gettext_lazy("Details"), {"fields": ("title", "description", "timezone")}),
        (
            gettext_lazy("Record"),
            {
                "classes": ("collapse",),
                "fields": (
                    "reservation",
                    "series",
                    "occurrence",
                    "starts",
                    "ends",
                    "uid",
                    "sequence",
                    "made",
                    "changed",
                ),
            },
        ),
    )
    readonly_fields = ("reservation", "series", "occurrence", "starts", "ends", "uid", "sequence", "made", "changed")
    inlines = [EventInline]
    """The lists below an appointment. Apps above this one put theirs before the history."""

    def has_delete_permission(self, request: HttpRequest, obj: Appointment | None = None) -> bool:
        return False

    def history_url(self, request: HttpRequest, object_id: str) -> str | None:
        if not request.user.has_perm("booking.view_appointmentevent"):
            return None
        return reverse("admin:booking_appointmentevent_changelist", query={"appointment": object_id})

    def schedule_of(self, obj: Appointment) -> Schedule:
        return obj.provider.schedule

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Order by start: the next first, then the others to come, then the past from the latest on."""
        when = _when(request)
        if when in ("today", "coming", "outside"):
            return ["reservation__starts_at", "pk"]
        to_come = Case(When(reservation__ends_at__gt=timezone.now(), then=F("reservation__starts_at")))
        first = [] if when == "past" else [to_come.asc(nulls_last=True)]
        return [*first, "-reservation__starts_at", "-pk"]

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        wanted = {name: form.cleaned_data[name] for name in form.changed_data}
        made = appointments.edit(appointment_id=obj.pk, changes=wanted, actor=staff(request), now=timezone.now())
        obj.__dict__.update(made.__dict__)

    # --- One appointment ---

    def get_urls(self) -> list[Any]:
        one, day = self.admin_site.admin_view(self.action_view), self.admin_site.admin_view(self.day_view)
        return [
            path("day/", day, name="booking_appointment_day"),
            path("<int:pk>/do/<str:action>/", one, name="booking_appointment_act"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        appointment = self.get_object(request, object_id)
        shown: dict[str, Any] = {"show_save_and_add_another": False}
        if appointment and self.has_view_or_change_permission(request, appointment):
            shown |= {
                "appointment": appointment,
                "subtitle": f"{isolated(str(appointment.client))}, {isolated(appointment.called)}",
                "zone": self.schedule_of(appointment).timezone,
                "buttons": self._buttons(request, appointment),
                "again": self._again(request, appointment),
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _buttons(self, request: HttpRequest, appointment: Appointment) -> list[tuple[str, str, bool]]:
        """Return the actions allowed now: the label, the address, and True if there is a form to fill in first."""
        if not self.has_change_permission(request, appointment):
            return []
        return [
            (
                capfirst(str(action.label)),
                reverse("admin:booking_appointment_act", args=[appointment.pk, action.value]),
                action in FORMS or TRANSITIONS[action].target is None,
            )
            for action in allowed_actions(appointment, staff(request), timezone.now())
        ]

    def _again(self, request: HttpRequest, appointment: Appointment) -> str:
        """Return the address for booking the same client and service again; "" for users who may not book."""
        if not self.has_add_permission(request):
            return ""
        query = {"schedule": appointment.provider.schedule.pk, "client": appointment.reservation.client_id}
        service = {"service": appointment.service.pk} if appointment.service else {}
        return reverse("admin:booking_appointment_add", query=query | service)

    def action_view(self, request: HttpRequest, pk: int, action: str) -> Any:
        """Take an action on one appointment. Ask first if it needs a reason, or if the request is a GET."""
        appointment = self.get_object(request, str(pk))
        if appointment is None or action not in Action.values:
            raise Http404
        if not self.has_change_permission(request, appointment):
            raise PermissionDenied
        chosen = Action(action)
        if chosen == Action.RESCHEDULE:
            return self.move_view(request, appointment)
        if chosen == Action.REASSIGN:
            return self.client_view(request, appointment)
        form = FORMS[chosen](request.POST if request.method == "POST" else None) if chosen in FORMS else None
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                appointments.take_action(
                    appointment_id=pk,
                    action=chosen,
                    reason=form.cleaned_data["reason"] if form else "",
                    actor=staff(request),
                    now=timezone.now(),
                )
            except DomainError as refusal:
                messages.error(request, refusal_in_words(refusal, self.schedule_of(appointment)))
            else:
                messages.success(request, success_message(chosen, appointment))
            return HttpResponseRedirect(back(request, self.change_url(pk)))
        return self.ask(
            request,
            title=capfirst(str(chosen.label)),
            submit=capfirst(str(chosen.label)),
            original=appointment,
            about=[
                f"{appointment.called}: {appointment.client}, {appointment.provider}",
                local_time_with_zone(appointment.starts_at, self.schedule_of(appointment).timezone),
            ],
            form=form,
            hidden=[("next", request.GET["next"])] if "next" in request.GET else [],
            back=back(request, self.change_url(pk)),
        )

    # --- Many appointments ---

    def act_on_many(self, request: HttpRequest, queryset: QuerySet[Appointment], action: Action) -> Any:
        """Preview an action on each of many appointments and, once confirmed, take it."""
        form = FORMS[action](request.POST if "answered" in request.POST else None) if action in FORMS else None
        reason = form.cleaned_data["reason"] if form and form.is_valid() else ""
        actor, now = staff(request), timezone.now()

        def apply(appointment: Appointment) -> None:
            appointments.take_action(appointment_id=appointment.pk, action=action, actor=actor, now=now, reason=reason)

        return self.after_preview(
            request,
            queryset.order_by("reservation__provider", "pk"),  # all requests lock schedules in the same order
            apply,
            title=capfirst(str(action.label)),
            done=str(TRANSITIONS[action].done_many),
            form=form,
            describe=lambda row: f"{row.called}: {row.client}, {row.provider}, {self.providers_start(row)}",
        )

    # --- Columns ---

    @admin.display(description=gettext_lazy("title"), ordering="title")
    def name(self, appointment: Appointment) -> str:
        return appointment.called

    @admin.display(description=gettext_lazy("provider"), ordering="reservation__provider__name")
    def provider(self, appointment: Appointment) -> str:
        return str(appointment.provider)

    @admin.display(description=gettext_lazy("client"), ordering="reservation__client__name")
    def client(self, appointment: Appointment) -> str:
        return str(appointment.client)

    @admin.display(description=gettext_lazy("start"), ordering="reservation__starts_at")
    def providers_start(self, appointment: Appointment) -> str:
        return local_time_with_zone(appointment.starts_at, appointment.provider.schedule.timezone)

    @admin.display(description=here(gettext_lazy("start")), ordering="reservation__starts_at")
    def starts(self, appointment: Appointment) -> str:
        return local_time(appointment.starts_at)

    @admin.display(description=here(gettext_lazy("end")))
    def ends(self, appointment: Appointment) -> str:
        return local_time(appointment.ends_at)

    @admin.display(description=here(gettext_lazy("created")))
    def made(self, appointment: Appointment) -> str:
        return local_time(appointment.created_at)

    @admin.display(description=here(gettext_lazy("changed")))
    def changed(self, appointment: Appointment) -> str:
        return local_time(appointment.updated_at)


@admin.register(ImportedEntry)
class ImportedEntryAdmin(ReadOnly, StaffModelAdmin):
    """The references that imported appointments and series have in the system they came from."""

    list_display = ("reference", "provider", "appointment", "series")
    list_select_related = ("provider", "appointment", "series")
    list_filter = (provider_filter("provider"),)
    search_fields = ("reference",)
    fields = list_display
