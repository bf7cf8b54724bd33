"""The admin of schedules: their policy, their hours, and the dated changes to them."""

import re
from collections.abc import Iterable
from datetime import time
from itertools import groupby
from operator import itemgetter
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.admin.base import (
    InScheduleAdmin,
    Previews,
    ScheduleForm,
    local_time_with_zone,
    provider_filter,
    refusal_in_words,
    report_effect,
    staff,
)
from booking.admin.imports import BookingImports
from booking.availability import operations as availability
from booking.availability import slots
from booking.availability.enums import Weekday
from booking.availability.forms import ClockField
from booking.availability.models import POLICY, SETTINGS
from booking.imports.kinds import HOURS
from booking.models import AvailabilityWindow, DateOverride, Schedule, WorkingHours
from scheduler_project.common.admin.actions import do_to_each
from scheduler_project.common.admin.base import NamedFormSet, ReadOnly, StaffModelAdmin
from scheduler_project.common.admin.times import here, local_time
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.forms import LocalDateTimeField, ModelForm


class EndClockField(ClockField):
    def prepare_value(self, value: Any) -> Any:
        return "24:00" if value == time(0) else value


def stretched(hours: Iterable[tuple[str, str]]) -> str:
    """Return the hours of one day as text that `DayTimesField` reads."""
    return ", ".join(f"{start}–{'24:00' if end == '00:00' else end}" for start, end in hours)


def hours_in_words(hours: Iterable[tuple[int, str, str]]) -> str:
    """Return weekly hours in words, for example “Monday–Thursday 09:00–17:00; Friday 09:00–12:30”."""
    by_day = {day: stretched(row[1:] for row in rows) for day, rows in groupby(sorted(hours), key=itemgetter(0))}
    runs: list[list[int]] = []
    for day, text in by_day.items():
        if runs and runs[-1][-1] == day - 1 and by_day[day - 1] == text:
            runs[-1].append(day)
        else:
            runs.append([day])
    return "; ".join(f"{_days_in_words(run)} {by_day[run[0]]}" for run in runs)


def _days_in_words(days: list[int]) -> str:
    first, last = Weekday(days[0]).label, Weekday(days[-1]).label
    return str(first) if len(days) == 1 else f"{first}–{last}"


class WorkingHoursForm(ModelForm):
    start_time = ClockField(label=gettext_lazy("Start"))
    end_time = EndClockField(label=gettext_lazy("End"))

    def _get_validation_exclusions(self) -> set[str]:
        """Exclude all fields: the operation replaces all hours at once, so former neighbours of a row do not matter."""
        return {*super()._get_validation_exclusions(), *self.fields}  # type: ignore[misc]


class WorkingHoursInline(admin.TabularInline):
    model = WorkingHours
    form = WorkingHoursForm
    formset = NamedFormSet
    extra = 1
    verbose_name_plural = gettext_lazy(
        "working hours (local time of the schedule; an end at or before the start is on the next day)"
    )


