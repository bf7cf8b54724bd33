"""Appointments: booked, moved and ended through the operations, with their history to read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Client
from booking.admin.imports import BookingImports, CalendarUploadForm
from booking.admin.shared import (
    CalendarForm,
    InCalendarAdmin,
    choose_from_many,
    explained,
    in_zone,
    provider_filter,
    staff,
    there,
)
from booking.enums import Action, Override
from booking.models import Appointment, AppointmentEvent, ImportedEntry, Reservation, Schedule, Service
from booking.operations import appointments
from booking.operations.imports import APPOINTMENTS, CALENDAR
from scheduler_project.common.admin import OfficeAdmin, ReadOnly, do_to_each, first, told
from scheduler_project.common.errors import DomainError
from scheduler_project.common.forms import LocalDateTimeField

# --- Forms ----------------------------------------------------------------------------------------------------------


class TimeFields(forms.Form):
    """When it is to be, and which rules staff set aside on purpose."""

    starts_at = LocalDateTimeField(label=gettext_lazy("Start"))
    ends_at = LocalDateTimeField(label=gettext_lazy("End"), required=False)
    override_notice = forms.BooleanField(
        label=gettext_lazy("Override notice"),
        required=False,
        help_text=gettext_lazy("Book inside the minimum notice or beyond the booking horizon. This is recorded."),
    )
    override_hours = forms.BooleanField(
        label=gettext_lazy("Override hours"),
        required=False,
        help_text=gettext_lazy("Book outside the provider's hours. This is recorded. Booked time stays booked."),
    )

    def overrides(self) -> list[Override]:
        chosen = {Override.NOTICE: "override_notice", Override.HOURS: "override_hours"}
        return [override for override, name in chosen.items() if self.cleaned_data[name]]


class BookForm(TimeFields, CalendarForm):
    client = forms.ModelChoiceField(
        Client.objects.none(),
        label=gettext_lazy("Client"),
        error_messages={"invalid_choice": gettext_lazy("Choose from this provider's address book, or nobody's.")},
    )
    service = forms.ModelChoiceField(
        Service.objects.none(),
        label=gettext_lazy("Service"),
        required=False,
        help_text=gettext_lazy("Without one, say when it ends or take a single slot."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider_id = self.schedule.provider_id
        self.fields["ends_at"].help_text = _("Empty: as long as the service lasts.")
        client: Any = self.fields["client"]
        service: Any = self.fields["service"]
        client.queryset = Client.objects.filter(Q(owner=None) | Q(owner=provider_id))
        service.queryset = Service.objects.filter(providers=provider_id, is_active=True)
        choose_from_many(client, Reservation.client.field)


class MoveForm(TimeFields):
    """A new time for an appointment, on the clocks of its provider."""

    def __init__(self, schedule: Schedule, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schedule = schedule
        self.fields["ends_at"].help_text = _("Empty: it stays as long as it is.")
        in_zone(self, schedule.timezone)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


FORMS: dict[Action, type[forms.Form]] = {
    Action.CANCEL: ReasonForm,
    Action.DECLINE: ReasonForm,
}
"""What is asked before an action. Cancelling and declining are told to the client, with the reason."""

DONE = {
    Action.APPROVE: gettext_lazy("Appointments approved: %d."),
    Action.DECLINE: gettext_lazy("Appointments declined: %d."),
    Action.COMPLETE: gettext_lazy("Appointments marked as completed: %d."),
    Action.MISS: gettext_lazy("Appointments marked as missed: %d."),
    Action.CANCEL: gettext_lazy("Appointments cancelled: %d."),
}


# --- History --------------------------------------------------------------------------------------------------------


class EventColumns:
    @admin.display(description=gettext_lazy("at (UTC)"), ordering="at")
    def at_utc(self, event: AppointmentEvent) -> str:
        return told(event.at)

    @admin.display(description=gettext_lazy("details"))
    def details_told(self, event: AppointmentEvent) -> str:
        return "; ".join(f"{name}: {self._told(value)}" for name, value in event.details.items()) or "–"

    def _told(self, value: Any) -> str:
        if value is None:
            return _("(not kept)")
        if isinstance(value, dict):
            return ", ".join(f"{name} “{self._told(part)}”" for name, part in value.items())
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class EventInline(EventColumns, ReadOnly, admin.TabularInline):
    model = AppointmentEvent
    fields = ("at_utc", "event", "user", "face", "details_told")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("history")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentEvent]:
        return super().get_queryset(request).select_related("user")


@admin.register(AppointmentEvent)
class AppointmentEventAdmin(EventColumns, ReadOnly, OfficeAdmin):
    list_display = ("at_utc", "event", "appointment", "user", "face", "details_told")
    list_filter = ("event", "face")
    list_select_related = ("appointment", "user")
    search_fields = ("appointment__title", "user__email")
    date_hierarchy = "at"
    ordering = ("-pk",)
    fields = ("appointment", "at_utc", "event", "user", "face", "details_told")
    readonly_fields = fields


# --- Appointments ---------------------------------------------------------------------------------------------------


class WhenFilter(admin.SimpleListFilter):
    title = gettext_lazy("time")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("coming", _("coming")), ("past", _("past"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        now = timezone.now()
        if self.value() == "coming":
            return queryset.filter(reservation__ends_at__gt=now)
        return queryset.filter(reservation__ends_at__lte=now) if self.value() == "past" else queryset


@admin.register(Appointment)
class AppointmentAdmin(BookingImports, InCalendarAdmin):
    """Only title, description and timezone are edited here; what happens to an appointment is done by its actions."""

    sheets = (APPOINTMENTS, CALENDAR)
    upload_forms = {CALENDAR.name: CalendarUploadForm}
    list_display = ("name", "status", "local_start", "providers_start", "provider", "client")
    list_filter = ("status", WhenFilter, provider_filter("reservation__provider"), "reservation__service")
    list_select_related = ("reservation__provider__schedule", "reservation__client", "reservation__service")
    search_fields = ("title", "reservation__provider__name", "reservation__client__name", "reservation__client__email")
    date_hierarchy = "reservation__starts_at"
    refusal_fields = {**InCalendarAdmin.refusal_fields, "override": "override_notice"}
    change_form_template = "admin/tools_change_form.html"
    actions = ("approve", "decline", "complete", "miss", "cancel")

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

    def get_fieldsets(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        if obj is None:
            who = ("client", "service", "starts_at", "ends_at", "override_notice", "override_hours")
            return [(None, {"fields": who}), (_("Details"), {"fields": ("title", "description")})]
        return [
            (
                None,
                {
                    "fields": (
                        "status",
                        "provider",
                        "client",
                        "service",
                        "local_start",
                        "local_end",
                        "providers_start",
                        "starts",
                        "ends",
                    )
                },
            ),
            (_("Details"), {"fields": ("title", "description", "timezone")}),
            (
                _("Record"),
                {
                    "fields": (
                        "cancellation_reason",
                        "reservation",
                        "series",
                        "occurrence",
                        "uid",
                        "sequence",
                        "made",
                        "changed",
                    )
                },
            ),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Appointment | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return (
            *(
                "status",
                "provider",
                "client",
                "service",
                "local_start",
                "local_end",
                "providers_start",
                "starts",
                "ends",
            ),
            *("cancellation_reason", "reservation", "series", "occurrence", "uid", "sequence", "made", "changed"),
        )

    def get_inlines(self, request: HttpRequest, obj: Appointment | None) -> list[Any]:
        return [EventInline] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None and getattr(request, "schedule", None):
            kwargs["form"] = type("BookForm", (BookForm,), {"schedule": request.schedule})  # type: ignore[attr-defined]
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        actor, now = staff(request), timezone.now()
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            made = appointments.edit(appointment_id=obj.pk, changes=wanted, actor=actor, now=now)
        else:
            given = form.cleaned_data
            made = appointments.book(
                provider_id=form.schedule.provider_id,
                client_id=given["client"].pk,
                service_id=given["service"] and given["service"].pk,
                starts_at=given["starts_at"],
                ends_at=given["ends_at"],
                title=given["title"],
                description=given["description"],
                overrides=form.overrides(),
                actor=actor,
                now=now,
            )
        obj.__dict__.update(made.__dict__)

    # --- One appointment ---

    def get_urls(self) -> list[Any]:
        one = self.admin_site.admin_view(self.action_view)
        return [path("<int:pk>/do/<str:action>/", one, name="booking_appointment_act"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        appointment = self.get_object(request, object_id)
        tools = []
        if appointment and self.has_change_permission(request, appointment):
            allowed = appointments.allowed_actions(appointment, staff(request), timezone.now())
            tools = [
                (capfirst(action.label), reverse("admin:booking_appointment_act", args=[appointment.pk, action.value]))
                for action in allowed
            ]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def action_view(self, request: HttpRequest, pk: int, action: str) -> Any:
        """Ask before an action on one appointment, and do it."""
        appointment = self.get_object(request, str(pk))
        if appointment is None or action not in Action.values:
            raise Http404
        if not self.has_change_permission(request, appointment):
            raise PermissionDenied
        form = self._form(Action(action), appointment, request.POST if request.method == "POST" else None)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                self._do(request, appointment, Action(action), form)
            except DomainError as refusal:
                why = explained(refusal, self.schedule_of(appointment))
                field = self.refusal_fields.get(refusal.field or "", refusal.field)
                if form is None:
                    messages.error(request, why)
                    return HttpResponseRedirect(self.change_url(pk))
                form.add_error(field if field in form.fields else None, why)
            else:
                messages.success(request, _("Done: %s.") % Action(action).label)
                return HttpResponseRedirect(self.change_url(pk))
        zone = self.schedule_of(appointment).timezone
        return self.ask(
            request,
            title=capfirst(str(Action(action).label)),
            submit=capfirst(str(Action(action).label)),
            original=appointment,
            about=[
                f"{appointment.called}: {appointment.client}, {appointment.provider}",
                there(appointment.starts_at, zone),
            ],
            form=form,
            back=self.change_url(pk),
        )

    def _form(self, action: Action, appointment: Appointment, data: Any) -> Any:
        if action == Action.RESCHEDULE:
            return MoveForm(self.schedule_of(appointment), data, initial={"starts_at": appointment.starts_at})
        return FORMS[action](data) if action in FORMS else None

    def _do(self, request: HttpRequest, appointment: Appointment, action: Action, form: Any) -> None:
        common: dict[str, Any] = {"appointment_id": appointment.pk, "actor": staff(request), "now": timezone.now()}
        if action == Action.RESCHEDULE:
            given = form.cleaned_data
            appointments.reschedule(
                starts_at=given["starts_at"], ends_at=given["ends_at"], overrides=form.overrides(), **common
            )
        else:
            appointments.act(action=action, reason=form.cleaned_data["reason"] if form else "", **common)

    # --- Many appointments ---

    def _act(self, request: HttpRequest, queryset: QuerySet[Appointment], action: Action) -> Any:
        """Do an action to each, once what must be asked before is answered."""
        form = FORMS[action](request.POST if "answered" in request.POST else None) if action in FORMS else None
        if form and not form.is_valid():
            chosen = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
            across = request.POST.get("select_across", "0")
            again = [("action", action.value), ("select_across", across), ("answered", "1")]
            return self.ask(
                request,
                title=_("%(action)s – appointments: %(count)d")
                % {"action": capfirst(action.label), "count": queryset.count()},
                submit=capfirst(str(action.label)),
                about=first([f"{row.called}: {row.client}, {told(row.starts_at)} UTC" for row in queryset]),
                form=form,
                hidden=[*again, *chosen],
                back=self.list_url(),
            )
        reason = form.cleaned_data["reason"] if form else ""
        actor, now = staff(request), timezone.now()

        def deed(appointment: Appointment) -> None:
            appointments.act(appointment_id=appointment.pk, action=action, actor=actor, now=now, reason=reason)

        do_to_each(request, queryset, deed, str(DONE[action]))
        return None

    @admin.action(description=gettext_lazy("Approve"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return self._act(request, queryset, Action.APPROVE)

    @admin.action(description=gettext_lazy("Decline…"), permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return self._act(request, queryset, Action.DECLINE)

    @admin.action(description=gettext_lazy("Mark as completed"), permissions=["change"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return self._act(request, queryset, Action.COMPLETE)

    @admin.action(description=gettext_lazy("Mark as missed"), permissions=["change"])
    def miss(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return self._act(request, queryset, Action.MISS)

    @admin.action(description=gettext_lazy("Cancel…"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> Any:
        return self._act(request, queryset, Action.CANCEL)

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

    @admin.display(description=gettext_lazy("service"), ordering="reservation__service__name")
    def service(self, appointment: Appointment) -> str:
        return str(appointment.service or "–")

    @admin.display(description=gettext_lazy("start (its own timezone)"), ordering="reservation__starts_at")
    def local_start(self, appointment: Appointment) -> str:
        return there(appointment.starts_at, appointment.timezone)

    @admin.display(description=gettext_lazy("start (provider's timezone)"), ordering="reservation__starts_at")
    def providers_start(self, appointment: Appointment) -> str:
        return there(appointment.starts_at, appointment.provider.schedule.timezone)

    @admin.display(description=gettext_lazy("end (its own timezone)"))
    def local_end(self, appointment: Appointment) -> str:
        return there(appointment.ends_at, appointment.timezone)

    @admin.display(description=gettext_lazy("start (UTC)"), ordering="reservation__starts_at")
    def starts(self, appointment: Appointment) -> str:
        return told(appointment.starts_at)

    @admin.display(description=gettext_lazy("end (UTC)"))
    def ends(self, appointment: Appointment) -> str:
        return told(appointment.ends_at)

    @admin.display(description=gettext_lazy("made (UTC)"))
    def made(self, appointment: Appointment) -> str:
        return told(appointment.created_at)

    @admin.display(description=gettext_lazy("changed (UTC)"))
    def changed(self, appointment: Appointment) -> str:
        return told(appointment.updated_at)


@admin.register(ImportedEntry)
class ImportedEntryAdmin(ReadOnly, OfficeAdmin):
    """What appointments and series are called where they were imported from."""

    list_display = ("reference", "provider", "appointment", "series")
    list_select_related = ("provider", "appointment", "series")
    list_filter = (provider_filter("provider"),)
    search_fields = ("reference",)
    fields = list_display