@admin.register(Schedule)
class ScheduleAdmin(Previews):
    """The admin of schedules. Every provider has one, created and deleted with them."""

    fields = ("provider", *SETTINGS, "slots_laid")
    readonly_fields = ("provider", "slots_laid", "former_hours")
    inlines = (WorkingHoursInline,)
    list_display = ("provider", *POLICY, "slots_laid")
    list_filter = ("provider__is_active", "slot_minutes")
    list_select_related = ("provider",)
    search_fields = ("provider__name", "timezone")
    change_form_template = "admin/tools_change_form.html"
    actions = ("extend_slots",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).select_related("provider")

    def describe(self, row: Schedule) -> str:
        return f"{row.provider} · {row.timezone}"

    def explain(self, refusal: DomainError, form: Any) -> str:
        return refusal_in_words(refusal, form.instance)

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        """Return the fieldsets, with former hours only for users who may see the present ones."""
        shown = super().get_fieldsets(request, obj)
        former = (_("Former hours"), {"classes": ["collapse"], "fields": ["former_hours"]})
        return [*shown, former] if request.user.has_perm("booking.view_workinghours") else shown

    @admin.display(description=gettext_lazy("weekly hours"))
    def former_hours(self, schedule: Schedule) -> str:
        """Return former hours, the latest first, each in the timezone it had.

        Hours replaced in the same instant were never kept.
        """
        kept = schedule.former_hours.order_by("-until", "pk").distinct("until")
        says = _("Until %(until)s: %(hours)s, in slots of %(minutes)d minutes")
        lines = [
            says
            % {
                "until": local_time_with_zone(row.until, row.timezone),
                "hours": hours_in_words(row.hours) or _("closed"),
                "minutes": row.slot_minutes,
            }
            for row in kept
        ]
        return "\n".join(lines) or _("They have never been changed.")

    @admin.display(description=here(gettext_lazy("slots until")), ordering="slots_until")
    def slots_laid(self, schedule: Schedule) -> str:
        return local_time(schedule.slots_until)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        schedule = self.get_object(request, object_id)
        tools = self._tools(request, schedule) if schedule else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def _tools(self, request: HttpRequest, schedule: Schedule) -> list[tuple[str, str]]:
        """Return the links to a schedule's other pages that the user may open."""
        looks = {
            "slot": (_("Slots"), "admin:booking_slot_changelist"),
            "appointment": (_("Day"), "admin:booking_appointment_day"),
        }
        adds = {
            "timeoff": _("Add time off"),
            "dateoverride": _("Add a date override"),
            "availabilitywindow": _("Add an availability window"),
            "appointment": _("Book"),
        }
        of_provider, of_schedule = {"provider": schedule.provider_id}, {"schedule": schedule.pk}
        return [
            *(
                (label, reverse(name, query=of_provider))
                for model, (label, name) in looks.items()
                if request.user.has_perm(f"booking.view_{model}")
            ),
            *(
                (label, reverse(f"admin:booking_{model}_add", query=of_schedule))
                for model, label in adds.items()
                if request.user.has_perm(f"booking.add_{model}")
            ),
        ]

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        request.changes = []  # type: ignore[attr-defined]
        wanted = {name: getattr(obj, name) for name in form.changed_data}
        if wanted:
            self._do(request, availability.set_policy, provider_id=obj.provider_id, changes=wanted)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        for formset in formsets:
            formset.save(commit=False)  # Fills in what the row's history shows.
            if formset.has_changed():
                rows = [row.cleaned_data for row in formset.forms if row.cleaned_data]
                hours = [(row["weekday"], row["start_time"], row["end_time"]) for row in rows if not row.get("DELETE")]
                provider_id = form.instance.provider_id
                self._do(request, availability.set_working_hours, provider_id=provider_id, hours=hours)
        if request.changes:  # type: ignore[attr-defined]
            report_effect(request, *request.changes)  # type: ignore[attr-defined]

    def _do(self, request: HttpRequest, apply: Any, **arguments: Any) -> None:
        request.changes.append(  # type: ignore[attr-defined]
            apply(**arguments, actor=staff(request), now=timezone.now())
        )

    @admin.action(description=gettext_lazy("Extend slots now"), permissions=["change"])
    def extend_slots(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        now = timezone.now()

        def apply(schedule: Schedule) -> None:
            slots.extend(schedule_id=schedule.pk, now=now)

        do_to_each(request, queryset, apply, _("Schedules whose slots now reach the booking horizon: %d."))


STRETCH = re.compile(r"(\d\d?:\d\d)\s*[-–]\s*(\d\d?:\d\d)")


class DayTimesField(forms.Field):
    """The hours of one day, written `09:00–12:30, 13:30–17:00`."""

    def to_python(self, value: Any) -> list[tuple[time, time]]:
        parts = [part.strip() for part in re.split(r"[,;\n]", value or "")]
        return [self._stretch(part) for part in parts if part]

    def _stretch(self, text: str) -> tuple[time, time]:
        clock = ClockField()
        found = STRETCH.fullmatch(text)
        if found is None:
            raise ValidationError(_("“%s” isn't a time range. Enter it like 09:00–12:30.") % text, code="invalid")
        return clock.clean(found[1]), clock.clean(found[2])


class DateOverrideForm(ScheduleForm):
    stretches = DayTimesField(
        label=gettext_lazy("Hours"),
        required=False,
        help_text=gettext_lazy("Local time, such as 09:00–12:30, 13:30–17:00. Empty: closed that day."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["stretches"] = stretched(self.instance.hours)


@admin.register(DateOverride)
class DateOverrideAdmin(Previews, InScheduleAdmin):
    form = DateOverrideForm
    fields = ("date", "stretches")
    refusal_fields = {"start_time": "stretches", "end_time": "stretches", "hours": "stretches"}
    list_display = ("date", "schedule", "local_hours", "zone")
    list_filter = (provider_filter("schedule__provider"),)
    list_select_related = ("schedule__provider",)
    search_fields = ("schedule__provider__name",)
    date_hierarchy = "date"

    def save_model(self, request: HttpRequest, obj: DateOverride, form: Any, change: bool) -> None:
        actor, now = staff(request), timezone.now()
        changes = []
        if change and "date" in form.changed_data:
            old = DateOverride.objects.select_related("schedule").get(pk=obj.pk)
            changes.append(availability.clear_date_override(override=old, actor=actor, now=now))
        changes.append(
            availability.set_date_override(
                provider_id=form.schedule.provider_id,
                day=form.cleaned_data["date"],
                hours=form.cleaned_data["stretches"],
                actor=actor,
                now=now,
            )
        )
        obj.__dict__.update(changes[-1].made.__dict__)
        report_effect(request, *changes)

    def delete_model(self, request: HttpRequest, obj: DateOverride) -> None:
        report_effect(request, availability.clear_date_override(override=obj, actor=staff(request), now=timezone.now()))

    @admin.display(description=gettext_lazy("hours (schedule's time zone)"))
    def local_hours(self, override: DateOverride) -> str:
        return stretched(override.hours) or _("closed")

    @admin.display(description=gettext_lazy("time zone"))
    def zone(self, override: DateOverride) -> str:
        return override.schedule.timezone


class WindowAdminForm(ScheduleForm):
    starts_at = LocalDateTimeField(label=gettext_lazy("Start"))
    ends_at = LocalDateTimeField(label=gettext_lazy("End"))


class LocalTimesAdmin(Previews, InScheduleAdmin):
    """An admin of rows from one instant to another, shown in the schedule's timezone."""

    @admin.display(description=gettext_lazy("start (schedule's time zone)"), ordering="starts_at")
    def starts(self, row: Any) -> str:
        return local_time_with_zone(row.starts_at, row.schedule.timezone)

    @admin.display(description=gettext_lazy("end (schedule's time zone)"), ordering="ends_at")
    def ends(self, row: Any) -> str:
        return local_time_with_zone(row.ends_at, row.schedule.timezone)


@admin.register(AvailabilityWindow)
class AvailabilityWindowAdmin(LocalTimesAdmin):
    form = WindowAdminForm
    fields = ("starts_at", "ends_at")
    list_display = ("schedule", "starts", "ends")
    list_filter = (provider_filter("schedule__provider"),)
    list_select_related = ("schedule__provider",)
    search_fields = ("schedule__provider__name",)
    date_hierarchy = "starts_at"

    def save_model(self, request: HttpRequest, obj: AvailabilityWindow, form: Any, change: bool) -> None:
        wanted = {name: form.cleaned_data[name] for name in self.fields}
        common: dict[str, Any] = {"actor": staff(request), "now": timezone.now()}
        if change:
            old = AvailabilityWindow.objects.select_related("schedule").get(pk=obj.pk)
            done = availability.move_window(window=old, **wanted, **common)
        else:
            done = availability.open_window(provider_id=form.schedule.provider_id, **wanted, **common)
        obj.__dict__.update(done.made.__dict__)
        report_effect(request, done)

    def delete_model(self, request: HttpRequest, obj: AvailabilityWindow) -> None:
        report_effect(request, availability.close_window(window=obj, actor=staff(request), now=timezone.now()))


@admin.register(WorkingHours)
class WorkingHoursAdmin(BookingImports, ReadOnly, StaffModelAdmin):
    """The weekly hours of all providers, to read. The admin of schedules changes them."""

    sheets = (HOURS,)
    fields = ("schedule", "weekday", "start_time", "end_time")
    list_display = ("schedule", "weekday", "starts", "ends", "zone")
    list_filter = ("weekday", provider_filter("schedule__provider"))
    list_select_related = ("schedule__provider",)
    search_fields = ("schedule__provider__name",)

    @admin.display(description=gettext_lazy("start (schedule's time zone)"), ordering="start_time")
    def starts(self, hours: WorkingHours) -> str:
        return f"{hours.start_time:%H:%M}"

    @admin.display(description=gettext_lazy("end (schedule's time zone)"), ordering="end_time")
    def ends(self, hours: WorkingHours) -> str:
        return f"{hours.end_time:%H:%M}"

    @admin.display(description=gettext_lazy("time zone"))
    def zone(self, hours: WorkingHours) -> str:
        return hours.schedule.timezone
